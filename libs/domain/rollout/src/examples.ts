import {
  columnsOf,
  type CountRow,
  type HarmRow,
  type HealthBucketClosed,
  type HolderCount,
  type InstallRow,
  nothingCounted,
  type RemovalRow,
} from '@sluice/domain-cohorts';
import { type Decider, type DomainEvent, fold, Rejection } from '@sluice/event-sourcing';
import { type AskingDevice } from './decide.ts';
import { type SumEvidence } from './gates/verdict.ts';
import { type Plan, type Wave } from './plan.ts';
import { type CatalogEvent } from './catalog-events.ts';
import { emptyPolicy, foldPolicy, type Policy, type PolicyEvent } from './policy.ts';
import { type RolloutEvent } from './rollout-messages.ts';

/** What the specs of this library have in common. */

export const MORNING = '2026-03-17T08:00:00.000Z';

/** The instant so many minutes after the morning. */
export function minute(minutes: number): string {
  return new Date(minuteMs(minutes)).toISOString();
}

export function minuteMs(minutes: number): number {
  return Date.parse(MORNING) + minutes * 60_000;
}

export const betaWave: Wave = {
  name: 'beta',
  ring: 'beta',
  ramp: { fromPercent: 100, toPercent: 100, minutes: 0 },
  bakeMinutes: 60,
};

export const phonesWave: Wave = {
  name: 'phones',
  audience: { family: ['iPhone'] },
  ramp: { fromPercent: 0, toPercent: 100, minutes: 1000 },
  bakeMinutes: 200,
};

export const plan: Plan = {
  patchId: 'a',
  waves: [betaWave, phonesWave],
  holdBackPercent: 2,
  gates: { installFailureRateMax: 0.01 },
  salt: 'salty',
};

export const planned = (change: Partial<Plan> = {}, rolloutId = 'r1'): RolloutEvent => ({
  type: 'RolloutPlanned',
  rolloutId,
  plan: { ...plan, ...change },
  at: MORNING,
});
export const started = (at: string = MORNING, patchId = 'a', rolloutId = 'r1'): RolloutEvent => ({
  type: 'RolloutStarted',
  rolloutId,
  patchId,
  slices: 2,
  at,
});
/** The start of a rollout that widens by grants only. */
export const granting = (at: string = MORNING, patchId = 'a', rolloutId = 'r1'): RolloutEvent => ({
  type: 'RolloutStarted',
  rolloutId,
  patchId,
  slices: 2,
  known: [],
  exposure: 'granted',
  at,
});
/** A grant between two instants in minutes after the morning. */
export const granted = (
  wave: number,
  fromMinute: number,
  toMinute: number,
  more: {
    readonly at?: string;
    readonly percents?: readonly [number, number];
    readonly ranMinutes?: number;
    readonly because?: 'ramp' | 'bake' | 'upgrade' | 'hold-back';
    readonly rolloutId?: string;
  } = {},
): RolloutEvent => {
  const { at = minute(fromMinute), percents = [100, 100], ranMinutes = 0, because = 'bake', rolloutId = 'r1' } = more;
  const [fromPercent, toPercent] = percents;
  const [from, to] = [minute(fromMinute), minute(toMinute)];
  return { type: 'ExposureGranted', rolloutId, wave, fromPercent, toPercent, from, to, ranMinutes, because, at };
};
export const opened = (wave: number, at: string = MORNING, rolloutId = 'r1'): RolloutEvent => ({
  type: 'WaveOpened',
  rolloutId,
  wave,
  at,
});
export const baked = (wave: number, at: string, because: 'baked' | 'advanced' = 'baked'): RolloutEvent => ({
  type: 'WaveBaked',
  rolloutId: 'r1',
  wave,
  because,
  at,
});
export const paused = (at: string): RolloutEvent => ({ type: 'RolloutPaused', rolloutId: 'r1', reason: 'lunch', at });
export const resumed = (at: string): RolloutEvent => ({ type: 'RolloutResumed', rolloutId: 'r1', at });
export const halted = (at: string): RolloutEvent => ({
  type: 'RolloutHalted',
  rolloutId: 'r1',
  wave: 1,
  by: 'responder',
  reason: 'it smokes',
  exposurePercent: 0,
  at,
});
export const completed = (at: string, rolloutId = 'r1', patchId = 'a'): RolloutEvent => ({
  type: 'RolloutCompleted',
  rolloutId,
  patchId,
  at,
});
export const aborted = (at: string, rolloutId = 'r1'): RolloutEvent => ({
  type: 'RolloutAborted',
  rolloutId,
  reason: 'not wanted',
  at,
});

