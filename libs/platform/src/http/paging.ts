import { type PageQuery } from '@sluice/api';

/** One page of items in the order given, from behind the one whose key is the cursor. */
export function paged<Item>(items: readonly Item[], { limit, cursor }: PageQuery, keyOf: (item: Item) => string) {
  const from = cursor === undefined ? 0 : items.findIndex((item) => keyOf(item) === cursor) + 1;
  const page = items.slice(from, from + limit);
  const last = page.at(-1);
  return last !== undefined && from + limit < items.length ? { items: page, nextCursor: keyOf(last) } : { items: page };
}
