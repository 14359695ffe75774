import { DEPTH_MAX } from '../http/operator-json.ts';
import { ProblemError } from '../http/problem.ts';

const BYTE_ORDER_MARK = 0xfeff;

/**
 * The value of a device's body, without what would poison a prototype. Throws 'malformed-json', and 'nested-too-deep'
 * beyond 32 levels.
 */
export function parseDeviceJson(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text.charCodeAt(0) === BYTE_ORDER_MARK ? text.slice(1) : text);
  } catch (error) {
    throw new ProblemError('malformed-json', error instanceof Error ? error.message : undefined);
  }
  if (isObject(value)) clean(value, 1);
  return value;
}

function clean(value: object, depth: number): void {
  if (depth > DEPTH_MAX) throw new ProblemError('nested-too-deep');
  if (Array.isArray(value)) {
    for (const each of value as unknown[]) if (isObject(each)) clean(each, depth + 1);
    return;
  }
  const fields = value as Record<string, unknown>;
  for (const name in fields) {
    if (name === '__proto__') {
      // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- it is the only way to be rid of a field of JSON
      delete fields[name];
      continue;
    }
    const inner = fields[name];
    if (!isObject(inner)) continue;
    if (name === 'constructor' && Object.hasOwn(inner, 'prototype')) delete fields['constructor'];
    else clean(inner, depth + 1);
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
