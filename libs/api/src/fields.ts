import { ApiExtraModels, ApiProperty, type ApiPropertyOptions, getSchemaPath } from '@nestjs/swagger';
import { wordsOf } from '@sluice/contracts/pattern-words';
import {
  BUILD_PATTERN,
  ID_PATTERN,
  LABEL_PATTERN,
  MODEL_PATTERN,
  VERSION_PATTERN,
  WEB_ADDRESS_PATTERN,
} from '@sluice/contracts/primitives';
import { isTime, TIME_PATTERN } from '@sluice/contracts/times';
import { Transform, Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  ArrayUnique,
  buildMessage,
  Equals,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsNumber,
  IsObject,
  IsString,
  Matches,
  Max,
  MaxLength,
  Min,
  MinLength,
  ValidateBy,
  ValidateIf,
  ValidateNested,
  type ValidationOptions,
} from 'class-validator';

/** What may be said of every field, beside its kind. A field that is not `optional` has to be there. */
export interface FieldOptions {
  readonly description?: string;
  readonly example?: unknown;
  readonly default?: unknown;
  readonly optional?: boolean;
  /** Of answers only: null tells that there is nothing to show. No request takes null. */
  readonly nullable?: boolean;
  /** Makes the field a list of its kind. */
  readonly list?: { readonly min?: number; readonly max: number; readonly unique?: boolean };
}

type TextOptions = FieldOptions & {
  readonly max: number;
  readonly min?: number;
} & (WithPattern | { readonly pattern?: undefined });

interface WithPattern {
  /** A regular expression, from ^ to $. */
  readonly pattern: string;
  /** What a value that the pattern refuses should have been, because nobody is shown the pattern: 'an http or https address'. */
  readonly says: string;
}

/** A position, as options of a `Text`: `<lineage>.<number>`; a bare number is of the store's first lineage. */
export const POSITION = {
  max: 37,
  pattern: '^([A-Za-z0-9]{1,16}\\.)?\\d{1,20}$',
  says: 'a position as events tell it',
} as const;

/** A pattern of text without control characters. */
export const printable = (max: number) => `^[^\\x00-\\x1f\\x7f-\\x9f]{1,${String(max)}}$`;

interface QueryOptions extends FieldOptions {
  /** Of queries, whose values are text. */
  readonly inQuery?: boolean;
}

interface PartOptions extends FieldOptions {
  /** One of its fields at least is there. */
  readonly isFilled?: boolean;
}

interface NumberOptions extends QueryOptions {
  readonly min: number;
  readonly max: number;
  /** The number is above `min`, not at it. */
  readonly isAbove?: boolean;
}

const TEXT_MAX = 2000;
/** A number as a query has it: no blanks, no hexadecimal digits. */
const NUMBER_TEXT = /^-?\d{1,16}(\.\d{1,16})?$/;

/** A field of text, with its bounds: checked by class-validator, and shown in the OpenAPI document. */
export const Text = (options: TextOptions) =>
  field(options, textSchema(options), (each) => [
    IsString(each),
    MaxLength(options.max, each),
    ...(options.min === undefined ? [] : [MinLength(options.min, each)]),
    ...(options.pattern === undefined
      ? []
      : [Matches(new RegExp(options.pattern, 'u'), { ...each, message: `$property must be ${options.says}` })]),
  ]);

/** Words of a person. Those that are asked for say something. */
export const Reason = (options: FieldOptions = {}) =>
  Text({ max: TEXT_MAX, pattern: '\\S', says: 'words that say something', ...options });

export const WebAddress = (options: FieldOptions = {}) =>
  Text({ max: TEXT_MAX, pattern: WEB_ADDRESS_PATTERN, says: wordsOf(WEB_ADDRESS_PATTERN), ...options });

const patternText =
  (pattern: string) =>
  (options: FieldOptions = {}) =>
    field(options, { type: 'string', pattern }, (each) => [
      Matches(new RegExp(pattern, 'u'), { ...each, message: `$property must be ${wordsOf(pattern)}` }),
    ]);

