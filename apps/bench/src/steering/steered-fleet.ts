import { type HealthEvent } from '@sluice/contracts/events';
import {
  type CatalogEvent,
  holdDecider,
  recallDecider,
  rolloutDecider,
  type RolloutCommand,
  type StartedRollout,
} from '@sluice/domain-rollout';
import { type FeedEvent, type ShardThrough } from '@sluice/event-feed';
import { type DomainEvent, toTimeText } from '@sluice/event-sourcing';
import { type Followers, ManualClock, ManualTimers, Settings } from '@sluice/platform';
import { Knowledge, type OwnCommand, type Sources, Steering, Views } from '@sluice/service-orchestrator';
import { Random } from '@sluice/simulation';
import { applyOwn, feedEvent } from '../played-views.ts';
import {
  bucketOf,
  type BucketLines,
  DEVICES_PER_CELL,
  type FleetSize,
  harmOf,
  harmsOf,
  holdersOf,
  HOUR_MS,
  patchOf,
  plan,
  populationOf,
  publicationOf,
  recalledFrom,
  recalledOf,
  rolloutOf,
  sliceOf,
  START_MS,
  trialOf,
  trialsOf,
} from './made-up-fleet.ts';

const SECOND_MS = 1000;
/** Of a rollout that a bucket changes: trials in so many slices, one incident, and one count of awake devices. */
const TRIALS_PER_ROLLOUT = 3;

/** What one bucket and the passes of one second took, in milliseconds; without the commands that came of them. */
export interface PassTimes {
  readonly bucketMs: number;
  readonly tickMs: number;
  readonly commandsMs: number;
  readonly commands: number;
  /** The processor's time for the bucket and its pass, and for the tick; it is known by the millisecond only. */
  readonly bucketProcessorMs: number;
  readonly tickProcessorMs: number;
}

/**
 * The steering of the orchestrator with its views and its knowledge, on a made-up fleet. What is not there: feeds, whose events
 * are handed over at once, and the store; what commands come to is applied to the views as if it had come back from it.
 */
export class SteeredFleet {
  readonly views = new Views();
  private readonly clock = new ManualClock(START_MS - HOUR_MS);
  private readonly random = Random.seeded(1);
  private readonly revisions: number[];
  private listener: (event: FeedEvent) => void = () => undefined;
  private idle: () => Promise<void> = () => Promise.resolve();
  private through: ShardThrough[] = [];
  private commandsMs = 0;
  private commands = 0;

  constructor(private readonly size: FleetSize) {
    this.revisions = Array.from({ length: size.shards }, () => -1);
    const settings = Settings.of({ healthBucketSeconds: 60 });
    const knowledge = new Knowledge(this.sources(), this.clock, new ManualTimers(), settings);
    const bus = { execute: (command: OwnCommand) => this.execute(command) };
    const followers = { work: (idle: () => Promise<void>) => (this.idle = idle), onStop: () => undefined };
    type Buses = ConstructorParameters<typeof Steering>[2];
    new Steering(knowledge, this.clock, bus as unknown as Buses, followers as unknown as Followers);
  }

  /** Publishes the patches, completes the recalls, tells who is known, and starts all rollouts at the begin of the first hour. */
  async begin(): Promise<void> {
    const { rollouts, slices, recalls, shards } = this.size;
    for (let index = 0; index < recalls; index += 1) {
      const patchId = recalledOf(index);
      this.hear(publicationOf(patchId, `22R${String(index)}`, slices));
      const at = toTimeText(this.clock.now());
      this.hear({ type: 'PatchPulled', patchId, mode: 'recall', reason: 'boot loops', recallEpoch: 1, at });
    }
    for (let index = 0; index < rollouts; index += 1) {
      const patchId = patchOf(index);
      this.hear(publicationOf(patchId, sliceOf(index, 0).base, slices));
      const draft = { ...plan, patchId };
      this.change({ type: 'PlanRollout', rolloutId: rolloutOf(index), plan: draft, freshSalt: patchId, at: this.at() });
    }
    await this.clock.advanceTo(START_MS - SECOND_MS);
    const holders = Array.from({ length: recalls }, (_, index) => recalledFrom(recalledOf(index)));
    for (let shard = 0; shard < shards; shard += 1) {
      const populations = this.all(rollouts).flatMap((rollout) =>
        this.all(slices).map((model) => populationOf(shard, sliceOf(rollout, model))),
      );
      this.tell(shard, START_MS - HOUR_MS, { holders, populations });
    }
    await this.idle();
    await this.tick(SECOND_MS);
  }

