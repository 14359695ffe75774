import { MINUTE_MS } from '@sluice/domain-cohorts';
import { type Said } from '@sluice/domain-fleet';
import {
  type AskingDevice,
  decide,
  holdDecider,
  type PlanDraft,
  type RolloutCommand,
  rolloutDecider,
} from '@sluice/domain-rollout';
import { Rejection, toTimeText } from '@sluice/event-sourcing';
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
import { type PlayedReport, PlayedShard } from '../played-shard.ts';
import { applyOwn, feedEvent } from '../played-views.ts';
import { ROLLOUT, START_MS } from './played-events.ts';
import { type Tape } from './tape.ts';

export const BASE_BUILD = '23D8133';
export const PATCHED_BUILD = '23D771330a';
const PLATFORM = 'ios';
const PASS_MS = MINUTE_MS;
const { rolloutId, patchId } = ROLLOUT;

/** A report of a device that is for the patch. */
interface DeviceReport extends Omit<PlayedReport, 'said'> {
  readonly said: Omit<Said, 'platform' | 'osVersion'>;
}

/**
 * Telemetry and orchestrator without stores, feeds and HTTP: the real counts, gates, rules, steering and deciders. Time goes
 * on from pass to pass; the health is always known up to the last pass.
 */
export class PlayedService {
  private readonly views = new Views();
  private readonly shard = new PlayedShard(bucketOf);
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
      approvalRule: { required: 0, abovePercent: 0 },
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
    return 'exposure' in rollout ? (exposureOf(this.views, rollout, this.nowMs).devices?.exposed ?? 0) : 0;
  }

  /** What it waits for, as the view shows it. */
  waitsFor(): readonly { readonly for: string; readonly words: string }[] {
    const { rollout } = this;
    return rollout.status === 'absent' ? [] : viewRollout(rollout, this.knowledge, this.nowMs).waitsFor;
  }

  /** Takes a report at an instant, in ms since 1970. */
  report({ said, ...report }: DeviceReport, atMs: number): void {
    this.shard.report({ ...report, said: { platform: PLATFORM, osVersion: '26.3.1', ...said } }, atMs);
  }

  /** Answers a device that checks in. */
  directiveFor(device: Omit<AskingDevice, 'platform'>, nowMs: number) {
    return decide({ platform: PLATFORM, ...device }, this.views.policy.policy, nowMs, bucketOf);
  }

  /** Counts what came, where a bucket is over, and lets the steering decide. */
  pass(nowMs: number): void {
    this.nowMs = nowMs;
    this.shard.commit();
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
    applyOwn(this.views, stream, events, this.nowMs);
    for (const event of events) this.options.tape?.fold(event);
  }

  private close(): void {
    const bucket = this.shard.close({ from: this.bucketFromMs, to: this.nowMs });
    this.bucketFromMs = this.nowMs;
    if (bucket === undefined) return;
    const place = { source: 'telemetry', stream: 'health-0', revision: this.shard.buckets };
    this.views.gates.applyHealth(feedEvent(place, bucket, this.nowMs));
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
    const place = { source: 'catalog', stream: `patch-${patchId}`, revision: 0 };
    this.views.policy.applyCatalog(feedEvent(place, event, this.nowMs));
    this.shard.noteBuilds(patchId, [{ build: PATCHED_BUILD, prerequisiteBuild: BASE_BUILD }]);
  }
}