export const evidence: SumEvidence = {
  rule: 'evidence-sum/4',
  patchId: 'a',
  alpha: 0.001,
  logSum: 12,
  logLimit: Math.log(1000),
  since: MORNING,
  through: MORNING,
  words: 'installs fail: 8 of 20',
  tests: [{ test: 'installs', level: 'all', trials: 20, failures: 8, toleratedRate: 0.01, logE: 17, weight: 0.1 }],
};

export const artifact = { url: 'https://patches.example/a', sha256: 'a'.repeat(64), sizeBytes: 1 };

/** A patch for iPhones and iPads on 23D8133; its own build is 23D77133 and the letter. */
export const published = (letter: string): CatalogEvent => ({
  type: 'PatchPublished',
  patchId: letter,
  platform: 'ios',
  baseVersion: '26.3.1',
  letter,
  variants: [
    {
      build: `23D77133${letter}`,
      prerequisiteBuild: '23D8133',
      models: ['iPhone18,1', 'iPhone17,1', 'iPad16,3'],
      artifact,
    },
  ],
  at: MORNING,
});

export const pulled = (patchId: string, mode: 'withdraw' | 'recall', replacement?: string): CatalogEvent => ({
  type: 'PatchPulled',
  patchId,
  mode,
  reason: 'it smokes',
  ...(replacement !== undefined && { replacement }),
  recallEpoch: 1,
  at: MORNING,
});

export function policyOf(...events: readonly PolicyEvent[]): Policy {
  return events.reduce(foldPolicy, emptyPolicy());
}

/** An iPhone on the base build, with nothing installed. */
export const phone: AskingDevice = {
  deviceId: 'd-1',
  platform: 'ios',
  model: 'iPhone18,1',
  osBuild: '23D8133',
  track: 'automatic',
  installed: [],
};

/** A row of install trials: nothing but what is given, of an iPhone18,1 and patch a, in the hour of the morning. */
export function installRow(change: Partial<InstallRow> = {}): InstallRow {
  const slice = { platform: 'ios', model: 'iPhone18,1', base: '23D8133' } as const;
  return { patchId: 'a', slice, cohort: minuteMs(0) / 3_600_000, band: 0, ...nothingCounted, ...change };
}

/** A row of removals, likewise. */
export function removalRow(change: Partial<RemovalRow> = {}): RemovalRow {
  const { patchId, slice, cohort } = installRow();
  return { patchId, slice, cohort, started: 0, failed: 0, fine: 0, missing: 0, ...change };
}

interface BucketContent {
  readonly installs?: readonly InstallRow[];
  readonly pending?: readonly CountRow[];
  readonly unreached?: readonly CountRow[];
  readonly harm?: readonly HarmRow[];
  readonly removals?: readonly RemovalRow[];
  readonly holders?: readonly HolderCount[];
  readonly shard?: number;
  readonly shards?: number;
}

export function healthBucket(to: string, content: BucketContent): HealthBucketClosed {
  const {
    installs = [],
    pending = [],
    unreached = [],
    harm = [],
    removals = [],
    holders = [],
    shard = 0,
    shards = 1,
  } = content;
  return {
    type: 'HealthBucketClosed',
    shard,
    shards,
    from: MORNING,
    to,
    throughRevision: 0,
    part: 1,
    parts: 1,
    reportingDeadlineMinutes: 240,
    ...columnsOf({ installs, pending, unreached, harm, removals }),
    holders,
    populations: [],
  };
}

/** A cell of a table of states and commands: the events that follow, `-` for none, or the code of the refusal. */
export function outcomeOf<State, Command, Event extends DomainEvent>(
  decider: Decider<State, Command, Event>,
  command: Command,
  history: readonly Event[],
): string {
  const state = fold(decider, history);
  try {
    return (
      decider
        .decide(command, state)
        .map(({ type }) => type)
        .join(' ') || '-'
    );
  } catch (error) {
    if (error instanceof Rejection) return error.code;
    throw error;
  }
}
