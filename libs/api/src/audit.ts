import { type TokenRole, tokenRoles } from '@sluice/contracts/tokens';
import { Count, OneOf, Text, Time } from './fields.ts';
import { PageQuery, pageOf } from './paging.ts';

const NUMBER_MAX = Number.MAX_SAFE_INTEGER;
const TEXT_MAX = 200;
const FILTER_MAX = 200;

export class AuditQuery extends PageQuery {
  @Text({ max: FILTER_MAX, optional: true, description: 'The name of a token, or its id.' })
  actor?: string;

  @Text({ max: FILTER_MAX, optional: true, description: 'What the operation has in it: `/pull`, or `POST /v1/holds`.' })
  operation?: string;

  @Text({ max: FILTER_MAX, optional: true, description: 'The result: `ok`, or the code of an error.' })
  code?: string;

  @Text({ max: FILTER_MAX, optional: true, description: 'The id of what the command is about.' })
  target?: string;

  @Time({ optional: true, description: 'From this instant on.' })
  from?: string;

  @Time({ optional: true, description: 'Up to this instant.' })
  to?: string;
}

/** One command, or several of one kind that were refused within a minute. */
export class AuditEntry {
  @Count({ min: 1, max: NUMBER_MAX, description: 'Its place in the audit of this process.' })
  number!: number;

  @Time()
  at!: string;

  @Text({ max: TEXT_MAX, description: 'The name of the token; `unknown` without one.' })
  actor!: string;

  @Text({ max: TEXT_MAX, optional: true, description: 'The id of the token; absent where it is a file.' })
  tokenId?: string;

  @OneOf(tokenRoles, 'TokenRole', { list: { max: tokenRoles.length }, description: 'The roles of the token.' })
  roles!: TokenRole[];

  @Text({ max: TEXT_MAX, description: 'The remote address, as this process sees it.' })
  from!: string;

  @Text({ max: TEXT_MAX, description: 'Method and path of the call; `*` for calls of several kinds.' })
  operation!: string;

  @Text({ max: TEXT_MAX, optional: true, description: 'The id of what the command is about.' })
  target?: string;

  @Text({ max: TEXT_MAX, optional: true, description: 'The reason that was given, or its beginning.' })
  reason?: string;

  @Text({ max: TEXT_MAX, description: '`ok`, or the code of the error.' })
  code!: string;

  @Text({ max: TEXT_MAX, optional: true })
  correlationId?: string;

  @Count({
    min: 1,
    max: NUMBER_MAX,
    optional: true,
    description: 'So many calls of this kind, within the minute before.',
  })
  count?: number;
}

/** The newest first. */
export class AuditPage extends pageOf(() => AuditEntry) {
  @Count({
    min: 0,
    max: NUMBER_MAX,
    description: 'Entries that could not be kept since the start, as the disk did not take them.',
  })
  lost!: number;
}
