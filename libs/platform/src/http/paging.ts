import { type PageQuery } from '@sluice/api';
import { ProblemError } from './problem.ts';

/** What an item is sorted by. The last part tells any two items apart. */
export type SortKey = readonly string[];

/** In which order a list is, and how its cursors are told from those of other lists. */
export interface ListOrder<Item> {
  readonly list: string;
  readonly keyOf: (item: Item) => SortKey;
  /** Negative, zero or positive, as for Array.sort; part by part as texts if not given. */
  readonly compare?: (left: SortKey, right: SortKey) => number;
}

/**
 * One page of the items in their order, from behind the place that the cursor names: an item that is gone meanwhile leaves
 * nothing out, and one that is new repeats nothing. Throws 'unknown-cursor'.
 */
export function paged<Item>(
  items: readonly Item[],
  { limit, cursor }: Pick<PageQuery, 'limit' | 'cursor'>,
  { list, keyOf, compare = compareKeys }: ListOrder<Item>,
): { items: Item[]; total: number; nextCursor?: string } {
  const keyed = items.map((item) => ({ item, key: keyOf(item) }));
  const after = cursor === undefined ? undefined : readCursor(list, cursor, keyed[0]?.key.length);
  const rest = keyed
    .filter(({ key }) => after === undefined || compare(key, after) > 0)
    .sort((left, right) => compare(left.key, right.key));
  const page = rest.slice(0, limit);
  const last = page.at(-1);
  const more = last !== undefined && rest.length > page.length;
  return {
    items: page.map(({ item }) => item),
    total: items.length,
    ...(more && { nextCursor: writeCursor(list, last.key) }),
  };
}

/** The text of a cursor: which list it is of, and a place in its order. */
export function writeCursor(list: string, key: SortKey): string {
  return Buffer.from(JSON.stringify([list, ...key])).toString('base64url');
}

/** The place that a cursor names. Throws 'unknown-cursor' for one of another list, and for what is none. */
export function readCursor(list: string, cursor: string, parts?: number): SortKey {
  const [of, ...key] = partsOf(cursor);
  const isKey = key.length > 0 && key.every((part) => typeof part === 'string');
  if (of !== list || !isKey || (parts !== undefined && key.length !== parts)) throw new ProblemError('unknown-cursor');
  return key;
}

function partsOf(cursor: string): readonly unknown[] {
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    return Array.isArray(parts) ? parts : [];
  } catch {
    return [];
  }
}

function compareKeys(left: SortKey, right: SortKey): number {
  for (const [index, part] of left.entries()) {
    const other = right[index] ?? '';
    if (part !== other) return part < other ? -1 : 1;
  }
  return 0;
}
