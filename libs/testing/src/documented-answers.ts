import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';

/** An answer as it goes out. `payload`: undefined where it is no text. */
export interface SentAnswer {
  readonly method: string;
  /** The path of its route as Fastify has it, with `:id`; undefined where no route was found. */
  readonly route: string | undefined;
  readonly status: number;
  readonly contentType: string;
  readonly payload: string | undefined;
}

type Json = Readonly<Record<string, unknown>>;

const DOCUMENT = 'openapi';
const PAYLOAD_SHOWN_MAX = 500;
const compiled = new WeakMap<object, Checks>();

/**
 * What the OpenAPI document does not say of an answer, in words; undefined where it says all of it, and where the route is
 * not in the document: specs have routes of their own.
 */
export function faultOf(document: object, answer: SentAnswer): string | undefined {
  const checks = compiled.get(document) ?? new Checks(document);
  compiled.set(document, checks);
  const what = checks.faultOf(answer);
  if (what === undefined) return undefined;
  const { method, route, status, payload = '' } = answer;
  return `${method} ${route ?? ''} ${String(status)} ${what}: ${payload.slice(0, PAYLOAD_SHOWN_MAX)}`;
}

class Checks {
  private readonly ajv = new Ajv2020({ strict: false, allErrors: false });
  private readonly validators = new Map<string, ValidateFunction>();

  constructor(private readonly document: object) {
    this.ajv.addFormat('date-time', (text) => !Number.isNaN(Date.parse(text)));
    this.ajv.addSchema(withClosedSchemas(document), DOCUMENT);
  }

  faultOf({ method, route, status, contentType, payload }: SentAnswer): string | undefined {
    const path = route?.replaceAll(/:(\w+)/g, '{$1}');
    const at = ['paths', path ?? '', method.toLowerCase()];
    if (path === undefined || this.find(at) === undefined) return undefined;
    const response = this.resolve([...at, 'responses', String(status)]);
    if (response === undefined) return 'is no status of the operation';
    const content = this.find([...response, 'content']) ?? {};
    const type = contentType.split(';')[0] ?? '';
    if (Object.keys(content).length === 0) return payload === undefined || payload === '' ? undefined : 'has a body';
    if (!(type in content)) return `is ${type === '' ? 'of no type' : type}`;
    if (payload === undefined || !type.endsWith('json')) return undefined;
    const validate = this.validator([...response, 'content', type, 'schema']);
    if (validate(JSON.parse(payload))) return undefined;
    return this.ajv.errorsText(validate.errors, { dataVar: 'body' });
  }

  private validator(at: readonly string[]): ValidateFunction {
    const $ref = `${DOCUMENT}#${at.map((part) => `/${escape(part)}`).join('')}`;
    const validate = this.validators.get($ref) ?? this.ajv.compile({ $ref });
    this.validators.set($ref, validate);
    return validate;
  }

  /** Where it is, or where its reference leads. */
  private resolve(at: readonly string[]): readonly string[] | undefined {
    const found = this.find(at);
    if (found === undefined) return undefined;
    return typeof found['$ref'] === 'string' ? found['$ref'].split('/').slice(1) : at;
  }

  private find(at: readonly string[]): Json | undefined {
    return at.reduce<Json | undefined>((value, part) => value?.[part] as Json | undefined, this.document as Json);
  }
}

/** The document whose schemas take no fields that they do not list, so that an answer cannot have any. */
function withClosedSchemas(document: object): object {
  const { components, ...rest } = document as { readonly components: Json };
  const schemas = closed(components['schemas']);
  return { ...rest, components: { ...components, schemas } };
}

function closed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(closed);
  if (typeof value !== 'object' || value === null) return value;
  const each = Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, closed(inner)]));
  const { properties } = each;
  const isOpen = typeof properties !== 'object' || properties === null || Object.keys(properties).length === 0;
  return isOpen || each['type'] !== 'object' || 'additionalProperties' in each
    ? each
    : { ...each, additionalProperties: false };
}

function escape(part: string): string {
  return part.replaceAll('~', '~0').replaceAll('/', '~1').replaceAll('{', '%7B').replaceAll('}', '%7D');
}
