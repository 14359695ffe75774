import { Controller, Delete, Get, Post, Query, Req } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { MeView, TokenListQuery, TokenPage, type TokenView } from '@sluice/api';
import { tokenRoles } from '@sluice/contracts';
import { type FastifyRequest } from 'fastify';
import { NotTheOwner } from '../http/problem.ts';
import { Settings } from '../settings.ts';
import { AccessFollower } from './access.follower.ts';
import { callerOf, Roles } from './auth.ts';
import { Tokens } from './tokens.ts';

@ApiTags('operations')
@Controller('v1/me')
export class MeController {
  @Get()
  @Roles(...tokenRoles)
  @ApiOperation({ summary: 'Show who the token is, and what it may do' })
  @ApiOkResponse({ type: MeView })
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
  @ApiOperation({ summary: 'List tokens, without their text' })
  @ApiOkResponse({ type: TokenPage })
  list(@Query() { limit, cursor = 0 }: TokenListQuery): TokenPage {
    this.access.uses.note();
    const { table } = this.tokens;
    const items: TokenView[] = [];
    let last: number | undefined;
    for (const entry of table.all()) {
      if (entry.token.number <= cursor) continue;
      if (items.length === limit) return { ...this.page(items), nextCursor: String(last) };
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

/** Where the tokens of another service are heard, and not made. */
@ApiTags('operations')
@Controller('v1/tokens')
export class TokensElsewhereController {
  constructor(private readonly settings: Settings) {}

  @Post()
  @Roles()
  @ApiOperation({ summary: 'Refused here: tokens are made by the catalog' })
  issue(): never {
    throw new NotTheOwner(this.settings.values.catalogUrl);
  }

  @Delete(':id')
  @Roles()
  @ApiOperation({ summary: 'Refused here: tokens are revoked by the catalog' })
  revoke(): never {
    throw new NotTheOwner(this.settings.values.catalogUrl);
  }
}
