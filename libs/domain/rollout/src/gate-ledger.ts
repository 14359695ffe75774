import { type Assessment, assess, type SliceCounts } from './gate.ts';
import { type HealthBucketClosed, type HealthCell } from './health.ts';
import { type RolloutEvent, type StartedRollout } from './rollout.ts';

/**
 * What the install gates look at: trials and failures per patch and slice, counted anew from every start and
 * resumption of a rollout of the patch. Comes out the same however rollout events and health buckets interleave.
 */
export interface GateLedger {
  readonly patches: Map<string, PatchTally>;
  readonly patchOfRollout: Map<string, string>;
}

interface PatchTally {
  since: string;
  through: string;
  readonly slices: Map<string, SliceTally>;
}

/** Buckets are kept apart, because a restart of the counting may be heard of after the buckets that follow it. */
interface SliceTally extends SliceCounts {
  trials: number;
  failures: number;
  buckets: BucketTally[];
}

interface BucketTally {
  readonly to: string;
  trials: number;
  failures: number;
}

/** Sorts before every time: nothing was started yet, so everything counts. */
const EVER = '0000-01-01T00:00:00.000Z';

export function emptyGateLedger(): GateLedger {
  return { patches: new Map(), patchOfRollout: new Map() };
}

/** Takes the event into the ledger, in place; other rollout events than starts and resumptions leave it as it is. */
export function foldGateLedger(ledger: GateLedger, event: RolloutEvent | HealthBucketClosed): GateLedger {
  if (event.type === 'HealthBucketClosed') {
    for (const cell of event.cells) addCell(tallyOf(ledger, cell.patchId), cell, event.to);
  } else if (event.type === 'RolloutStarted') {
    ledger.patchOfRollout.set(event.rolloutId, event.patchId);
    countSince(tallyOf(ledger, event.patchId), event.at);
  } else if (event.type === 'RolloutResumed') {
    const patchId = ledger.patchOfRollout.get(event.rolloutId);
    if (patchId !== undefined) countSince(tallyOf(ledger, patchId), event.at);
  }
  return ledger;
}

/** What the gate says of a rollout now. */
export function assessRollout(ledger: GateLedger, { plan, slices, startedAt }: StartedRollout): Assessment {
  const tally = ledger.patches.get(plan.patchId);
  return assess({
    patchId: plan.patchId,
    toleratedRate: plan.gates.installFailureRateMax,
    hypotheses: slices,
    since: tally?.since ?? startedAt,
    through: tally?.through ?? startedAt,
    counts: tally?.slices.values() ?? [],
  });
}

function tallyOf({ patches }: GateLedger, patchId: string): PatchTally {
  const tally = patches.get(patchId) ?? { since: EVER, through: EVER, slices: new Map<string, SliceTally>() };
  patches.set(patchId, tally);
  return tally;
}

function countSince(tally: PatchTally, at: string): void {
  if (!isAfter(at, tally.since)) return;
  tally.since = at;
  if (isAfter(at, tally.through)) tally.through = at;
  for (const slice of tally.slices.values()) {
    slice.buckets = slice.buckets.filter(({ to }) => isAfter(to, at));
    slice.trials = sum(slice.buckets.map(({ trials }) => trials));
    slice.failures = sum(slice.buckets.map(({ failures }) => failures));
  }
}

function addCell(tally: PatchTally, { platform, model, base, trials, failures }: HealthCell, to: string): void {
  if (!isAfter(to, tally.since)) return;
  if (isAfter(to, tally.through)) tally.through = to;
  const key = `${platform} ${model} ${base}`;
  const slice = tally.slices.get(key) ?? { slice: { platform, model, base }, trials: 0, failures: 0, buckets: [] };
  tally.slices.set(key, slice);
  slice.trials += trials;
  slice.failures += failures;
  // The shards close their buckets about together, so the bucket to add to is the last one.
  const last = slice.buckets.at(-1);
  if (last?.to === to) {
    last.trials += trials;
    last.failures += failures;
  } else slice.buckets.push({ to, trials, failures });
}

function isAfter(left: string, right: string): boolean {
  return Date.parse(left) > Date.parse(right);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
