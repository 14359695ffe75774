import { compareTexts } from './version.ts';

/**
 * The one text of a JSON value, as RFC 8785 has it: no blanks, and the fields of each object in the order of their names by
 * UTF-16 code units. Fields that are undefined are left out.
 */
export function canonicalJson(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join()}]`;
  const fields = Object.entries(value)
    .filter(([, each]) => each !== undefined)
    .sort(([one], [other]) => compareTexts(one, other));
  return `{${fields.map(([name, each]) => `${JSON.stringify(name)}:${canonicalJson(each)}`).join()}}`;
}
