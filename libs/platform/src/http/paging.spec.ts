import { describe, expect, it } from 'vitest';
import { paged, readCursor, writeCursor } from './paging.ts';

const order = { list: 'names', keyOf: (name: string) => [String(name.length), name] };

function all(limit: number, between: (page: number) => readonly string[]): string[] {
  const found: string[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < 100; page += 1) {
    const names = between(page);
    const answer = paged(names, { limit, ...(cursor !== undefined && { cursor }) }, order);
    expect(answer.total).toBe(names.length);
    found.push(...answer.items);
    if (answer.nextCursor === undefined) return found;
    cursor = answer.nextCursor;
  }
  throw new Error('the list does not end');
}

describe('paging', () => {
  const names = ['b', 'a', 'dd', 'c', 'aa', 'ccc', 'd'];
  const sorted = ['a', 'b', 'c', 'd', 'aa', 'dd', 'ccc'];

  it.each([1, 2, 3, 7, 8])('goes through a list in its order, by %i', (limit) => {
    expect(all(limit, () => names)).toEqual(sorted);
  });

  it('leaves nothing out and repeats nothing when the item at the cursor goes', () => {
    expect(all(2, (page) => (page === 0 ? names : names.filter((name) => name !== 'b')))).toEqual(sorted);
  });

  it('repeats nothing when items come before the cursor, and has those that come behind it', () => {
    expect(all(2, (page) => (page === 0 ? names : ['A', 'bb', ...names]))).toEqual([
      ...['a', 'b', 'c', 'd', 'aa', 'bb'],
      ...['dd', 'ccc'],
    ]);
  });

  it('ends when all behind the cursor is gone', () => {
    expect(all(3, (page) => (page === 0 ? names : []))).toEqual(['a', 'b', 'c']);
  });

  it.each([
    'none',
    '%%%',
    writeCursor('others', ['1', 'a']),
    writeCursor('names', ['1']),
    writeCursor('names', []),
    Buffer.from('["names",1,2]').toString('base64url'),
    Buffer.from('{"names":1}').toString('base64url'),
  ])('refuses the cursor %s', (cursor) => {
    expect(() => paged(names, { limit: 2, cursor }, order)).toThrow(
      expect.objectContaining({ code: 'unknown-cursor' }),
    );
  });

  it('reads the cursors that it writes', () => {
    expect(readCursor('names', writeCursor('names', ['ü', '"']), 2)).toEqual(['ü', '"']);
  });
});
