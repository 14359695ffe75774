import { Injectable } from '@nestjs/common';
import { type WaitCode } from '@sluice/contracts/wait-reasons';
import { type ApprovalRule, type Policy } from '@sluice/domain-rollout';
import { Clock } from '@sluice/event-sourcing';
import { Settings, Timers } from '@sluice/platform';
import { orchestratorSettings } from '../settings.ts';
import { type SourceState, Sources } from '../sources.ts';
import { type FleetHealth, HealthThrough } from './health-through.ts';

/** Before the second tick nobody knows how long a pass takes; the wall's clock ticks each second. */
const FIRST_PASS_MS = 1_000;

/** One reason not to know enough, as a rollout's `waitsFor` has it. */
export interface Doubt {
  readonly for: Extract<WaitCode, 'catalog' | 'own-store' | 'clock' | 'health'>;
  readonly words: string;
  /** `at-once`: nothing is offered from now on; `when-it-lasts`: once it has lasted; `never`: it only keeps from widening. */
  readonly stale: 'at-once' | 'when-it-lasts' | 'never';
}

/** What rules and process managers ask of the knowledge, and the views that it is of. */
export type KnownEnough = Pick<
  Knowledge,
  'doubts' | 'healthIsRead' | 'healthThroughMs' | 'clockIsSound' | 'passMs' | 'approvalRule'
> & {
  readonly sources: Pick<Sources, 'views' | 'catalog'>;
};

/**
 * What is known well enough, and for what (design §2): *blind* is not knowing enough to widen, *stale* not knowing enough to
 * offer. Both leave the process ready: removals still go out.
 */
@Injectable()
export class Knowledge {
  private readonly staleAfterMs: number;
  private readonly blindOffersMs: number;
  private readonly through: HealthThrough;
  /** What people have set for large audiences. */
  readonly approvalRule: ApprovalRule;
  /**
   * How long a pass takes, in domain time: a pass is a tick of the clock. The shorter of the last two, so that a process
   * that once stood still does not take that for its pace, and catches up on nothing.
   */
  passMs = FIRST_PASS_MS;
  private lastGapMs = FIRST_PASS_MS;
  private lastTickMs: number | undefined;
  /** Since when, at the wall's pace, there is some reason to be stale that has to last. */
  private doubtSinceMs: number | undefined;
  /** Since when nothing may widen, in domain time. */
  private blindSinceMs: number | undefined;

  constructor(
    readonly sources: Sources,
    private readonly clock: Clock,
    private readonly timers: Timers,
    settings: Settings,
  ) {
    const own = settings.of(orchestratorSettings);
    this.staleAfterMs = own.policyStaleSeconds * 1000;
    this.approvalRule = { required: own.approvalsRequired, abovePercent: own.approvalsAbovePercent };
    this.blindOffersMs = own.blindOffersMinutes * 60_000;
    this.through = new HealthThrough(own.healthBucketSeconds * 1000);
  }

  /** To be called with each tick: since when nothing may widen, and how fast domain time goes. */
  tick(): void {
    const nowMs = this.clock.now();
    if (this.lastTickMs !== undefined && nowMs > this.lastTickMs) {
      const gapMs = nowMs - this.lastTickMs;
      this.passMs = Math.min(gapMs, this.lastGapMs);
      this.lastGapMs = gapMs;
    }
    this.lastTickMs = nowMs;
    if (this.clock.kind === 'accelerated') this.through.tick(nowMs, this.timers.monotonicMs());
    this.noteBlindness(nowMs);
    this.currentPolicy();
  }

  /** The policy of this instant, which says whether it is stale. */
  currentPolicy(): Policy {
    const { policy } = this.sources.views.policy;
    const stops = this.sources.catalog().signs?.stops ?? [];
    if (stops.length > 0) this.sources.views.policy.applyStops(stops);
    policy.stale = this.isStale();
    return policy;
  }

  /** Every reason not to widen at this instant; empty when there is none. */
  doubts(): Doubt[] {
    return [...this.doubtsOfOffers(), ...this.healthDoubts()];
  }

  /** Up to when the health of all shards is known; undefined while it is of some. */
  healthThroughMs(): number | undefined {
    return this.fleetHealth().throughMs;
  }

  /** True when all of the health was read once: counts before that would be too low, and look well. */
  get healthIsRead(): boolean {
    const { isRead, failedBecause } = this.sources.telemetry();
    return isRead && failedBecause === undefined;
  }

