import {
  AtQuery,
  FoldInPatchBody,
  Operation,
  PatchesQuery,
  PatchPage,
  PatchPath,
  PatchView,
  PublishPatchBody,
  PullPatchBody,
  ReExposureView,
} from '@sluice/api';
import { Body, Controller, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiTags } from '@nestjs/swagger';
import { contentFaults, type KnownPatch, type PullOrder } from '@sluice/domain-catalog';
import { Clock, type CommandContext, Rejection } from '@sluice/event-sourcing';
import {
  IfMatch,
  pastInstant,
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
import { ledgerOf } from './patch-rules.ts';
import { toContent, viewLedger, viewPatch } from './patch-views.ts';
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
  @Operation({
    id: 'publishPatch',
    summary: 'Publish a patch, or add models, variants, artifacts or CVEs to it',
    answers: {
      201: PatchView,
      200: { type: PatchView, description: 'It was published before. What the body has beyond that was added.' },
    },
    etag: true,
    problems: ['patch-exists', 'patch-pulled', 'build-taken', 'prerequisite-is-patch', 'letter-taken'],
  })
  async publish(
    @Body() body: PublishPatchBody,
    @RequestContext() context: CommandContext,
    @Res({ passthrough: true }) reply: { status(code: number): unknown },
  ): Promise<Versioned<PatchView>> {
    const { patchId } = body;
    const content = toContent(body);
    const faults = contentFaults(content);
    if (faults.length > 0) throw new ProblemError('invalid-request', undefined, faults);
    const command = { type: 'PublishPatch', patchId, content, at: this.clock.nowText() } as const;
    const events = await this.commands.execute(new ChangePatch(command, context));
    reply.status(events.some(({ type }) => type === 'PatchPublished') ? 201 : 200);
    return this.show({ id: patchId });
  }

  @Get()
  @Roles(...READERS)
  @Operation({
    id: 'listPatches',
    summary: 'List patches in the order of their versions',
    answers: { 200: PatchPage },
    problems: ['unknown-cursor', 'at-in-future'],
  })
  async list(@Query() { at, ...query }: PatchesQuery): Promise<PatchPage> {
    if (at !== undefined) {
      const known = await this.patches.at(pastInstant(at, this.clock));
      const page = listPatches(known, query);
      return { ...page, items: page.items.map((patch) => viewPatch(patch)) };
    }
    const counted = this.patches.table.all().map((patch) => this.pulls.over(patch));
    const page = listPatches(counted, query);
    return { ...page, items: page.items.map(({ patchId }) => this.view(this.find(patchId))) };
  }

  @Get(':id')
  @Roles(...READERS)
  @Operation({
    id: 'showPatch',
    summary: 'Show a patch',
    answers: { 200: PatchView },
    etag: true,
    problems: ['patch-not-found', 'at-in-future'],
  })
  async showAt(@Param() { id }: PatchPath, @Query() { at }: AtQuery): Promise<Versioned<PatchView>> {
    if (at === undefined) return this.show({ id });
    const [patch] = await this.patches.at(pastInstant(at, this.clock), id);
    if (patch === undefined) throw new ProblemError('patch-not-found', id);
    // What is past is no version to change.
    return new Versioned(viewPatch(patch), undefined);
  }

  private show({ id }: PatchPath): Versioned<PatchView> {
    const patch = this.find(id);
    // A pull that is in force without being stored is in no revision yet.
    const isStored = this.pulls.over(patch) === patch;
    return new Versioned(this.view(patch), isStored ? this.patches.revisionOf(id) : undefined);
  }

  @Post(':id/pull')
  @StopRoute(PullPatchBody)
  @HttpCode(200)
  @Roles('responder')
  @Operation({
    id: 'pullPatch',
    summary: 'Withdraw or recall a patch; without a body, withdraw it',
    description:
      "A recall that re-opens exploited CVEs names the `ledgerDigest` that was seen, and takes two people: the first one's withdraws the patch at once and is kept as `requested`, another person's with the same digest makes it the recall. With `breakGlass` one person does it at once. A withdrawal needs nothing, ever.",
    answers: { 200: PatchView },
    etag: true,
    problems: [
      ...(['patch-not-found', 'patch-already-recalled', 'replacement-unsuitable', 'in-force-not-durable'] as const),
      ...(['ledger-not-named', 'ledger-changed', 'store-late'] as const),
    ],
  })
  async pull(
    @Param() { id }: PatchPath,
    @Body() body: PullPatchBody,
    @RequestContext() context: CommandContext,
  ): Promise<Versioned<PatchView>> {
    const { mode, reason, replacement, removePerHourMax, ledgerDigest, breakGlass } = body;
    const command: PullOrder = {
      type: 'PullPatch',
      patchId: id,
      mode,
      reason,
      ...(replacement !== undefined && { replacement }),
      ...(removePerHourMax !== undefined && { removePerHourMax }),
      ...(ledgerDigest !== undefined && { ledgerDigest }),
      ...(breakGlass !== undefined && { breakGlass: { reason: breakGlass.reason } }),
      by: context.actor,
      at: this.clock.nowText(),
    };
    await this.withLedger(id, () => this.commands.execute(new ChangePatch(command, context)));
    return this.show({ id });
  }

  @Get(':id/re-exposure')
  @Roles(...READERS)
  @Operation({
    id: 'showReExposure',
    summary: 'What a recall of the patch re-opens',
    description:
      'The first part of the re-exposure ledger: a recall names its `digest`. Who is hit is the second part, `GET /v1/recalls/{patchId}/preview`.',
    answers: { 200: ReExposureView },
    problems: ['patch-not-found'],
  })
  reExposure(@Param() { id }: PatchPath): ReExposureView {
    const over = (patch: KnownPatch) => this.pulls.over(patch);
    return viewLedger(ledgerOf(over(this.find(id)), this.patches.table, over));
  }

  @Post(':id/fold-in')
  @HttpCode(200)
  @Roles('publisher')
  @Operation({
    id: 'foldInPatch',
    summary: 'Record that a full release contains the patch',
    answers: { 200: PatchView },
    etag: true,
    ifMatch: 'optional',
    problems: ['patch-not-found', 'patch-folded-in', 'release-not-later'],
  })
  async foldIn(
    @Param() { id }: PatchPath,
    @Body() body: FoldInPatchBody,
    @RequestContext() context: CommandContext,
    @IfMatch() seen: SeenVersions,
  ): Promise<Versioned<PatchView>> {
    const { version, build } = body;
    const command = { type: 'FoldInPatch', patchId: id, version, build, at: this.clock.nowText() } as const;
    await withCurrent(
      () => this.commands.execute(new ChangePatch(command, context, seen)),
      () => this.show({ id }),
    );
    return this.show({ id });
  }

  /** Who names no ledger, or another one than there is, is shown the present one. */
  private async withLedger(id: string, act: () => Promise<unknown>): Promise<void> {
    try {
      await act();
    } catch (error) {
      if (!(error instanceof Rejection) || !isLedgerRefusal(error.code)) throw error;
      throw new ProblemError(error.code, error.detail, undefined, new Versioned(this.reExposure({ id }), undefined));
    }
  }

  private view(patch: KnownPatch): PatchView {
    const counted = this.pulls.over(patch);
    return viewPatch(counted, counted === patch);
  }

  private find(patchId: string): KnownPatch {
    const patch = this.patches.table.find(patchId);
    if (patch === undefined) throw new ProblemError('patch-not-found', patchId);
    return patch;
  }
}

function isLedgerRefusal(code: string): code is 'ledger-not-named' | 'ledger-changed' {
  return code === 'ledger-not-named' || code === 'ledger-changed';
}
