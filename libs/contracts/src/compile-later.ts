import { type Static, type TSchema } from 'typebox';
import { Compile, type Validator } from 'typebox/compile';

/** The checks of a schema; `Errors` is empty for what `Check` takes. */
export interface SchemaChecks<Schema extends TSchema> {
  Check(value: unknown): value is Static<Schema>;
  Errors(value: unknown): ReturnType<Validator['Errors']>;
}

/**
 * Compiles the schema at the first use, which takes about a millisecond: a program that starts has the schemas of all messages at
 * hand, and most use a few of them.
 */
export function compileLater<const Schema extends TSchema>(schema: Schema): SchemaChecks<Schema> {
  let compiled: Pick<Validator, 'Check' | 'Errors'> | undefined;
  const checks = () => (compiled ??= Compile(schema as TSchema));
  return {
    Check: (value): value is Static<Schema> => checks().Check(value),
    Errors: (value) => checks().Errors(value),
  };
}
