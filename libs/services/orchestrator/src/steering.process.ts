import { Injectable, Logger } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { type CatalogEvent } from '@sluice/contracts';
import { isUnderWay, isWaveOver, type Plan, type Rollout, slicesOf } from '@sluice/domain-rollout';
import { type FeedEvent } from '@sluice/event-feed';
import { Clock, type CommandContext, Rejection, RevisionConflict, StoreUnavailable } from '@sluice/event-sourcing';
import { Followers } from '@sluice/platform';
import { ChangeHold, ChangeRecall, ChangeRollout } from './commands.ts';
import { type KnownHold, type KnownRecall, Overview } from './overview.projection.ts';

const ACTOR = 'system:steering';

type Pull = Extract<CatalogEvent, { type: 'PatchPulled' }>;
type Running = Extract<Rollout, { status: 'running' }>;

/**
 * Process manager: stops what was pulled, halts what harms, opens the next wave in time, ends holds and recalls.
 * It looks at how things stand, with every tick and every event from outside, and not only at what has just happened:
 * what could not be done now is done with the next tick. Deciders answer a repeated command with nothing, and each commit
 * id names its cause, so that a restart, which hears all events again, does nothing twice.
 */
@Injectable()
export class SteeringProcess {
  private readonly log = new Logger(SteeringProcess.name);
  /** The pull of each pulled patch, the last one if there were two. */
  private readonly pulls = new Map<string, FeedEvent<Pull>>();

  constructor(
    private readonly clock: Clock,
    private readonly overview: Overview,
    private readonly commands: CommandBus,
    followers: Followers,
  ) {
    overview.listen((event) => this.onEvent(event));
    followers.onStop(
      'steering',
      clock.onTick(() => this.steer()),
    );
  }

  private async onEvent(event: FeedEvent): Promise<void> {
    const { type, patchId } = event.data as CatalogEvent;
    if (type === 'PatchPulled') this.pulls.set(patchId, event as FeedEvent<Pull>);
    if (type === 'PatchPulled' || event.type === 'HealthBucketClosed') await this.steer(event);
  }

  private async steer(cause?: FeedEvent): Promise<void> {
    try {
      await this.overview.upToDate();
      await this.answerPulls();
      // Gates act only once all of the health is heard, and waves go on only past the gates.
      if (this.overview.healthIsKnown) await this.steerRollouts(cause);
      for (const hold of this.overview.holds()) await this.expireWhenDue(hold);
      for (const recall of this.overview.recalls()) await this.countRemovals(recall, cause);
    } catch (error) {
      this.log.warn(`steering goes on with the next tick: ${String(error)}`);
    }
  }

  private async answerPulls(): Promise<void> {
    for (const rollout of this.overview.rollouts()) {
      const pull = this.pulls.get(rollout.plan.patchId);
      if (pull === undefined || (rollout.status !== 'planned' && !isUnderWay(rollout))) continue;
      const { rolloutId } = rollout;
      const reason = `the patch was pulled: ${pull.data.reason}`;
      const context = contextOf(`pulled-${String(pull.data.recallEpoch)}`, rolloutId, pull);
      await this.send(
        new ChangeRollout({ type: 'AbortRollout', rolloutId, reason, at: this.clock.nowText() }, context),
      );
    }
    for (const pull of this.pulls.values()) if (pull.data.mode === 'recall') await this.startRecall(pull);
  }

  private async startRecall(pull: FeedEvent<Pull>): Promise<void> {
    const { patchId, recallEpoch, reason, replacement } = pull.data;
    const recall = this.overview.recall(patchId);
    if (recall.status !== 'absent' && recall.recallEpoch >= recallEpoch) return;
    const named = replacement !== undefined && { replacement };
    const at = this.clock.nowText();
    const command = { type: 'StartRecall', patchId, recallEpoch, reason, ...named, at } as const;
    await this.send(new ChangeRecall(command, contextOf(`pulled-${String(recallEpoch)}`, patchId, pull)));
  }

