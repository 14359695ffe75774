/** An object of JSON, as documents are made of. */
export type Json = Record<string, unknown>;

export function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Calls a function on each object in a value, the innermost first, and puts what it gives in its place. */
export function mapObjects(value: unknown, change: (each: Json) => unknown): unknown {
  if (Array.isArray(value)) return value.map((each) => mapObjects(each, change));
  if (!isJson(value)) return value;
  return change(Object.fromEntries(Object.entries(value).map(([key, each]) => [key, mapObjects(each, change)])));
}

/**
 * A JSON Schema as OpenAPI 3.1 has it, from one as @nestjs/swagger writes it for 3.0, or as TypeBox does: `nullable`,
 * excluded bounds and examples have other forms, and a reference may have other words beside it.
 */
export function toSchema31(schema: unknown): unknown {
  return mapObjects(schema, (each) => withNull(withBounds(withExamples(withReference(withoutId(each))))));
}

function withoutId({ $id: _, ...schema }: Json): Json {
  return schema;
}

// A single reference is written as `allOf` where it has a description, and our own fields write `anyOf` of an object.
function withReference(schema: Json): Json {
  const { type, allOf, anyOf, ...rest } = schema;
  const [only, ...others] = (allOf ?? anyOf ?? []) as readonly Json[];
  const isAlone = only !== undefined && others.length === 0;
  if (isAlone && ('$ref' in only || Object.keys(only).length === 0)) return { ...only, ...rest };
  return anyOf !== undefined && type === 'object' ? { anyOf, ...rest } : schema;
}

function withExamples({ example, ...schema }: Json): Json {
  // A schema of a field that is called example has the field's own schema there.
  return example === undefined || isJson(example)
    ? { ...schema, ...(isJson(example) && { example }) }
    : { ...schema, examples: [example] };
}

function withBounds(schema: Json): Json {
  const { minimum, exclusiveMinimum, ...rest } = schema;
  return exclusiveMinimum === true ? { ...rest, exclusiveMinimum: minimum } : schema;
}

function withNull({ nullable, ...schema }: Json): Json {
  if (nullable !== true) return schema;
  const { type, description, ...rest } = schema;
  if (typeof type === 'string') return { ...schema, type: [type, 'null'] };
  return { anyOf: [rest, { type: 'null' }], ...(description !== undefined && { description }) };
}
