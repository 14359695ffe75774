import { ApiProperty, type ApiPropertyOptions } from '@nestjs/swagger';
import { BUILD_PATTERN, ID_PATTERN, isTime, LABEL_PATTERN, MODEL_PATTERN, VERSION_PATTERN } from '@sluice/contracts';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  ArrayUnique,
  buildMessage,
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

interface TextOptions extends FieldOptions {
  readonly max: number;
  readonly min?: number;
  /** A regular expression, from ^ to $. */
  readonly pattern?: string;
  /** What a value that the pattern refuses should have been: 'an http or https address'. */
  readonly says?: string;
}

interface NumberOptions extends FieldOptions {
  readonly min: number;
  readonly max: number;
  /** Of queries, whose values are text. */
  readonly inQuery?: boolean;
}

/** A field of text, with its bounds: checked by class-validator, and shown in the OpenAPI document. */
export const Text = (options: TextOptions) =>
  field(options, textSchema(options), (each) => [
    IsString(each),
    MaxLength(options.max, each),
    ...(options.min === undefined ? [] : [MinLength(options.min, each)]),
    ...(options.pattern === undefined
      ? []
      : [
          Matches(new RegExp(options.pattern), {
            ...each,
            ...(options.says !== undefined && { message: `$property must be ${options.says}` }),
          }),
        ]),
  ]);

const patternText =
  (pattern: string) =>
  (options: FieldOptions = {}) =>
    field(options, { type: 'string', pattern }, (each) => [Matches(new RegExp(pattern), each)]);

/** An id of a patch, rollout, hold or device. */
export const Id = patternText(ID_PATTERN);
export const Build = patternText(BUILD_PATTERN);
export const Model = patternText(MODEL_PATTERN);
export const Version = patternText(VERSION_PATTERN);
/** A ring, or a region. */
export const Label = patternText(LABEL_PATTERN);

/** An instant as the contracts have it: RFC 3339 with a zone, on a day that the calendar has. */
export const Time = (options: FieldOptions = {}) =>
  field(options, { type: 'string', format: 'date-time' }, (each) => [
    ValidateBy(
      {
        name: 'isTime',
        validator: {
          validate: isTime,
          defaultMessage: buildMessage(
            (prefix) => `${prefix}$property must be a time that exists: 2026-11-24T10:00:00Z`,
            each,
          ),
        },
      },
      each,
    ),
  ]);

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

export const Flag = (options: FieldOptions = {}) => field(options, { type: 'boolean' }, (each) => [IsBoolean(each)]);

/** One of a few words. The document has them once, as a schema of this name. */
export const OneOf = (values: readonly string[], name: string, options: FieldOptions = {}) =>
  field(options, { enum: [...values], enumName: name }, (each) => [IsIn(values, each)]);

/** Another class of fields. */
export const Part = (type: () => new () => object, options: FieldOptions = {}) =>
  field(options, { type }, (each) => [IsObject(each), ValidateNested(each), Type(type)]);

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
  const list = { minItems: min, maxItems: max, ...(unique && { uniqueItems: true }) };
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

function numberSchema({ min, max }: NumberOptions, type: 'integer' | 'number'): ApiPropertyOptions {
  return { type, minimum: min, maximum: max };
}

function bounds({ min, max }: NumberOptions, each: ValidationOptions) {
  return [Min(min, each), Max(max, each)];
}

function asNumber({ inQuery = false }: NumberOptions) {
  return inQuery ? [Type(() => Number)] : [];
}