  /** Some hours, in each of which each rollout is told of once, by one of the shards in turn; and a pass at their end. */
  async playHours(hours: number): Promise<void> {
    const fromMs = this.clock.now();
    for (const hour of this.all(hours)) this.tellHour(fromMs + hour * HOUR_MS);
    await this.tick(hours * HOUR_MS);
  }

  private tellHour(fromMs: number): void {
    const { rollouts, slices, shards } = this.size;
    const [hour, toMs] = [fromMs / HOUR_MS, fromMs + HOUR_MS];
    const buckets = new Map<number, number[]>();
    for (const rollout of this.all(rollouts)) {
      const shard = (rollout + hour) % shards;
      buckets.set(shard, [...(buckets.get(shard) ?? []), rollout]);
    }
    for (const [shard, its] of buckets) {
      const installs = its.flatMap((rollout) => trialsOf(rollout, slices, hour, this.random));
      const harm = its.flatMap((rollout) => harmsOf(rollout, slices, fromMs, this.random));
      const holders = its.map((rollout) => holdersOf(patchOf(rollout), hour % DEVICES_PER_CELL));
      this.apply(this.bucket(shard, { fromMs, toMs }, { installs, harm, holders }));
    }
  }

  /** Pauses and resumes some rollouts, so that their grants begin at another second than those of the others. */
  shift(rollouts: readonly number[]): void {
    for (const rollout of rollouts) {
      const rolloutId = rolloutOf(rollout);
      if (this.views.policy.rollout(rolloutId).status !== 'running') continue;
      this.change({ type: 'PauseRollout', rolloutId, reason: 'lunch', at: this.at() });
      this.change({ type: 'ResumeRollout', rolloutId, at: this.at() });
    }
  }

  /** A second: a bucket of one shard that changes some rollouts, the pass that follows it, and that of the tick. */
  async playSecond(shard: number, changed: readonly number[]): Promise<PassTimes> {
    const bucket = this.bucket(shard, this.lastMinute(), this.changes(shard, changed));
    [this.commandsMs, this.commands] = [0, 0];
    const beganMs = processorMs();
    const bucketMs = await this.timed(async () => {
      this.listener(this.apply(bucket));
      await this.idle();
    });
    const bucketProcessorMs = processorMs() - beganMs;
    const tickMs = await this.timed(() => this.tick(SECOND_MS));
    const tickProcessorMs = processorMs() - beganMs - bucketProcessorMs;
    const { commandsMs, commands } = this;
    return { bucketMs, tickMs, commandsMs, commands, bucketProcessorMs, tickProcessorMs };
  }

  /** Halts a rollout and resumes it. What the fold of the resume and the verdict after it take, in milliseconds. */
  resume(rollout: number): number {
    const rolloutId = rolloutOf(rollout);
    this.change({ type: 'HaltRollout', rolloutId, by: 'responder', reason: 'it smokes', at: this.at() });
    const state = this.rollout(rollout);
    const command = { type: 'ResumeRollout', rolloutId, evidenceSeen: 'nothing', at: this.at() } as const;
    const events = rolloutDecider.decide(command, state);
    const startedAt = performance.now();
    this.applyOwn(`rollout-${rolloutId}`, events);
    const verdict = this.views.gates.verdictOn(this.rollout(rollout));
    const took = performance.now() - startedAt;
    if (verdict?.says !== 'go')
      throw new Error(`a resumed rollout begins without evidence, and ${rolloutId} does not go`);
    return took;
  }

  /** How many rollouts and recalls there are of each status. */
  statuses(): Record<string, number> {
    const statuses: Record<string, number> = {};
    for (const { status } of [...this.views.policy.rollouts(), ...this.views.recalls.recalls()])
      statuses[status] = (statuses[status] ?? 0) + 1;
    return statuses;
  }

