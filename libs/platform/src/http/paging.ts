import { ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsInt, Matches, Max, Min } from 'class-validator';
import { Optional } from './validation.ts';

const ITEMS_DEFAULT = 100;
const ITEMS_MAX = 1000;

/** `?limit=&cursor=` of every list. A cursor is what the page before gave as `nextCursor`. */
export class PageQuery {
  @ApiPropertyOptional({ minimum: 1, maximum: ITEMS_MAX, default: ITEMS_DEFAULT })
  @Optional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(ITEMS_MAX)
  limit = ITEMS_DEFAULT;

  @ApiPropertyOptional()
  @Optional()
  @Matches(/^[A-Za-z0-9._:-]{1,128}$/)
  cursor?: string;
}

/** One page of items in the order given, from behind the one whose key is the cursor. */
export function paged<Item>(items: readonly Item[], { limit, cursor }: PageQuery, keyOf: (item: Item) => string) {
  const from = cursor === undefined ? 0 : items.findIndex((item) => keyOf(item) === cursor) + 1;
  const page = items.slice(from, from + limit);
  const last = page.at(-1);
  return last !== undefined && from + limit < items.length ? { items: page, nextCursor: keyOf(last) } : { items: page };
}
