import { Controller, Delete, Get, Param, Post, Query, Req } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { IssuedToken, MeView, Operation, PageQuery, TokenPage, TokenPath, type TokenView } from '@sluice/api';
import { tokenRoles } from '@sluice/contracts/tokens';
import { type FastifyRequest } from 'fastify';
import { readCursor, writeCursor } from '../http/paging.ts';
import { NotTheOwner, ProblemError } from '../http/problem.ts';
import { AccessFollower } from './access.follower.ts';
import { callerOf, Roles } from './auth.ts';
import { Tokens } from './tokens.ts';

const LIST = 'tokens';

@ApiTags('operations')
@Controller('v1/me')
export class MeController {
  @Get()
  @Roles(...tokenRoles)
  @Operation({ id: 'showMe', summary: 'Show who the token is, and what it may do', answers: { 200: MeView } })
  show(@Req() request: FastifyRequest): MeView {
    const caller = callerOf(request);
    const { name = '', token = {} } = caller ?? {};
    const { tokenId, binding, expiresAt } = token;
    return {
      name,
      roles: tokenRoles.filter((role) => caller?.has(role)),
      ...(tokenId !== undefined && { tokenId }),
      ...(binding !== undefined && { binding }),
      ...(expiresAt !== undefined && { expiresAt }),
    };
  }
}

/** The tokens as this process knows them; only their owner makes and ends them. */
@ApiTags('operations')
@Controller('v1/tokens')
export class TokensController {
  constructor(
    private readonly tokens: Tokens,
    private readonly access: AccessFollower,
  ) {}

  @Get()
  @Roles()
  @Operation({
    id: 'listTokens',
    summary: 'List tokens, without their text',
    answers: { 200: TokenPage },
    problems: ['unknown-cursor'],
  })
  list(@Query() { limit, cursor }: PageQuery): TokenPage {
    const after = cursor === undefined ? 0 : Number(readCursor(LIST, cursor, 1)[0]);
    this.access.uses.note();
    const { table } = this.tokens;
    const items: TokenView[] = [];
    let last: number | undefined;
    for (const entry of table.all()) {
      if (entry.token.number <= after) continue;
      if (items.length === limit) return { ...this.page(items), nextCursor: writeCursor(LIST, [String(last)]) };
      items.push(this.access.view(entry));
      last = entry.token.number;
    }
    return this.page(items);
  }

  private page(items: TokenView[]): TokenPage {
    const { notTakenOver } = this.access;
    return {
      items,
      total: this.tokens.table.size,
      ...(notTakenOver.length > 0 && { notTakenOver: [...notTakenOver] }),
    };
  }
}

/** Where the owner of the tokens listens; undefined where nobody said so. */
export class AccessOwner {
  constructor(private readonly address: string | undefined) {}

  /** The answer to who would change a token here. */
  notHere(): ProblemError {
    return this.address === undefined ? new ProblemError('not-the-owner') : new NotTheOwner(this.address);
  }
}

/** Where the tokens of another service are heard, and not made. */
@ApiTags('operations')
@Controller('v1/tokens')
export class TokensElsewhereController {
  constructor(private readonly owner: AccessOwner) {}

  @Post()
  @Roles()
  @Operation({
    id: 'issueToken',
    summary: 'Refused here: tokens are made by their owner',
    answers: { 201: IssuedToken },
    problems: ['not-the-owner'],
  })
  issue(): never {
    throw this.owner.notHere();
  }

  @Delete(':id')
  @Roles()
  @Operation({
    id: 'revokeToken',
    summary: 'Refused here: tokens are revoked by their owner',
    answers: { 204: { description: 'Never here.' } },
    problems: ['not-the-owner'],
  })
  revoke(@Param() _: TokenPath): never {
    throw this.owner.notHere();
  }
}