/** An id of a patch, rollout, hold or device. */
export const Id = patternText(ID_PATTERN);
export const Build = patternText(BUILD_PATTERN);
export const Model = patternText(MODEL_PATTERN);
export const Version = patternText(VERSION_PATTERN);
/** A ring, or a region. */
export const Label = patternText(LABEL_PATTERN);

/** An instant as the contracts have it: RFC 3339 with a zone, on a day that the calendar has. */
export const Time = (options: FieldOptions = {}) =>
  field(options, { type: 'string', format: 'date-time', pattern: TIME_PATTERN }, (each) => [
    ValidateBy(
      {
        name: 'isTime',
        validator: {
          validate: isTime,
          defaultMessage: buildMessage((prefix) => `${prefix}$property must be ${wordsOf(TIME_PATTERN)}`, each),
        },
      },
      each,
    ),
  ]);

/** `?at=`: a view as of an instant. */
export const AsOf = () =>
  Time({ optional: true, description: 'As of this instant, in recorded time; now if not given.' });

/** A whole number. */
export const Count = (options: NumberOptions) =>
  field(options, numberSchema(options, 'integer'), (each) => [
    ...asNumber(options),
    IsInt(each),
    ...bounds(options, each),
  ]);

/** A number that need not be whole: a share, minutes, a percentage. */
export const Amount = (options: NumberOptions) =>
  field(options, numberSchema(options, 'number'), (each) => [
    ...asNumber(options),
    IsNumber({}, each),
    ...bounds(options, each),
  ]);

export const Flag = (options: QueryOptions = {}) =>
  field(options, { type: 'boolean' }, (each) => [
    ...(options.inQuery === true
      ? [fromText((text) => (text === 'true' ? true : text === 'false' ? false : text))]
      : []),
    IsBoolean(each),
  ]);

/** Nothing but true: what is asked for has to be said. */
export const Yes = (options: FieldOptions = {}) =>
  field(options, { type: 'boolean', enum: [true] }, (each) => [Equals(true, each)]);

/** One of a few words. The document has them once, as a schema of this name. */
export const OneOf = (values: readonly string[], name: string, options: FieldOptions = {}) =>
  field(options, { enum: [...values], enumName: name }, (each) => [IsIn(values, each)]);

/** Of answers, where nothing bounds them: a whole number from 0 on, any number, any text. */
export const Tally = (options: FieldOptions = {}) => field(options, { type: 'integer', minimum: 0 }, () => []);
export const Figure = (options: FieldOptions = {}) => field(options, { type: 'number' }, () => []);
export const Words = (options: FieldOptions = {}) => field(options, { type: 'string' }, () => []);

/** Of answers: values of one kind by names that are not known before, such as counts by platform. */
export const ByName =
  (kind: 'count' | (() => new () => object), options: FieldOptions = {}) =>
  (target: object, key: string) => {
    if (kind !== 'count') ApiExtraModels(kind())(target.constructor);
    const values = kind === 'count' ? { type: 'integer', minimum: 0 } : { $ref: getSchemaPath(kind()) };
    field(options, { type: 'object', additionalProperties: values }, () => [])(target, key);
  };

/** Of answers: JSON of any kind. */
export const Json = (options: FieldOptions = {}) =>
  field(options, { type: 'object', anyOf: [{}] } as ApiPropertyOptions, () => []);

/** The JSON Schemas of the contracts that a class uses, by the name that the document has them under. */
const shapes = new Map<string, object>();

/** Of answers: one of some shapes that the contracts have as a JSON Schema. */
export const Shape = (named: Readonly<Record<string, object>>, options: FieldOptions = {}) => {
  for (const [name, schema] of Object.entries(named)) shapes.set(name, schema);
  const anyOf = Object.keys(named).map((name) => ({ $ref: getSchemaPath(name) }));
  return field(options, { type: 'object', anyOf } as ApiPropertyOptions, () => []);
};

