import { Body, Controller, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { contentFaults, type KnownPatch } from '@sluice/domain-catalog';
import { Clock, type CommandContext } from '@sluice/event-sourcing';
import {
  IfMatch,
  ProblemError,
  RequestContext,
  Roles,
  type SeenVersions,
  StopRoute,
  Versioned,
  withCurrent,
} from '@sluice/platform';
import { ChangePatch } from './change-patch.handler.ts';
import { listPatches } from './list-patches.ts';
import {
  FoldInPatchBody,
  PatchListQuery,
  PatchPage,
  PatchView,
  PublishPatchBody,
  PullPatchBody,
  toContent,
  toPatchView,
} from './patch-shapes.ts';
import { Patches } from './patches.projection.ts';
import { PullsInForce } from './pulls-in-force.ts';

const READERS = ['viewer', 'publisher', 'operator', 'responder'] as const;

@ApiTags('patches')
@Controller('v1/patches')
export class PatchesController {
  constructor(
    private readonly commands: CommandBus,
    private readonly patches: Patches,
    private readonly pulls: PullsInForce,
    private readonly clock: Clock,
  ) {}

  @Post()
  @Roles('publisher')
  @ApiOperation({ summary: 'Publish a patch, or add models, variants, artifacts or CVEs to it' })
  @ApiCreatedResponse({ type: PatchView })
  @ApiOkResponse({ type: PatchView, description: 'It was published before. What the body has beyond that was added.' })
  async publish(
    @Body() body: PublishPatchBody,
    @RequestContext() context: CommandContext,
    @Res({ passthrough: true }) reply: { status(code: number): unknown },
  ) {
    const { patchId } = body;
    const content = toContent(body);
    const faults = contentFaults(content);
    if (faults.length > 0) throw new ProblemError('invalid-request', undefined, faults);
    const command = { type: 'PublishPatch', patchId, content, at: this.clock.nowText() } as const;
    const events = await this.commands.execute(new ChangePatch(command, context));
    reply.status(events.some(({ type }) => type === 'PatchPublished') ? 201 : 200);
    return this.show(patchId);
  }

  @Get()
  @Roles(...READERS)
  @ApiOperation({ summary: 'List patches in the order of their versions' })
  @ApiOkResponse({ type: PatchPage })
  list(@Query() query: PatchListQuery) {
    const counted = this.patches.table.all().map((patch) => this.pulls.over(patch));
    const page = listPatches(counted, query);
    return { ...page, items: page.items.map(({ patchId }) => this.view(this.find(patchId))) };
  }

  @Get(':id')
  @Roles(...READERS)
  @ApiOperation({ summary: 'Show a patch' })
  @ApiOkResponse({ type: PatchView })
  show(@Param('id') id: string) {
    const patch = this.find(id);
    // A pull that is in force without being stored is in no revision yet.
    const isStored = this.pulls.over(patch) === patch;
    return new Versioned(this.view(patch), isStored ? this.patches.revisionOf(id) : undefined);
  }

  @Post(':id/pull')
  @StopRoute(PullPatchBody)
  @HttpCode(200)
  @Roles('responder')
  @ApiOperation({ summary: 'Withdraw or recall a patch; without a body, withdraw it' })
  @ApiOkResponse({ type: PatchView })
  async pull(@Param('id') id: string, @Body() body: PullPatchBody, @RequestContext() context: CommandContext) {
    const { mode, reason, replacement, removePerHourMax, ledgerDigest } = body;
    const command = {
      type: 'PullPatch',
      patchId: id,
      mode,
      reason,
      ...(replacement !== undefined && { replacement }),
      ...(removePerHourMax !== undefined && { removePerHourMax }),
      ...(ledgerDigest !== undefined && { ledgerDigest }),
      at: this.clock.nowText(),
    } as const;
    await this.commands.execute(new ChangePatch(command, context));
    return this.show(id);
  }

  @Post(':id/fold-in')
  @HttpCode(200)
  @Roles('publisher')
  @ApiOperation({ summary: 'Record that a full release contains the patch' })
  @ApiOkResponse({ type: PatchView })
  async foldIn(
    @Param('id') id: string,
    @Body() body: FoldInPatchBody,
    @RequestContext() context: CommandContext,
    @IfMatch() seen: SeenVersions,
  ) {
    const { version, build } = body;
    const command = { type: 'FoldInPatch', patchId: id, version, build, at: this.clock.nowText() } as const;
    await withCurrent(
      () => this.commands.execute(new ChangePatch(command, context, seen)),
      () => this.show(id),
    );
    return this.show(id);
  }

  private view(patch: KnownPatch) {
    const counted = this.pulls.over(patch);
    return toPatchView(counted, counted === patch);
  }

  private find(patchId: string): KnownPatch {
    const patch = this.patches.table.find(patchId);
    if (patch === undefined) throw new ProblemError('patch-not-found', patchId);
    return patch;
  }
}