  get clockIsSound(): boolean {
    return this.clock.soundness().sound;
  }

  private noteBlindness(nowMs: number): number | undefined {
    return (this.blindSinceMs = this.doubts().length === 0 ? undefined : (this.blindSinceMs ?? nowMs));
  }

  // Asked with every check-in: all shards are gone through only while nothing may widen, to notice when that is over.
  private isStale(): boolean {
    const doubts = this.doubtsOfOffers();
    const monotonicMs = this.timers.monotonicMs();
    const lasting = doubts.some(({ stale }) => stale === 'when-it-lasts');
    this.doubtSinceMs = lasting ? (this.doubtSinceMs ?? monotonicMs) : undefined;
    if (doubts.some(({ stale }) => stale === 'at-once')) return true;
    if (this.doubtSinceMs !== undefined && monotonicMs - this.doubtSinceMs > this.staleAfterMs) return true;
    if (this.blindSinceMs === undefined) return false;
    const nowMs = this.clock.now();
    return nowMs - (this.noteBlindness(nowMs) ?? nowMs) > this.blindOffersMs;
  }

  private doubtsOfOffers(): Doubt[] {
    return [...this.catalogDoubts(), ...this.ownDoubts(), ...this.clockDoubts()];
  }

  private catalogDoubts(): Doubt[] {
    const catalog = this.sources.catalog();
    const doubts = readingDoubts('catalog', 'the catalog', catalog);
    // An event that is parked may be the very one that pulls a patch.
    if (catalog.parked > 0) {
      const words = `${String(catalog.parked)} events of the catalog are parked (sluice dlq list)`;
      doubts.push({ for: 'catalog', words, stale: 'at-once' });
    }
    if (catalog.silentMs > this.staleAfterMs) {
      doubts.push({
        for: 'catalog',
        words: `the catalog is silent for ${seconds(catalog.silentMs)}`,
        stale: 'at-once',
      });
    }
    if (catalog.signs?.writable === false) {
      doubts.push({ for: 'catalog', words: 'the catalog cannot write to its store', stale: 'when-it-lasts' });
    }
    return doubts;
  }

  private ownDoubts(): Doubt[] {
    const own = this.sources.own();
    const doubts = readingDoubts('own-store', 'the own store', own);
    if (own.signs?.writable === false) {
      doubts.push({ for: 'own-store', words: 'the own store cannot write', stale: 'when-it-lasts' });
    }
    return doubts;
  }

  private clockDoubts(): Doubt[] {
    const soundness = this.clock.soundness();
    if (soundness.sound) return [];
    const words = `the clock is not believed: the wall differs from it by ${seconds(soundness.differenceMs)}`;
    return [{ for: 'clock', words, stale: 'when-it-lasts' }];
  }

  private healthDoubts(): Doubt[] {
    const telemetry = this.sources.telemetry();
    const doubts: Doubt[] = readingDoubts('health', 'telemetry', telemetry).map((each) => ({
      ...each,
      stale: 'never',
    }));
    if (telemetry.parked > 0) {
      const words = `${String(telemetry.parked)} events of telemetry are parked (sluice dlq list)`;
      doubts.push({ for: 'health', words, stale: 'never' });
    }
    const { isCurrent, words } = this.fleetHealth();
    if (!isCurrent) doubts.push({ for: 'health', words, stale: 'never' });
    return doubts;
  }

  private fleetHealth(): FleetHealth {
    const { signs } = this.sources.telemetry();
    return this.through.of(signs?.through ?? [], this.sources.views.gates, this.clock.now());
  }
}

function readingDoubts(
  code: Doubt['for'],
  name: string,
  { isRead, failedBecause, contradiction }: SourceState,
): Doubt[] {
  if (contradiction !== undefined) return [{ for: code, words: contradiction, stale: 'at-once' }];
  if (failedBecause !== undefined) {
    return [{ for: code, words: `reading ${name} has failed: ${textOf(failedBecause)}`, stale: 'at-once' }];
  }
  return isRead ? [] : [{ for: code, words: `${name} is not read in full yet`, stale: 'at-once' }];
}

function textOf(reason: unknown): string {
  return reason instanceof Error ? reason.message : String(reason);
}

function seconds(ms: number): string {
  return Number.isFinite(ms) ? `${String(Math.round(ms / 1000))} s` : 'ever';
}
