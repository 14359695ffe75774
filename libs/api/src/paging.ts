import { Count, Part, Text } from './fields.ts';

export const PAGE_ITEMS_DEFAULT = 100;
export const PAGE_ITEMS_MAX = 1000;
const CURSOR_CHARACTERS_MAX = 512;

/** `limit` of every list. */
export const PAGE_LIMIT = {
  ...{ min: 1, max: PAGE_ITEMS_MAX, inQuery: true, optional: true, default: PAGE_ITEMS_DEFAULT },
  description: 'At most so many items; a page may hold fewer, and still not be the last.',
} as const;

/** A place in the order of a list, as the page before gave it in `nextCursor`. Nobody but the server reads what is in it. */
export const Cursor = (description: string) =>
  Text({ min: 1, max: CURSOR_CHARACTERS_MAX, optional: true, description });

/** `?limit=&cursor=` of every list. */
export class PageQuery {
  @Count(PAGE_LIMIT)
  readonly limit: number = PAGE_ITEMS_DEFAULT;

  @Cursor('`nextCursor` of the page before. The list goes on there, whatever was added or taken away meanwhile.')
  readonly cursor?: string;
}

/** The class of a page of such items. */
export function pageOf<Item extends object>(item: () => new () => Item) {
  class Page {
    @Part(item, { list: { max: PAGE_ITEMS_MAX } })
    readonly items!: readonly Item[];

    @Cursor('Where the list goes on; absent on the last page.')
    readonly nextCursor?: string;

    @Count({
      ...{ min: 0, max: Number.MAX_SAFE_INTEGER, nullable: true },
      description: 'How many there are in all with this filter; null where that is not known.',
    })
    readonly total!: number | null;
  }
  return Page;
}
