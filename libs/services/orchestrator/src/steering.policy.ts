import { Injectable } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { type CatalogEvent, type HealthEvent } from '@sluice/contracts';
import {
  isUnderWay,
  isWaveOver,
  type RecallCommand,
  type RolloutCommand,
  type StartedRollout,
} from '@sluice/domain-rollout';
import { EventFeed, type FeedEvent, followFeed } from '@sluice/event-feed';
import { Clock, type CommandContext, EventStore, type Follower, Rejection } from '@sluice/event-sourcing';
import { Followers } from '@sluice/platform';
import { slicesToTest } from './rollout/rollout-views.ts';
import { ChangeHold, ChangeRecall, ChangeRollout } from './commands.ts';
import { Overview } from './overview.projection.ts';

const ACTOR = 'system:steering';

type Caused = Pick<CommandContext, 'commitId'> & { readonly cause?: FeedEvent };

/**
 * Process manager: stops what was pulled, halts what harms, opens the next wave in time, ends holds and recalls.
 * Each command names what caused it in its commit id, and deciders answer a repeated one with nothing, so that a restart,
 * which sees all events again, does nothing twice. Gates act only once all of the health is heard.
 */
@Injectable()
export class SteeringPolicy {
  private readonly health: Follower<FeedEvent>;

  constructor(
    private readonly store: EventStore,
    private readonly clock: Clock,
    private readonly overview: Overview,
    private readonly commands: CommandBus,
    feed: EventFeed,
    followers: Followers,
  ) {
    const catalog = followers.add(
      followFeed(feed, {
        name: 'orchestrator-catalog',
        source: 'catalog',
        topics: ['catalog'],
        apply: (event) => this.onCatalog(event),
      }),
    );
    overview.watchCatalog(() => catalog.caughtUp && catalog.failedBecause === undefined);
    this.health = followers.add(
      followFeed(feed, {
        name: 'orchestrator-health',
        source: 'telemetry',
        topics: ['health'],
        apply: (event) => this.onHealth(event),
      }),
    );
    followers.onStop(
      'steering',
      clock.onTick(() => this.onTick()),
    );
  }

  // The policy comes first: from here on nothing is offered, whatever the commands below take.
  private async onCatalog(event: FeedEvent): Promise<void> {
    const data = event.data as CatalogEvent;
    this.overview.applyCatalog(data);
    if (data.type !== 'PatchPulled') return;
    await this.overview.reached(await this.store.head());
    const { patchId, mode, reason, recallEpoch, replacement } = data;
    const caused = { commitId: `pulled-${String(recallEpoch)}`, cause: event };
    for (const rollout of this.overview.rolloutsOf(patchId)) {
      if (rollout.status !== 'planned' && !isUnderWay(rollout)) continue;
      if (rollout.status === 'absent') continue;
      const { rolloutId } = rollout;
      await this.change(
        { type: 'AbortRollout', rolloutId, reason: `the patch was pulled: ${reason}`, at: this.now() },
        caused,
      );
    }
    if (mode !== 'recall') return;
    const next = replacement !== undefined && { replacement };
    await this.changeRecall({ type: 'StartRecall', patchId, recallEpoch, reason, ...next, at: this.now() }, caused);
  }

  private async onHealth(event: FeedEvent): Promise<void> {
    this.overview.applyHealth(event.data as HealthEvent);
    if (this.health.caughtUp) await this.steer(event);
  }

  private async onTick(): Promise<void> {
    if (this.health.caughtUp) await this.steer();
  }

  private async steer(cause?: FeedEvent): Promise<void> {
    await this.overview.reached(await this.store.head());
    const nowMs = this.clock.now();
    for (const rollout of this.overview.rollouts()) {
      if (rollout.status === 'planned') await this.startWhenDue(rollout, nowMs);
      if (rollout.status === 'running') await this.steerWave(rollout, nowMs, cause);
    }
    for (const hold of this.overview.holds()) {
      if (hold.status !== 'active' || hold.expiresAt === undefined || Date.parse(hold.expiresAt) > nowMs) continue;
      const { holdId } = hold;
      await this.quietly(
        new ChangeHold({ type: 'ExpireHold', holdId, at: this.now() }, this.context({ commitId: 'expired' })),
      );
    }
    for (const recall of this.overview.recalls())
      if (recall.status !== 'absent') await this.countRemovals(recall, cause);
  }

  private async startWhenDue(
    { rolloutId, plan }: { readonly rolloutId: string; readonly plan: StartedRollout['plan'] },
    nowMs: number,
  ): Promise<void> {
    if (plan.startAt === undefined || Date.parse(plan.startAt) > nowMs || this.overview.isPulled(plan.patchId)) return;
    const slices = await slicesToTest(this.overview, plan);
    if (slices === undefined) return;
    const command = { type: 'StartRollout', rolloutId, slices, anotherUnderWay: false, at: this.now() } as const;
    await this.change(command, { commitId: 'scheduled-start' });
  }

  private async steerWave(rollout: StartedRollout, nowMs: number, cause?: FeedEvent): Promise<void> {
    const { rolloutId, wave } = rollout;
    const assessment = this.overview.assess(rollout);
    const caused = cause === undefined ? {} : { cause };
    if (assessment.harmful) {
      const { evidence } = assessment;
      const { model, base } = evidence.slice;
      const reason = `installs fail on ${model} (${base}): ${String(evidence.failures)} of ${String(evidence.trials)}`;
      const command = { type: 'HaltRollout', rolloutId, by: 'gate', reason, evidence, at: this.now() } as const;
      await this.change(command, { commitId: `halted-${evidence.through}`, ...caused });
    } else if (isWaveOver(rollout, nowMs)) {
      const command = { type: 'CompleteWave', rolloutId, wave, assessment, at: this.now() } as const;
      await this.change(command, { commitId: `baked-${String(wave)}` });
    }
  }

  private async countRemovals(
    {
      patchId,
      recallEpoch,
      status,
    }: { readonly patchId: string; readonly recallEpoch: number; readonly status: string },
    cause?: FeedEvent,
  ): Promise<void> {
    const progress = this.overview.progressOf(patchId);
    if (progress?.complete !== true || progress.recallEpoch !== recallEpoch) return;
    const { holders, removed } = progress;
    if ((status === 'completed') === (holders === 0)) return;
    const at = this.now();
    const command = { type: 'RecordRemovals', patchId, recallEpoch, holders, removed, at } as const;
    await this.changeRecall(command, { commitId: `counted-${at}`, ...(cause !== undefined && { cause }) });
  }

  private change(command: RolloutCommand, caused: Caused): Promise<void> {
    return this.quietly(new ChangeRollout(command, this.context(caused)));
  }

  private changeRecall(command: RecallCommand, caused: Caused): Promise<void> {
    return this.quietly(new ChangeRecall(command, this.context(caused)));
  }

  // A refusal means that somebody else was faster, or that it is not time yet.
  private async quietly(command: ChangeRollout | ChangeHold | ChangeRecall): Promise<void> {
    try {
      await this.commands.execute(command);
    } catch (error) {
      if (!(error instanceof Rejection)) throw error;
    }
  }

  private context({ commitId, cause }: Caused): CommandContext {
    return {
      actor: ACTOR,
      commitId,
      correlationId: cause?.correlationId ?? commitId,
      ...(cause !== undefined && { causationId: `${cause.stream}/${String(cause.place.revision)}` }),
    };
  }

  private now(): string {
    return this.clock.nowText();
  }
}
