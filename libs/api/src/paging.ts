import { Count, Part, Text } from './fields.ts';

export const PAGE_ITEMS_DEFAULT = 100;
export const PAGE_ITEMS_MAX = 1000;

const CURSOR = { max: 128, pattern: '^[A-Za-z0-9._:-]{1,128}$' };

/** `limit` of every list. */
export const PAGE_LIMIT = {
  min: 1,
  max: PAGE_ITEMS_MAX,
  default: PAGE_ITEMS_DEFAULT,
  optional: true,
  inQuery: true,
  description: 'Items of a page at most.',
} as const;

/** `?limit=&cursor=` of every list. */
export class PageQuery {
  @Count(PAGE_LIMIT)
  readonly limit: number = PAGE_ITEMS_DEFAULT;

  @Text({ ...CURSOR, optional: true, description: '`nextCursor` of the page before; the first page if absent.' })
  readonly cursor?: string;
}

/** The class of a page of such items. */
export function pageOf<Item extends object>(item: () => new () => Item) {
  class Page {
    @Part(item, { list: { max: PAGE_ITEMS_MAX } })
    readonly items!: readonly Item[];

    @Text({ ...CURSOR, optional: true, description: 'Where the next page begins; absent on the last one.' })
    readonly nextCursor?: string;
  }
  return Page;
}
