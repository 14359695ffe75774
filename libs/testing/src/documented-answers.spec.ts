import { describe, expect, it } from 'vitest';
import { faultOf, type SentAnswer } from './documented-answers.ts';

const problem = { type: 'object', properties: { code: { type: 'string' } }, required: ['code'] };
const document = {
  paths: {
    '/v1/things/{id}': {
      get: {
        responses: {
          200: { content: { 'application/json': { schema: { $ref: '#/components/schemas/Thing' } } } },
          204: {},
          404: { $ref: '#/components/responses/ThingNotFound' },
        },
      },
    },
  },
  components: {
    responses: {
      ThingNotFound: {
        content: {
          'application/problem+json': {
            schema: { allOf: [problem, { type: 'object', properties: { code: { enum: ['thing-not-found'] } } }] },
          },
        },
      },
    },
    schemas: {
      Thing: {
        type: 'object',
        properties: { at: { type: 'string', format: 'date-time' }, size: { type: ['integer', 'null'] }, more: {} },
        required: ['at'],
      },
    },
  },
};

function answer(status: number, body: unknown, contentType = 'application/json; charset=utf-8'): SentAnswer {
  const payload = body === undefined ? undefined : JSON.stringify(body);
  return { method: 'GET', route: '/v1/things/:id', status, contentType, payload };
}

const PROBLEM = 'application/problem+json';
const AT = '2026-03-17T10:00:00Z';

describe('holding an answer against the document', () => {
  it.each([
    answer(200, { at: AT }),
    answer(200, { at: AT, size: null, more: { any: ['thing'] } }),
    answer(204, undefined, ''),
    answer(404, { code: 'thing-not-found' }, PROBLEM),
    { ...answer(418, {}), route: '/v1/others' },
    { ...answer(404, {}), route: undefined },
  ])('takes what it lists, and what it does not know: %j', (each) => {
    expect(faultOf(document, each)).toBeUndefined();
  });

  it.each([
    [answer(200, {}), "must have required property 'at'"],
    [answer(200, { at: 'soon' }), 'must match format "date-time"'],
    [answer(200, { at: AT, size: 1.5 }), 'must be integer'],
    [answer(200, { at: AT, hidden: true }), 'must NOT have additional properties'],
    [answer(200, { at: AT }, 'text/plain'), 'is text/plain'],
    [answer(201, { at: AT }), 'is no status of the operation'],
    [answer(204, { at: AT }), 'has a body'],
    [answer(404, { code: 'another' }, PROBLEM), 'must be equal to one of the allowed values'],
  ])('names what it does not list: %j', (each, words) => {
    expect(faultOf(document, each)).toContain(words);
  });
});
