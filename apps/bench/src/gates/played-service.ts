import { MINUTE_MS } from '@sluice/domain-cohorts';
import {
  announce,
  closeBucket,
  type FactKind,
  FactPacker,
  FleetShard,
  nothingAnnounced,
  readPackedFacts,
  type Said,
} from '@sluice/domain-fleet';
import {
  type AskingDevice,
  decide,
  holdDecider,
  type PlanDraft,
  type RolloutCommand,
  rolloutDecider,
} from '@sluice/domain-rollout';
import { BEGINNING, type DomainEvent, Rejection, toTimeText } from '@sluice/event-sourcing';
import {
  bucketOf,
  exposureOf,
  grantsProcess,
  type KnownEnough,
  type OwnCommand,
  type OwnEvent,
  viewRollout,
  Views,
  wavesProcess,
} from '@sluice/service-orchestrator';
import { DEADLINE_MINUTES, ROLLOUT, START_MS } from './played-events.ts';
import { type Tape } from './tape.ts';

export const BASE_BUILD = '23D8133';
export const PATCHED_BUILD = '23D771330a';
const PLATFORM = 'ios';
const PASS_MS = MINUTE_MS;
const LONG_OFFLINE_MS = 72 * 3_600_000;
/** Facts are packed into commits of so many at most. */
const FACTS_MAX = 50_000;
const { rolloutId, patchId } = ROLLOUT;

/** A report, as intake takes it. */
export interface PlayedReport {
  readonly kind: FactKind;
  readonly deviceHash: string;
  readonly deviceId: string;
  readonly said: Omit<Said, 'platform' | 'osVersion'>;
}

/**
 * Telemetry and orchestrator without stores, feeds and HTTP: the real counts, gates, rules, steering and deciders. Time goes
 * on from pass to pass; the health is always known up to the last pass.
 */
export class PlayedService {
  private readonly views = new Views();
  private readonly shard = new FleetShard();
  private readonly packer = new FactPacker();
  private readonly revisions = new Map<string, number>();
  private announced = nothingAnnounced;
  private reports = 0;
  private nowMs = START_MS;
  private bucketFromMs = START_MS;
  private readonly knowledge: KnownEnough;

  constructor(
    plan: Omit<PlanDraft, 'patchId'>,
    private readonly options: {
      readonly models: readonly string[];
      readonly bucketMinutes: number;
      readonly tape: Tape | undefined;
    },
  ) {
    const well = { isRead: true, failedBecause: undefined, parked: 0, contradiction: undefined, silentMs: 0 };
    this.knowledge = {
      doubts: () => [],
      healthIsRead: true,
      healthThroughMs: () => this.nowMs,
      clockIsSound: true,
      passMs: PASS_MS,
      sources: { views: this.views, catalog: () => ({ ...well, signs: undefined }) },
    };
    this.publish();
    // It starts by itself with the first pass.
    const draft = { ...plan, patchId, startAt: toTimeText(START_MS) };
    this.change({ type: 'PlanRollout', rolloutId, plan: draft, freshSalt: String(START_MS), at: draft.startAt });
  }

  get rollout() {
    return this.views.policy.rollout(rolloutId);
  }

  /** Slices that a gate holds. */
  get heldModels(): string[] {
    return this.views.policy.holds().flatMap(({ slice }) => slice.model ?? []);
  }

  /** Known devices that are expected inside the exposure. */
  get exposed(): number {
    const { rollout } = this;
    return 'exposure' in rollout ? (exposureOf(this.views, rollout, this.nowMs)?.exposed ?? 0) : 0;
  }

  /** What it waits for, as the view shows it. */
  waitsFor(): readonly { readonly for: string; readonly words: string }[] {
    const { rollout } = this;
    return rollout.status === 'absent' ? [] : viewRollout(rollout, this.knowledge, this.nowMs).waitsFor;
  }

  /** Takes a report at an instant, in ms since 1970. */
  report({ kind, deviceHash, deviceId, said }: PlayedReport, atMs: number): void {
    if (this.packer.count === FACTS_MAX) this.commit();
    this.reports += 1;
    this.packer.add({
      ...{ kind, deviceHash, deviceId, content: 0, clockAhead: false },
      ...{ occurredAt: atMs, receivedAt: atMs, reportHash: String(this.reports).padStart(8, '0') },
      said: { platform: PLATFORM, osVersion: '26.3.1', ...said },
    });
  }