export function usedShapes(): ReadonlyMap<string, object> {
  return shapes;
}

/** Another class of fields. */
export const Part = (type: () => new () => object, options: PartOptions = {}) =>
  // @nestjs/swagger takes a function for one that gives a class by its name, which has to be `type`.
  field(options, { type: () => type(), ...(options.isFilled === true && { minProperties: 1 }) }, (each) => [
    IsObject(each),
    ValidateNested(each),
    Type(type),
    ...(options.isFilled === true ? [IsFilled(each)] : []),
  ]);

type Checks = (each: ValidationOptions) => readonly PropertyDecorator[];

function field(options: FieldOptions, schema: ApiPropertyOptions, checks: Checks): PropertyDecorator {
  const { list, optional = false, description, example, nullable } = options;
  const shown = {
    ...(list === undefined ? schema : listOf(schema, list)),
    required: !optional,
    ...(description !== undefined && { description }),
    ...(example !== undefined && { example }),
    ...(nullable !== undefined && { nullable }),
    ...('default' in options && { default: options.default }),
  } as ApiPropertyOptions;
  const decorators = [
    ApiProperty(shown),
    ...(optional ? [ValidateIf((_, value) => value !== undefined)] : []),
    ...(list === undefined ? [] : listChecks(list)),
    ...checks({ each: list !== undefined }),
  ];
  return (target, key) => {
    for (const decorate of decorators) decorate(target, key);
  };
}

function listOf(schema: ApiPropertyOptions, { min = 0, max, unique = false }: NonNullable<FieldOptions['list']>) {
  const list = { ...(min > 0 && { minItems: min }), maxItems: max, ...(unique && { uniqueItems: true }) };
  const isNamed = 'enumName' in schema || typeof schema.type === 'function';
  return isNamed ? { ...schema, isArray: true, ...list } : { type: 'array', items: schema, ...list };
}

function listChecks({ min = 0, max, unique = false }: NonNullable<FieldOptions['list']>) {
  return [IsArray(), ArrayMinSize(min), ArrayMaxSize(max), ...(unique ? [ArrayUnique()] : [])];
}

function textSchema({ min, max, pattern }: TextOptions): ApiPropertyOptions {
  return {
    type: 'string',
    maxLength: max,
    ...(min !== undefined && { minLength: min }),
    ...(pattern !== undefined && { pattern }),
  };
}

function numberSchema({ min, max, isAbove }: NumberOptions, type: 'integer' | 'number'): ApiPropertyOptions {
  return { type, minimum: min, maximum: max, ...(isAbove === true && { exclusiveMinimum: true }) };
}

function bounds({ min, max, isAbove = false }: NumberOptions, each: ValidationOptions) {
  return [isAbove ? IsAbove(min, each) : Min(min, each), Max(max, each)];
}

function IsAbove(min: number, each: ValidationOptions) {
  const message = (prefix: string) => `${prefix}$property must be above ${String(min)}`;
  const validator = {
    validate: (value: unknown) => typeof value === 'number' && value > min,
    defaultMessage: buildMessage(message, each),
  };
  return ValidateBy({ name: 'isAbove', validator }, each);
}

function IsFilled(each: ValidationOptions) {
  const validator = {
    validate: (value: unknown) => Object.values(Object(value) as object).some((inner) => inner !== undefined),
    defaultMessage: buildMessage((prefix) => `${prefix}$property names nothing; leave it out to mean all`, each),
  };
  return ValidateBy({ name: 'empty', validator }, each);
}

function asNumber({ inQuery = false }: NumberOptions) {
  return inQuery ? [fromText((text) => (NUMBER_TEXT.test(text) ? Number(text) : text))] : [];
}

/** Reads the value of a query; what cannot be read stays as it is, and is refused by the checks. */
function fromText(read: (text: string) => unknown) {
  return Transform(({ value }: { value: unknown }) => (typeof value === 'string' ? read(value) : value));
}
