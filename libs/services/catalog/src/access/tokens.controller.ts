import { createHash } from 'node:crypto';
import { Body, Controller, Delete, HttpCode, Param, Post } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiTags } from '@nestjs/swagger';
import { IssuedToken, IssueTokenBody, Operation, TokenPath } from '@sluice/api';
import { type TokenBinding } from '@sluice/domain-catalog';
import { Clock, type CommandContext } from '@sluice/event-sourcing';
import { AccessFollower, AnswerNotKept, newToken, ProblemError, RequestContext, Roles } from '@sluice/platform';
import { ChangeAccess } from './change-access.handler.ts';

const ID_DIGITS = 12;

/** Tokens are made and ended by the catalog alone. */
@ApiTags('operations')
@Controller('v1/tokens')
export class TokenCommandsController {
  constructor(
    private readonly commands: CommandBus,
    private readonly access: AccessFollower,
    private readonly clock: Clock,
  ) {}

  @Post()
  @AnswerNotKept()
  @Roles()
  @Operation({
    id: 'issueToken',
    summary: 'Make a token; its text is in the answer, and nowhere else',
    answers: { 201: IssuedToken },
    problems: ['token-name-taken', 'token-name-reserved', 'not-the-owner'],
  })
  async issue(@Body() body: IssueTokenBody, @RequestContext() context: CommandContext): Promise<IssuedToken> {
    const { name, roles, expiresAt } = body;
    const binding = toBinding(body);
    // The same command has the same id, so that it makes one token however often it is sent.
    const tokenId = createHash('sha256').update(context.commitId).digest('hex').slice(0, ID_DIGITS);
    const { text, secretSha256 } = newToken(tokenId);
    const command = {
      type: 'IssueToken',
      ...{ tokenId, name, roles, secretSha256, at: this.clock.nowText() },
      ...(binding !== undefined && { binding }),
      ...(expiresAt !== undefined && { expiresAt }),
    } as const;
    const events = await this.commands.execute(new ChangeAccess(command, context));
    const entry = (await this.access.known()).table.find(tokenId);
    // Whoever repeats a command of which the answer was lost: the text was in that answer only.
    if (events.length === 0 || entry === undefined) {
      throw new ProblemError('token-name-taken', `${name} is the name of ${tokenId}, which this command made before`);
    }
    return { token: text, info: this.access.view(entry) };
  }

  @Delete(':id')
  @HttpCode(204)
  @Roles()
  @Operation({
    id: 'revokeToken',
    summary: 'Revoke a token',
    answers: { 204: { description: 'It is refused from now on.' } },
    problems: ['token-not-found', 'not-the-owner'],
  })
  async revoke(@Param() { id: tokenId }: TokenPath, @RequestContext() context: CommandContext): Promise<void> {
    const command = { type: 'RevokeToken', tokenId, at: this.clock.nowText() } as const;
    await this.commands.execute(new ChangeAccess(command, context));
  }
}

// A device token speaks for the devices it is bound to and for no other; a gateway speaks for any.
function toBinding({ roles, deviceId, devicePrefix }: IssueTokenBody): TokenBinding | undefined {
  if (deviceId === undefined && devicePrefix === undefined) {
    return roles.includes('device')
      ? fault('/deviceId', 'a device token is bound: deviceId or devicePrefix')
      : undefined;
  }
  if (deviceId !== undefined && devicePrefix !== undefined)
    return fault('/devicePrefix', 'only one of deviceId and devicePrefix');
  if (!roles.includes('device')) return fault('/roles', 'only a device token is bound to devices');
  if (roles.includes('gateway')) return fault('/roles', 'a gateway speaks for any device, and is not bound');
  return deviceId !== undefined ? { deviceId } : { devicePrefix: devicePrefix ?? '' };
}

function fault(path: string, detail: string): never {
  throw new ProblemError('invalid-request', undefined, [{ path, code: 'binding', detail }]);
}