  private async steerRollouts(cause?: FeedEvent): Promise<void> {
    const nowMs = this.clock.now();
    for (const rollout of this.overview.rollouts()) {
      if (rollout.status === 'planned') await this.startWhenDue(rollout, nowMs);
      if (rollout.status === 'running') await this.steerWave(rollout, nowMs, cause);
    }
  }

  private async startWhenDue({ rolloutId, plan }: { rolloutId: string; plan: Plan }, nowMs: number): Promise<void> {
    if (plan.startAt === undefined || Date.parse(plan.startAt) > nowMs) return;
    const published = this.overview.publishedPatch(plan.patchId);
    // What is not known to stand is not started: the patch may have been pulled meanwhile.
    if (published === undefined || this.overview.currentPolicy().stale) return;
    const slices = slicesOf(plan, published).length;
    const command = { type: 'StartRollout', rolloutId, slices, at: this.clock.nowText() } as const;
    await this.send(new ChangeRollout(command, contextOf('scheduled-start', rolloutId)));
  }

  private async steerWave(rollout: Running, nowMs: number, cause?: FeedEvent): Promise<void> {
    const { rolloutId, wave } = rollout;
    const assessment = this.overview.assess(rollout);
    const at = this.clock.nowText();
    if (assessment.harmful) {
      const { evidence } = assessment;
      const { slice, failures, trials } = evidence;
      const reason = `installs fail on ${slice.model} (${slice.base}): ${String(failures)} of ${String(trials)}`;
      const command = { type: 'HaltRollout', rolloutId, by: 'gate', reason, evidence, at } as const;
      await this.send(new ChangeRollout(command, contextOf(`halted-${evidence.through}`, rolloutId, cause)));
    } else if (isWaveOver(rollout, nowMs) && this.overview.healthIsCurrent) {
      const command = { type: 'CompleteWave', rolloutId, wave, assessment, at } as const;
      await this.send(new ChangeRollout(command, contextOf(`baked-${String(wave)}`, rolloutId)));
    }
  }

  private async expireWhenDue({ holdId, status, expiresAt }: KnownHold): Promise<void> {
    if (status !== 'active' || expiresAt === undefined || Date.parse(expiresAt) > this.clock.now()) return;
    const command = { type: 'ExpireHold', holdId, at: this.clock.nowText() } as const;
    await this.send(new ChangeHold(command, contextOf('expired', holdId)));
  }

  private async countRemovals({ patchId, recallEpoch, status }: KnownRecall, cause?: FeedEvent): Promise<void> {
    const progress = this.overview.progressOf(patchId);
    if (progress?.complete !== true || progress.recallEpoch !== recallEpoch) return;
    const { holders, removed } = progress;
    if ((status === 'completed') === (holders === 0)) return;
    const at = this.clock.nowText();
    const command = { type: 'RecordRemovals', patchId, recallEpoch, holders, removed, at } as const;
    await this.send(new ChangeRecall(command, contextOf(`counted-${at}`, patchId, cause)));
  }

  // A refusal means that somebody else was faster, or that it is not time yet. What the store could not take now does not
  // keep the other commands from it: a full store must not keep one patch on offer because of another.
  private async send(command: ChangeRollout | ChangeHold | ChangeRecall): Promise<void> {
    try {
      await this.commands.execute(command);
    } catch (error) {
      if (error instanceof Rejection) return;
      if (!(error instanceof StoreUnavailable) && !(error instanceof RevisionConflict)) throw error;
      this.log.warn(`${command.command.type} is tried again with the next tick: ${error.message}`);
    }
  }
}

/** The same cause gives the same commit id, so that the store takes a repeated command once. */
function contextOf(commitId: string, subject: string, cause?: FeedEvent): CommandContext {
  return {
    actor: ACTOR,
    commitId,
    correlationId: cause?.correlationId ?? `${subject}:${commitId}`,
    ...(cause !== undefined && { causationId: `${cause.stream}/${String(cause.place.revision)}` }),
  };
}
