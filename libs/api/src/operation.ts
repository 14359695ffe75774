import { type ErrorCode } from '@sluice/contracts/errors';
import { ApiExtension, ApiHeader, ApiOperation, ApiResponse } from '@nestjs/swagger';

type Class = new () => object;

/** A class of fields, nothing (204), or something else by its media type; `description` where the status says too little. */
type Answer =
  | Class
  | { readonly type?: Class; readonly description: string }
  | { readonly media: Readonly<Record<string, object>>; readonly description: string };

/** What the document says of an operation, beside what the pass over it adds to all (see `document.ts`). */
export interface OperationText {
  /** Unique; a verb first: `publishPatch`. Names of generated functions are made of it. */
  readonly id: string;
  readonly summary: string;
  readonly description?: string;
  readonly answers: Readonly<Record<number, Answer>>;
  /** The codes of its own refusals; those that any operation of its kind may give are added. */
  readonly problems?: readonly ErrorCode[];
  /** Its successes carry an ETag. */
  readonly etag?: true;
  readonly ifMatch?: 'required' | 'optional';
  /** It asks with a body, and changes nothing. */
  readonly isQuestion?: true;
}

/** The extension in which the pass over the document finds the codes. */
export const PROBLEMS_EXTENSION = 'x-problems';
/** The extension that tells a question with a body from a command. */
export const QUESTION_EXTENSION = 'x-question';
/** The extension that says which roles may call, any one of them; none: only the admin token. */
export const ROLES_EXTENSION = 'x-roles';

/** Shows in the document who may call. */
export const ShownRoles = (roles: 'public' | readonly string[]) => ApiExtension(ROLES_EXTENSION, roles);

const ETAG = { schema: { type: 'string', pattern: '^"\\d{1,15}"$' }, description: 'The version that was answered.' };
const IF_MATCH = 'The ETag of what was looked at: at another version the call is refused with `revision-changed`.';

/** Says once what an operation is called, answers and refuses. Paths, queries and bodies are read from the method. */
export const Operation = (text: OperationText) => {
  const { id, summary, description, answers, problems = [], etag, ifMatch, isQuestion } = text;
  const preconditions: ErrorCode[] =
    ifMatch === undefined
      ? []
      : ['revision-changed', ...(ifMatch === 'required' ? (['if-match-missing'] as const) : [])];
  const decorators = [
    ApiOperation({ operationId: id, summary, ...(description !== undefined && { description }) }),
    ApiExtension(PROBLEMS_EXTENSION, [...preconditions, ...problems]),
    ...(isQuestion === true ? [ApiExtension(QUESTION_EXTENSION, true)] : []),
    ...Object.entries(answers).map(([status, answer]) =>
      ApiResponse({ status: Number(status), ...contentOf(answer), ...(etag && { headers: { ETag: ETAG } }) }),
    ),
    ...(ifMatch === undefined
      ? []
      : [
          ApiHeader({ name: 'If-Match', required: ifMatch === 'required', description: IF_MATCH, schema: ETAG.schema }),
        ]),
  ];
  return (target: object, key: string, descriptor: PropertyDescriptor) => {
    for (const decorate of decorators) decorate(target, key, descriptor);
  };
};

function contentOf(answer: Answer) {
  if (typeof answer === 'function') return { type: answer, description: 'OK' };
  if (!('media' in answer)) return answer;
  const content = Object.fromEntries(Object.entries(answer.media).map(([type, schema]) => [type, { schema }]));
  return { content, description: answer.description };
}
