import { type ErrorCode, errorCodes } from '@sluice/contracts/errors';

/** What an operation is, as far as that decides what it may refuse. */
export interface OperationKind {
  /** Anybody may call it. */
  readonly isPublic: boolean;
  /** It is a command of a person. */
  readonly isCommand: boolean;
  /** How it reads a body: a stop takes anything for one, and a file is bytes. */
  readonly takes: 'nothing' | 'json' | 'stop' | 'file';
}

/** The codes that any operation of its kind may answer, beside its own. */
export function commonProblems({ isPublic, isCommand, takes }: OperationKind): ErrorCode[] {
  return [
    ...(['invalid-request', 'malformed-request', 'headers-too-large', 'request-too-slow'] as const),
    ...(['internal', 'not-ready', 'overloaded', 'shutting-down'] as const),
    ...(isPublic ? [] : (['unauthenticated', 'forbidden', 'tokens-unavailable'] as const)),
    ...(isCommand ? (['conflict', 'store-unavailable'] as const) : []),
    ...(isCommand && takes !== 'stop' ? (['key-reused'] as const) : []),
    ...(takes === 'nothing' ? [] : (['body-too-large'] as const)),
    ...(takes === 'json' ? (['malformed-json', 'unsupported-media-type'] as const) : []),
    ...(takes === 'json' || takes === 'stop' ? (['nested-too-deep'] as const) : []),
  ];
}

const everywhere: ReadonlySet<ErrorCode> = new Set(
  (['nothing', 'json'] as const).flatMap((takes) => commonProblems({ isPublic: false, isCommand: true, takes })),
);

/** The responses that refuse, by status. Those that say nothing of one operation alone are written once, for all. */
export class Refusals {
  readonly shared: Record<string, unknown> = {};

  /** The responses of an operation that may answer these codes. */
  of(codes: readonly ErrorCode[]): Record<string, unknown> {
    return Object.fromEntries(
      byStatus(codes).map(([status, ofStatus]) => {
        if (!ofStatus.every((code) => everywhere.has(code))) return [String(status), problemResponse(status, ofStatus)];
        const name = ofStatus.map(toPascalCase).join('Or');
        this.shared[name] = problemResponse(status, ofStatus);
        return [String(status), { $ref: `#/components/responses/${name}` }];
      }),
    );
  }
}

/** Codes by their HTTP status, both in order. */
function byStatus(codes: readonly ErrorCode[]): [status: number, codes: ErrorCode[]][] {
  const groups = new Map<number, ErrorCode[]>();
  for (const code of [...new Set(codes)].sort()) {
    const { status } = errorCodes[code];
    groups.set(status, [...(groups.get(status) ?? []), code]);
  }
  return [...groups].sort(([left], [right]) => left - right);
}

/** A response that answers with a problem of one of these codes. */
function problemResponse(status: number, codes: readonly ErrorCode[]): object {
  const schema = {
    allOf: [
      { $ref: '#/components/schemas/Problem' },
      { type: 'object', properties: { status: { const: status }, code: { enum: codes } } },
    ],
  };
  return {
    description: codes.map((code) => `\`${code}\`: ${errorCodes[code].title}`).join('\n\n'),
    ...(status === 503 && { headers: { 'Retry-After': RETRY_AFTER } }),
    content: { 'application/problem+json': { schema } },
  };
}

const RETRY_AFTER = { description: 'Try again after so many seconds.', schema: { type: 'integer', minimum: 0 } };

function toPascalCase(code: string): string {
  return code.replaceAll(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase());
}
