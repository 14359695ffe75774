import { Count, Text } from './fields.ts';

const ITEMS_DEFAULT = 100;
const ITEMS_MAX = 1000;
const CURSOR_CHARACTERS_MAX = 512;

/** A place in the order of a list, as the page before gave it in `nextCursor`. Nobody but the server reads what is in it. */
export const Cursor = (description: string) =>
  Text({ min: 1, max: CURSOR_CHARACTERS_MAX, optional: true, description });

/** `?limit=&cursor=` of every list. */
export class PageQuery {
  @Count({
    ...{ min: 1, max: ITEMS_MAX, inQuery: true, optional: true, default: ITEMS_DEFAULT },
    description: 'At most so many items; a page may hold fewer, and still not be the last.',
  })
  limit: number = ITEMS_DEFAULT;

  @Cursor('`nextCursor` of the page before. The list goes on there, whatever was added or taken away meanwhile.')
  cursor?: string;
}

/** What every page of a list has beside its `items`. */
export class PageInfo {
  @Cursor('Where the list goes on; absent on the last page.')
  nextCursor?: string;

  @Count({
    ...{ min: 0, max: Number.MAX_SAFE_INTEGER, nullable: true },
    description: 'How many there are in all with this filter; null where that is not known.',
  })
  total!: number | null;
}
