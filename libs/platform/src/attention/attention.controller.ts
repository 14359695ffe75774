import {
  AttentionItem,
  AttentionPage,
  AttentionPath,
  AttentionQuery,
  Operation,
  severities,
  TakeAttentionBody,
} from '@sluice/api';
import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { type CommandContext, Rejection } from '@sluice/event-sourcing';
import { RequestContext, Roles } from '../auth/auth.ts';
import { paged, type SortKey } from '../http/paging.ts';
import { ProblemError } from '../http/problem.ts';
import { Versioned } from '../http/versioned.ts';
import { Attention } from './attention.ts';

@ApiTags('operations')
@Controller('v1/attention')
export class AttentionController {
  constructor(private readonly attention: Attention) {}

  @Get()
  @Roles('viewer', 'operator', 'responder')
  @Operation({
    id: 'listAttention',
    summary: 'List what needs a person, the most severe first, of these the newest',
    description: 'What is not known yet is in no item: `unknown` names it.',
    answers: { 200: AttentionPage },
    problems: ['unknown-cursor'],
  })
  list(@Query() query: AttentionQuery): AttentionPage {
    const { kind, taken } = query;
    const { items, unknown } = this.attention.all();
    const wanted = items.filter(
      (item) => (kind === undefined || item.kind === kind) && (taken ?? item.owner !== null) === (item.owner !== null),
    );
    const missing = unknown.filter(({ kinds }) => kind === undefined || kinds.includes(kind));
    const page = paged(wanted, query, { list: 'attention', keyOf: placeOf, compare: byUrgency });
    return { ...page, ...(missing.length > 0 && { total: null }), unknown: missing };
  }

  @Post(':id/take')
  @HttpCode(200)
  @Roles('operator', 'responder')
  @Operation({
    id: 'takeAttention',
    summary: 'Take an item, so that the others know who does something about it',
    description: 'Sent again by its owner, it changes nothing.',
    answers: { 200: AttentionItem },
    problems: ['attention-not-found', 'attention-taken'],
  })
  async takeItem(
    @Param() { id }: AttentionPath,
    @Body() body: TakeAttentionBody,
    @RequestContext() context: CommandContext,
  ): Promise<AttentionItem> {
    const item = this.attention.all().items.find((each) => each.id === id);
    if (item === undefined) throw new ProblemError('attention-not-found', id);
    try {
      return { ...item, owner: await this.attention.takeItem(id, body, context) };
    } catch (error) {
      if (!(error instanceof Rejection) || error.code !== 'attention-taken') throw error;
      const current = this.attention.all().items.find((each) => each.id === id) ?? item;
      throw new ProblemError('attention-taken', error.detail, undefined, new Versioned(current, undefined));
    }
  }
}

function placeOf({ severity, since, id }: AttentionItem): SortKey {
  return [String(severities.indexOf(severity)), since ?? '', id];
}

function byUrgency(
  [rank = '', since = '', id = '']: SortKey,
  [otherRank = '', otherSince = '', otherId = '']: SortKey,
): number {
  return compare(rank, otherRank) || compare(otherSince, since) || compare(id, otherId);
}

function compare(left: string, right: string): number {
  return left === right ? 0 : left < right ? -1 : 1;
}
