import { Controller, Get, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { type AuditEntry, AuditPage, AuditQuery, Operation } from '@sluice/api';
import { parseTime } from '@sluice/contracts/times';
import { Roles } from '../auth/auth.ts';
import { readCursor, writeCursor } from '../http/paging.ts';
import { ProblemError } from '../http/problem.ts';
import { Audit } from './audit.ts';

const LIST = 'audit';
/** Each reads files of up to 64 MiB when nothing matches. */
const READERS_MAX = 4;

@ApiTags('operations')
@Controller('v1/audit')
export class AuditController {
  private readers = 0;

  constructor(private readonly audit: Audit) {}

  @Get()
  @Roles('operator', 'responder')
  @Operation({
    id: 'listAudit',
    summary: 'List commands, refused ones too, the newest first',
    answers: { 200: AuditPage },
    problems: ['unknown-cursor'],
  })
  async list(@Query() query: AuditQuery): Promise<AuditPage> {
    if (this.readers >= READERS_MAX) throw new ProblemError('overloaded', 'others read the audit at this moment');
    this.readers += 1;
    try {
      const { limit, cursor } = query;
      const before = cursor === undefined ? Infinity : Number(readCursor(LIST, cursor, 1)[0]);
      // One more than wanted tells whether there are more.
      const found = await this.audit.read({ limit: limit + 1, before, matches: filterOf(query) });
      const items = found.slice(0, limit);
      const next = found.length > limit ? items.at(-1)?.number : undefined;
      const more = next !== undefined && { nextCursor: writeCursor(LIST, [String(next)]) };
      // To count them all would be to read them all.
      return { items, ...more, total: null, lost: this.audit.lost };
    } finally {
      this.readers -= 1;
    }
  }
}

function filterOf({ actor, operation, code, target, from, to }: AuditQuery): (entry: AuditEntry) => boolean {
  const [fromMs, toMs] = [
    from === undefined ? -Infinity : parseTime(from),
    to === undefined ? Infinity : parseTime(to),
  ];
  return (entry) =>
    (actor === undefined || entry.actor === actor || entry.tokenId === actor) &&
    (operation === undefined || entry.operation.includes(operation)) &&
    (code === undefined || entry.code === code) &&
    (target === undefined || entry.target === target) &&
    isWithin(parseTime(entry.at), fromMs, toMs);
}

function isWithin(atMs: number, fromMs: number, toMs: number): boolean {
  return atMs >= fromMs && atMs <= toMs;
}
