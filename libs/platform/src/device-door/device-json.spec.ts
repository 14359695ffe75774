import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDeviceJson } from './device-json.ts';

const POISON = /__proto__|constructor|prototype/;

describe('reading the JSON of a device', () => {
  it('gives what JSON.parse gives, where nothing is poisoned', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 20 }), (text) => {
        fc.pre(!POISON.test(text));
        expect(parseDeviceJson(text)).toEqual(JSON.parse(text));
      }),
    );
  });

  it.each([
    ['{"a":1,"__proto__":{"b":2}}', { a: 1 }],
    ['{"a":[{"__proto__":1,"c":2}]}', { a: [{ c: 2 }] }],
    ['{"\\u005f_proto__":{"b":2},"a":1}', { a: 1 }],
    ['{"a":{"constructor":{"prototype":{"b":2}},"c":1}}', { a: { c: 1 } }],
    ['{"constructor":"a firm"}', { constructor: 'a firm' }],
    ['{"constructor":{"a":1}}', { constructor: { a: 1 } }],
    ['\ufeff[]', []],
    ['"__proto__"', '__proto__'],
  ])('leaves out of %s what would poison a prototype', (text, value) => {
    const read = parseDeviceJson(text);
    expect(JSON.stringify(read)).toBe(JSON.stringify(value));
    expect(({} as Record<string, unknown>)['b']).toBeUndefined();
  });

  it('takes 32 levels and no more, objects and lists together', () => {
    const nested = (levels: number) => `${'[{"a":'.repeat(levels / 2)}0${'}]'.repeat(levels / 2)}`;
    expect(JSON.stringify(parseDeviceJson(nested(32)))).toBe(nested(32));
    for (const levels of [34, 1000, 100_000]) {
      expect(() => parseDeviceJson(nested(levels))).toThrow(expect.objectContaining({ code: 'nested-too-deep' }));
    }
  });

  it('calls everything else malformed', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          JSON.parse(text);
        } catch {
          expect(() => parseDeviceJson(text)).toThrow(expect.objectContaining({ code: 'malformed-json' }));
        }
      }),
    );
  });
});
