import { type ErrorCode, Problem } from '@sluice/contracts/errors';
import { type OpenAPIObject } from '@nestjs/swagger';
import { usedShapes } from './fields.ts';
import { isJson, type Json, mapObjects, toSchema31 } from './open-api-31.ts';
import { PROBLEMS_EXTENSION, QUESTION_EXTENSION, ROLES_EXTENSION } from './operation.ts';
import { commonProblems, type OperationKind, Refusals } from './problems.ts';

/** A route of devices, which no class of fields describes: JSON Schemas of what it takes and answers. */
export interface DeviceOperation {
  readonly path: string;
  readonly summary: string;
  readonly body: object;
  readonly answer: object;
  readonly status: number;
}

type Method = (typeof METHODS)[number];

export interface OpenApiDocument {
  readonly openapi: string;
  readonly info: object;
  readonly tags?: readonly object[];
  readonly security: readonly object[] | undefined;
  readonly paths: Readonly<Record<string, { readonly [Each in Method]?: Json }>>;
  readonly components: Readonly<Record<'securitySchemes' | 'parameters' | 'responses' | 'schemas', Json>>;
}

/** What the document says of the routes of devices beside their schemas, by path. */
const deviceOperations: Readonly<Record<string, { readonly id: string; readonly problems: readonly ErrorCode[] }>> = {
  '/v1/check-in': { id: 'checkIn', problems: ['device-forbidden'] },
  '/v1/check-ins': { id: 'checkInMany', problems: [] },
  '/v1/reports': { id: 'sendReports', problems: ['shard-without-owner', 'store-unavailable'] },
};

const METHODS = ['get', 'put', 'post', 'delete'] as const;
const SCHEMAS = '#/components/schemas/';

const idempotencyKey = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description:
    'Text of your own for this one command. The same request under the same key is answered as it was the first time, and carried out once.',
  schema: { type: 'string', pattern: '^[\\x20-\\x7e]{1,128}$' },
};

/** A stop is never refused for its key. */
const idempotencyKeyOfStop = {
  ...idempotencyKey,
  description: `${idempotencyKey.description} One that is malformed, or stands for another request, counts as none.`,
  schema: { type: 'string' },
};

/**
 * The OpenAPI 3.1 document made of what @nestjs/swagger writes: schemas in the form of 3.1, the roles, the problems of each
 * operation, `Idempotency-Key` on every command, and the routes of devices. The same code gives the same text.
 */
export function toDocument(written: OpenAPIObject, devices: readonly DeviceOperation[]): OpenApiDocument {
  const components = (written.components ?? {}) as Json;
  const classes = toSchema31(components['schemas'] ?? {}) as Json;
  const refusals = new Refusals();
  const ofDevices = devices.map((each) => devicePath(each, refusals));
  const paths = inOrder({ ...toPaths(written, refusals), ...Object.fromEntries(ofDevices) });
  const schemas = withUsed({ ...classes, Problem: toSchema31(plain(Problem)), ...deviceSchemas(devices) });
  const closed = closeBodies(schemas, paths);
  const used = usedIn([paths, refusals.shared], closed);
  return {
    openapi: '3.1.0',
    info: withoutEmpty(written.info),
    ...(written.tags !== undefined && written.tags.length > 0 && { tags: written.tags }),
    security: written.security,
    paths: paths as OpenApiDocument['paths'],
    components: {
      securitySchemes: components['securitySchemes'] as Json,
      parameters: { IdempotencyKey: idempotencyKey, IdempotencyKeyOfStop: idempotencyKeyOfStop },
      responses: inOrder(refusals.shared),
      schemas: inOrder(Object.fromEntries(Object.entries(closed).filter(([name]) => used.has(name)))),
    },
  };
}

function toPaths({ paths }: OpenAPIObject, refusals: Refusals): Json {
  return Object.fromEntries(
    Object.entries(paths).map(([path, item]) => [
      path,
      Object.fromEntries(
        METHODS.flatMap((method) => {
          const operation = (item as unknown as Json)[method];
          return isJson(operation) ? [[method, toOperation(method, operation, refusals)]] : [];
        }),
      ),
    ]),
  );
}

