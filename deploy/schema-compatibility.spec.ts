import { describe, expect, it } from 'vitest';
import { incompatibilities } from './schema-compatibility.ts';

const slice = { type: 'object', required: ['model'], properties: { model: { type: 'string', pattern: '^[a-z]+$' } } };
const properties = {
  type: { type: 'string', const: 'RolloutHalted' },
  reason: { type: 'string', maxLength: 2000 },
  note: { type: 'string' },
  by: { enum: ['gate', 'responder'] },
  evidence: { anyOf: [{ type: 'object', properties: { sum: { type: 'number' } } }, { type: 'null' }] },
  wave: { type: 'integer', minimum: 0 },
  slices: { type: 'array', maxItems: 10, items: slice },
};
const schema = { type: 'object', required: ['type', 'reason', 'by', 'wave'], properties };

function withProperties(changed: object): Record<string, unknown> {
  return { ...schema, properties: { ...properties, ...changed } };
}

function without(name: keyof typeof properties): Record<string, unknown> {
  const { [name]: _left, ...kept } = properties;
  return { ...schema, required: schema.required.filter((each) => each !== name), properties: kept };
}

describe('letting a schema stay the same version', () => {
  it.each([
    ['nothing has changed', schema],
    ['an optional property is new', withProperties({ colour: { type: 'string', maxLength: 3 } })],
    [
      'the words are others',
      { ...withProperties({ note: { type: 'string', description: 'More.' } }), title: 'Halted' },
    ],
    [
      'an optional property is new deep inside',
      withProperties({
        slices: {
          ...properties.slices,
          items: { ...slice, properties: { ...slice.properties, base: { type: 'string' } } },
        },
      }),
    ],
    [
      'an optional property is new in a choice',
      withProperties({
        evidence: {
          anyOf: [
            { type: 'object', properties: { sum: { type: 'number' }, rule: { type: 'string' } } },
            { type: 'null' },
          ],
        },
      }),
    ],
    [
      'the order of the properties is another',
      { ...schema, properties: Object.fromEntries(Object.entries(properties).reverse()) },
    ],
    ['the order of the required is another', { ...schema, required: [...schema.required].reverse() }],
    ['the order of the choices is another', withProperties({ by: { enum: ['responder', 'gate'] } })],
  ])('when %s', (_name, after) => {
    expect(incompatibilities(schema, after)).toEqual([]);
  });
});

describe('asking for another version', () => {
  it.each([
    ['a required property is gone', without('reason'), ['/reason was removed']],
    ['an optional property is gone', without('note'), ['/note was removed']],
    ['a property is required now', { ...schema, required: [...schema.required, 'note'] }, ['/note is required now']],
    [
      'a new property is required',
      { ...withProperties({ colour: {} }), required: [...schema.required, 'colour'] },
      ['/colour is required now'],
    ],
    [
      'a property is optional now',
      { ...schema, required: ['type', 'by', 'wave'] },
      ['/reason is optional now, and older consumers need it'],
    ],
    ['a choice is gone', withProperties({ by: { enum: ['gate'] } }), ['/by/enum has responder no more']],
    [
      'a choice is new',
      withProperties({ by: { enum: ['gate', 'responder', 'law'] } }),
      ['/by/enum has law now, which older consumers refuse'],
    ],
    ['only choices are left', withProperties({ note: { type: 'string', enum: ['a'] } }), ['/note/enum is new']],
    ['choices are free now', withProperties({ by: {} }), ['/by/enum is gone']],
    [
      'a type is another',
      withProperties({ wave: { type: 'string', minimum: 0 } }),
      ['/wave/type was integer and is string'],
    ],
    [
      'a type is wider',
      withProperties({ wave: { type: 'number', minimum: 0 } }),
      ['/wave/type was integer and is number'],
    ],
    [
      'the event is called another',
      withProperties({ type: { type: 'string', const: 'X' } }),
      ['/type/const was RolloutHalted and is X'],
    ],
    [
      'a text is shorter',
      withProperties({ reason: { type: 'string', maxLength: 100 } }),
      ['/reason/maxLength was 2000 and is 100: older events may break it'],
    ],
    [
      'a text has a bound now',
      withProperties({ note: { type: 'string', maxLength: 100 } }),
      ['/note/maxLength was absent and is 100: older events may break it'],
    ],
    [
      'a text is longer',
      withProperties({ reason: { type: 'string', maxLength: 5000 } }),
      ['/reason/maxLength was 2000 and is 5000: older consumers refuse what it allows'],
    ],
    [
      'a text has no bound any more',
      withProperties({ reason: { type: 'string' } }),
      ['/reason/maxLength was 2000 and is absent: older consumers refuse what it allows'],
    ],
    [
      'a least number is higher',
      withProperties({ wave: { type: 'integer', minimum: 1 } }),
      ['/wave/minimum was 0 and is 1: older events may break it'],
    ],
    [
      'a least number is lower',
      withProperties({ wave: { type: 'integer', minimum: -1 } }),
      ['/wave/minimum was 0 and is -1: older consumers refuse what it allows'],
    ],
    [
      'a list is shorter, and what is in it another',
      withProperties({
        slices: {
          type: 'array',
          maxItems: 5,
          items: { ...slice, properties: { model: { type: 'string', pattern: '^[a-c]+$' } } },
        },
      }),
      [
        '/slices/maxItems was 10 and is 5: older events may break it',
        '/slices/items/model/pattern was ^[a-z]+$ and is ^[a-c]+$',
      ],
    ],
    [
      'a pattern is new',
      withProperties({ note: { type: 'string', pattern: '.' } }),
      ['/note/pattern was absent and is .'],
    ],
    [
      'a choice is of another type',
      withProperties({
        evidence: { anyOf: [{ type: 'object', properties: { sum: { type: 'string' } } }, { type: 'null' }] },
      }),
      ['/evidence/anyOf/0/sum/type was number and is string'],
    ],
    [
      'there is a choice more',
      withProperties({ note: { anyOf: [{ type: 'string' }] } }),
      ['/note/type was string and is absent', '/note/anyOf was absent and is [{"type":"string"}]'],
    ],
    [
      'unknown fields are refused',
      { ...schema, additionalProperties: false },
      ['/additionalProperties was absent and is false'],
    ],
    [
      'something else constrains it',
      { ...schema, not: { required: ['note'] } },
      ['/not was absent and is {"required":["note"]}'],
    ],
  ])('when %s', (_name, after, faults) => {
    expect(incompatibilities(schema, after)).toEqual(faults);
  });
});
