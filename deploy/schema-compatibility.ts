/** Whether two JSON Schemas of the same event version can live side by side: as much of JSON Schema as the contracts use. */

type Json = Readonly<Record<string, unknown>>;

/** They say something to people and nothing to a validator. */
const annotations = new Set([
  '$schema',
  '$id',
  '$comment',
  'title',
  'description',
  'examples',
  'default',
  'deprecated',
]);
/** How a bound narrows: a minimum when it grows, a maximum when it shrinks; without one, anything goes. */
const bounds: Readonly<Record<string, { readonly narrowsWhen: 'higher' | 'lower' }>> = {
  minimum: { narrowsWhen: 'higher' },
  exclusiveMinimum: { narrowsWhen: 'higher' },
  minLength: { narrowsWhen: 'higher' },
  minItems: { narrowsWhen: 'higher' },
  maximum: { narrowsWhen: 'lower' },
  exclusiveMaximum: { narrowsWhen: 'lower' },
  maxLength: { narrowsWhen: 'lower' },
  maxItems: { narrowsWhen: 'lower' },
};

/**
 * What makes a changed schema another version, one text a fault; empty when it may stay the same version. Events that
 * were written before must be valid still (nothing narrower), and consumers that were built before must take the new ones
 * (nothing wider): what is left are new optional properties, at any depth, and other words.
 */
export function incompatibilities(before: Json, after: Json, path = ''): string[] {
  const at = (keyword: string) => `${path}/${keyword}`;
  const keywords = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...keywords].flatMap((keyword): string[] => {
    const [old, now] = [before[keyword], after[keyword]];
    if (annotations.has(keyword) || isSame(old, now)) return [];
    if (keyword === 'properties') return propertyFaults(before, after, path);
    if (keyword === 'required') return requiredFaults(before, after, path);
    if (keyword === 'items' && isJson(old) && isJson(now)) return incompatibilities(old, now, at(keyword));
    if (keyword === 'enum') return enumFaults(old, now, path);
    if (keyword === 'anyOf' && listOf(old).length === listOf(now).length) return choiceFaults(old, now, at(keyword));
    if (bounds[keyword] !== undefined) return boundFaults(keyword, [old, now], path);
    // Whatever else changes a schema, nobody has shown that it is harmless.
    return [`${at(keyword)} was ${show(old)} and is ${show(now)}`];
  });
}

function propertyFaults(before: Json, after: Json, path: string): string[] {
  const [old, now] = [propertiesOf(before), propertiesOf(after)];
  return Object.keys(old).flatMap((name): string[] => {
    const [was, is] = [old[name], now[name]];
    if (is === undefined) return [`${path}/${name} was removed`];
    return isJson(was) && isJson(is) ? incompatibilities(was, is, `${path}/${name}`) : [];
  });
}

function requiredFaults(before: Json, after: Json, path: string): string[] {
  const [old, now] = [listOf(before['required']), listOf(after['required'])];
  return [
    ...now.filter((name) => !old.includes(name)).map((name) => `${path}/${show(name)} is required now`),
    ...old
      .filter((name) => !now.includes(name) && Object.hasOwn(propertiesOf(after), String(name)))
      .map((name) => `${path}/${show(name)} is optional now, and older consumers need it`),
  ];
}

function enumFaults(before: unknown, after: unknown, path: string): string[] {
  if (before === undefined || after === undefined)
    return [`${path}/enum ${after === undefined ? 'is gone' : 'is new'}`];
  const [old, now] = [listOf(before), listOf(after)];
  return [
    ...old.filter((value) => !now.includes(value)).map((value) => `${path}/enum has ${show(value)} no more`),
    ...now
      .filter((value) => !old.includes(value))
      .map((value) => `${path}/enum has ${show(value)} now, which older consumers refuse`),
  ];
}

/** As many choices as before, each of which may have changed by itself. */
function choiceFaults(before: unknown, after: unknown, path: string): string[] {
  const now = listOf(after);
  return listOf(before).flatMap((was, index) => {
    const is = now[index];
    return isJson(was) && isJson(is) ? incompatibilities(was, is, `${path}/${String(index)}`) : [];
  });
}

function boundFaults(keyword: string, [old, now]: readonly [unknown, unknown], path: string): string[] {
  const isHigher = Number(now) > Number(old);
  const narrows = old === undefined || (now !== undefined && isHigher === (bounds[keyword]?.narrowsWhen === 'higher'));
  const why = narrows ? 'older events may break it' : 'older consumers refuse what it allows';
  return [`${path}/${keyword} was ${show(old)} and is ${show(now)}: ${why}`];
}

function propertiesOf(schema: Json): Json {
  return isJson(schema['properties']) ? schema['properties'] : {};
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isSame(first: unknown, second: unknown): boolean {
  return JSON.stringify(first) === JSON.stringify(second);
}

function show(value: unknown): string {
  return value === undefined ? 'absent' : typeof value === 'string' ? value : JSON.stringify(value);
}