function toOperation(method: string, operation: Json, refusals: Refusals): Json {
  const { [PROBLEMS_EXTENSION]: problems = [], [ROLES_EXTENSION]: roles, ...asked } = operation;
  const { [QUESTION_EXTENSION]: isQuestion, parameters, requestBody, ...rest } = asked;
  const kind: OperationKind = {
    isPublic: roles === 'public',
    isCommand: method !== 'get' && isQuestion !== true,
    takes: method === 'get' ? 'nothing' : bodyKindOf(requestBody),
  };
  const shown = [
    ...((parameters ?? []) as readonly Json[]).filter((each) => each['name'] !== 'if-match').map(toParameter),
    ...(kind.isCommand
      ? [{ $ref: `#/components/parameters/${kind.takes === 'stop' ? 'IdempotencyKeyOfStop' : 'IdempotencyKey'}` }]
      : []),
  ];
  return {
    ...rest,
    ...(kind.isPublic ? { security: [] } : { [ROLES_EXTENSION]: roles ?? [] }),
    ...(shown.length > 0 && { parameters: shown }),
    ...(requestBody !== undefined && { requestBody: toSchema31(requestBody) }),
    responses: {
      ...(toSchema31(rest['responses']) as Json),
      ...refusals.of([...(problems as ErrorCode[]), ...commonProblems(kind)]),
    },
  };
}

// A stop's body may be left out, and a file's has no schema.
function bodyKindOf(requestBody: unknown): OperationKind['takes'] {
  if (!isJson(requestBody)) return 'json';
  if (requestBody['required'] !== true) return 'stop';
  return JSON.stringify(requestBody).includes(SCHEMAS) ? 'json' : 'file';
}

function toParameter({ schema, ...parameter }: Json): Json {
  return { ...parameter, schema: toSchema31(schema) };
}

function devicePath({ path, summary, body, answer, status }: DeviceOperation, refusals: Refusals): [string, Json] {
  const { id, problems } = deviceOperations[path] ?? { id: path.split('/').at(-1), problems: [] };
  const common = commonProblems({ isPublic: false, isCommand: false, takes: 'json' });
  const post = {
    operationId: id,
    summary,
    tags: ['devices'],
    [ROLES_EXTENSION]: ['device', 'gateway'],
    requestBody: { required: true, content: { 'application/json': { schema: refTo(body) } } },
    responses: {
      [status]: { description: 'OK', content: { 'application/json': { schema: refTo(answer) } } },
      ...refusals.of([...problems, ...common]),
    },
  };
  return [path, { post }];
}

function deviceSchemas(devices: readonly DeviceOperation[]): Json {
  const named = devices.flatMap(({ body, answer }) => [body, answer]);
  return Object.fromEntries(
    named.flatMap((schema) => {
      const name = nameOf(schema);
      return name === undefined ? [] : [[name, toSchema31(plain(schema))]];
    }),
  );
}

function refTo(schema: object): unknown {
  const name = nameOf(schema);
  return name === undefined ? toSchema31(plain(schema)) : { $ref: `${SCHEMAS}${name}` };
}

/** The name of a schema in the document; without one it stands where it is used. */
function nameOf(schema: object): string | undefined {
  return '$id' in schema && typeof schema.$id === 'string' ? schema.$id : undefined;
}

/** Shapes of the contracts that fields name. */
function withUsed(schemas: Json): Json {
  return {
    ...schemas,
    ...Object.fromEntries([...usedShapes()].map(([name, shape]) => [name, toSchema31(plain(shape))])),
  };
}

/** What is asked for refuses fields that it does not know, and all that is inside of it. */
function closeBodies(schemas: Json, paths: Json): Json {
  const bodies: unknown[] = [];
  mapObjects(paths, (each) => {
    if ('requestBody' in each && JSON.stringify(each['tags']) !== '["devices"]') bodies.push(each['requestBody']);
    return each;
  });
  const asked = usedIn(bodies, schemas);
  return Object.fromEntries(
    Object.entries(schemas).map(([name, schema]) => [
      name,
      asked.has(name) && isJson(schema) && 'properties' in schema ? { ...schema, additionalProperties: false } : schema,
    ]),
  );
}

/** The names of the schemas that a part of the document refers to, directly or through others. */
function usedIn(part: unknown, schemas: Json): ReadonlySet<string> {
  const used = new Set<string>();
  const visit = (value: unknown): void => {
    mapObjects(value, (each) => {
      const name = typeof each['$ref'] === 'string' ? each['$ref'].replace(SCHEMAS, '') : undefined;
      if (name !== undefined && name in schemas && !used.has(name)) {
        used.add(name);
        visit(schemas[name]);
      }
      return each;
    });
  };
  visit(part);
  return used;
}

function inOrder(object: Json): Json {
  return Object.fromEntries(Object.entries(object).sort(([left], [right]) => (left < right ? -1 : 1)));
}

/** Without what TypeBox keeps beside the JSON. */
function plain(schema: object): unknown {
  return JSON.parse(JSON.stringify(schema));
}

function withoutEmpty(info: object): object {
  const isEmpty = (value: unknown) => isJson(value) && Object.keys(value).length === 0;
  return Object.fromEntries(Object.entries(info).filter(([, value]) => !isEmpty(value)));
}