  /** Answers a device that checks in. */
  directiveFor(device: Omit<AskingDevice, 'platform'>, nowMs: number) {
    return decide({ platform: PLATFORM, ...device }, this.views.policy.policy, nowMs, bucketOf);
  }

  /** Counts what came, where a bucket is over, and lets the steering decide. */
  pass(nowMs: number): void {
    this.nowMs = nowMs;
    this.commit();
    if (nowMs - this.bucketFromMs >= this.options.bucketMinutes * MINUTE_MS || nowMs === START_MS) this.close();
    const { views, knowledge } = this;
    for (const process of [wavesProcess, grantsProcess])
      for (const command of process.decide({ nowMs, at: toTimeText(nowMs), views, knowledge })) this.carryOut(command);
  }

  /** A command on the rollout. Throws Rejection. */
  change(command: RolloutCommand): void {
    this.append(`rollout-${rolloutId}`, rolloutDecider.decide(command, this.rollout));
  }

  // Another instance was faster, or it is not time yet: as the steering has it.
  private carryOut({ command }: OwnCommand): void {
    try {
      if (command.type === 'PlaceHold') {
        const { holdId } = command;
        this.append(`hold-${holdId}`, holdDecider.decide(command, this.views.policy.hold(holdId)));
      } else if ('rolloutId' in command) this.change(command);
    } catch (error) {
      if (!(error instanceof Rejection)) throw error;
    }
  }

  private append(stream: string, events: readonly OwnEvent[]): void {
    if (events.length === 0) return;
    const revision = (this.revisions.get(stream) ?? -1) + 1;
    this.revisions.set(stream, revision);
    const place = { stream, revision, position: BEGINNING, commitId: `${stream} ${String(revision)}` };
    const metadata = { actor: 'bench', correlationId: place.commitId };
    const body = { kind: 'events', events: events as readonly DomainEvent[] } as const;
    this.views.applyOwn({ ...place, recordedAt: toTimeText(this.nowMs), metadata, body });
    for (const event of events) this.options.tape?.fold(event);
  }

  private commit(): void {
    if (this.packer.count > 0) this.shard.apply(readPackedFacts(this.packer.finish().bytes));
  }

  private close(): void {
    const bucket = closeBucket(this.shard, this.announced, {
      ...{ shard: 0, shards: 1, throughRevision: 0, longOfflineMs: LONG_OFFLINE_MS, bucketOf },
      ...{ from: this.bucketFromMs, to: this.nowMs, reportingDeadlineMs: DEADLINE_MINUTES * MINUTE_MS },
    });
    this.bucketFromMs = this.nowMs;
    if (bucket === undefined) return;
    this.announced = announce(this.announced, bucket);
    this.views.gates.applyHealth(this.feedEvent('telemetry', this.announced.buckets, bucket));
    const { tape } = this.options;
    tape?.fold(bucket);
    const { rollout } = this;
    const verdict = 'exposure' in rollout ? this.views.gates.verdictOn(rollout) : undefined;
    if (verdict !== undefined) tape?.found({ rolloutId }, verdict, this.views.gates.outageOf(patchId));
  }

  private publish(): void {
    const { models } = this.options;
    const variants = [{ build: PATCHED_BUILD, prerequisiteBuild: BASE_BUILD, models }];
    const published = { type: 'PatchPublished', patchId, platform: PLATFORM, baseVersion: '26.3.1', letter: 'a' };
    const event = { ...published, variants, at: toTimeText(START_MS) };
    this.views.policy.applyCatalog(this.feedEvent('catalog', 0, event));
    const builds = [{ build: PATCHED_BUILD, prerequisiteBuild: BASE_BUILD }];
    const source = { stream: `patch-${patchId}`, revision: 0, index: 0 };
    this.shard.note({ type: 'ShardNoted', about: 'builds', patchId, platform: PLATFORM, builds, source });
  }

  private feedEvent<Data extends { readonly type: string }>(source: string, revision: number, data: Data) {
    const place = { source, type: data.type, stream: source, place: { revision, index: 0 }, position: BEGINNING };
    return { ...place, time: toTimeText(this.nowMs), actor: source, correlationId: source, data };
  }
}