  private changes(shard: number, changed: readonly number[]): BucketLines {
    const { slices } = this.size;
    const { fromMs } = this.lastMinute();
    const hour = Math.floor(fromMs / HOUR_MS);
    const any = () => this.random.between(0, slices - 1);
    return {
      installs: changed.flatMap((rollout) =>
        this.all(TRIALS_PER_ROLLOUT).map(() => trialOf(rollout, any(), hour, this.random)),
      ),
      harm: changed.map((rollout) => harmOf(rollout, slices, fromMs, this.random)),
      holders: changed.map((rollout) => holdersOf(patchOf(rollout), this.random.between(0, DEVICES_PER_CELL))),
      populations: changed.map((rollout) =>
        populationOf(shard, sliceOf(rollout, any()), this.random.between(1, DEVICES_PER_CELL)),
      ),
    };
  }

  private async timed(work: () => Promise<void>): Promise<number> {
    const commandsBefore = this.commandsMs;
    const startedAt = performance.now();
    await work();
    return performance.now() - startedAt - (this.commandsMs - commandsBefore);
  }

  private tick(ms: number): Promise<void> {
    const nowMs = this.clock.now() + ms;
    const { shards } = this.size;
    this.through = this.revisions.map((revision, shard) => ({ shard, shards, throughMs: nowMs, revision }));
    return this.clock.advanceTo(nowMs);
  }

  private lastMinute() {
    return { fromMs: this.clock.now() - 60 * SECOND_MS, toMs: this.clock.now() };
  }

  private tell(shard: number, fromMs: number, lines: BucketLines): void {
    this.listener(this.apply(this.bucket(shard, { fromMs, toMs: this.clock.now() }, lines)));
  }

  private bucket(shard: number, ends: { fromMs: number; toMs: number }, lines: BucketLines): FeedEvent {
    const data = bucketOf({ shard, shards: this.size.shards }, ends, lines);
    const revision = (this.revisions[shard] ?? -1) + 1;
    this.revisions[shard] = revision;
    const place = { source: 'telemetry', stream: `health-${String(shard)}`, revision };
    return feedEvent(place, data, this.clock.now());
  }

  private apply(event: FeedEvent): FeedEvent {
    this.views.gates.applyHealth(event);
    this.views.recalls.applyHealth(event.data as HealthEvent);
    return event;
  }

  private hear(event: CatalogEvent): void {
    const place = { source: 'catalog', stream: `patch-${event.patchId}`, revision: 0 };
    this.views.policy.applyCatalog(feedEvent(place, event, this.clock.now()));
  }

  private rollout(rollout: number): StartedRollout {
    return this.views.policy.rollout(rolloutOf(rollout)) as StartedRollout;
  }

  private change(command: RolloutCommand): void {
    const { rolloutId } = command;
    const events = rolloutDecider.decide(command, this.views.policy.rollout(rolloutId));
    this.applyOwn(`rollout-${rolloutId}`, events);
  }

  private execute({ command }: OwnCommand): Promise<void> {
    const startedAt = performance.now();
    const { policy, recalls } = this.views;
    if ('rolloutId' in command) this.change(command);
    else if ('holdId' in command)
      this.applyOwn(`hold-${command.holdId}`, holdDecider.decide(command, policy.hold(command.holdId)));
    else this.applyOwn(`recall-${command.patchId}`, recallDecider.decide(command, recalls.recall(command.patchId)));
    this.commands += 1;
    this.commandsMs += performance.now() - startedAt;
    return Promise.resolve();
  }

  private applyOwn(stream: string, events: readonly DomainEvent[]): void {
    applyOwn(this.views, stream, events, this.clock.now());
  }

  private at(): string {
    return toTimeText(this.clock.now());
  }

  private all(count: number): number[] {
    return Array.from({ length: count }, (_, index) => index);
  }

  private sources(): Sources {
    const well = { isRead: true, failedBecause: undefined, parked: 0, contradiction: undefined, silentMs: 0 };
    const state = () => ({ ...well, signs: { writable: true, through: this.through, stops: [] } });
    const onEvent = (listener: (event: FeedEvent) => void) => (this.listener = listener);
    return { views: this.views, catalog: state, own: state, telemetry: state, onEvent } as unknown as Sources;
  }
}

function processorMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}
