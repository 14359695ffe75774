import { fastify, type FastifyInstance } from 'fastify';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeInSlices, ITEMS_AT_ONCE, ListTurns } from './long-lists.ts';

/** Turns that a spec gives, one by one. */
class GivenTurns extends ListTurns {
  readonly waiting: (() => void)[] = [];

  override next(): Promise<void> {
    return new Promise((resolve) => this.waiting.push(resolve));
  }
}

let instance: FastifyInstance;
let encoded: number;

/** Counts how often one is encoded. */
const item = (n: number) => ({
  toJSON: () => {
    encoded += 1;
    return { n };
  },
});
const itemsOf = (count: number) => Array.from({ length: count }, (_, n) => item(n));

beforeEach(() => {
  instance = fastify();
  encoded = 0;
});
afterEach(() => instance.close());

describe('answering with long lists', () => {
  it('encodes a slice in each turn, and answers the same text', async () => {
    const turns = new GivenTurns();
    encodeInSlices(instance, turns);
    const page = { items: itemsOf(2 * ITEMS_AT_ONCE + 1), total: null, nextCursor: 'c', left: undefined };
    instance.get('/list', () => Promise.resolve(page));
    await instance.ready();
    const answer = instance.inject('/list');
    const given: number[] = [];
    for (let turn = 0; turn < 3; turn += 1) {
      while (turns.waiting.length === 0) await new Promise((resolve) => setImmediate(resolve));
      given.push(encoded);
      turns.waiting.shift()?.();
    }
    const { body, headers, statusCode } = await answer;
    expect(given).toEqual([0, ITEMS_AT_ONCE, 2 * ITEMS_AT_ONCE]);
    expect([statusCode, headers['content-type']]).toEqual([200, 'application/json; charset=utf-8']);
    expect(body).toBe(JSON.stringify(page));
    expect(headers['content-length']).toBe(String(Buffer.byteLength(body)));
  });

  it('leaves short lists, lists that are all of an answer, and texts as they are', async () => {
    encodeInSlices(instance, new GivenTurns());
    const answers = [{ items: itemsOf(ITEMS_AT_ONCE) }, itemsOf(200), '{"items":[]}', { items: 'many' }];
    for (const [n, each] of answers.entries()) instance.get(`/${String(n)}`, () => Promise.resolve(each));
    for (const [n, each] of answers.entries()) {
      const { body } = await instance.inject(`/${String(n)}`);
      expect(body).toBe(typeof each === 'string' ? each : JSON.stringify(each));
    }
  });

  it('answers a page of nothing but items, and takes one list after the other', async () => {
    encodeInSlices(instance, new ListTurns());
    const page = { items: itemsOf(3 * ITEMS_AT_ONCE) };
    instance.get('/list', () => Promise.resolve(page));
    const bodies = await Promise.all(Array.from({ length: 4 }, async () => (await instance.inject('/list')).body));
    expect(new Set(bodies)).toEqual(new Set([JSON.stringify(page)]));
  });
});
