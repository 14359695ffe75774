import { type Assessment, assess, type SliceCounts } from './gate.ts';
import { type HealthBucketClosed, type HealthCell, sum } from './health.ts';
import { type RolloutEvent, type StartedRollout } from './rollout.ts';

/**
 * What the install gates look at: trials and failures per patch and slice, counted anew from every start and
 * resumption of a rollout of the patch. Comes out the same however rollout events and health buckets interleave.
 */
export interface GateLedger {
  readonly patches: Map<string, PatchTally>;
  readonly patchOfRollout: Map<string, string>;
  readonly halted: Set<string>;
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

/** The reporting deadline of design §3.4: after it, a trial without an outcome is taken for a success for good. */
const UNSETTLED_MS = 2 * 60 * 60_000;

/** Sorts before every time: nothing was started yet, so everything counts. */
const EVER = '0000-01-01T00:00:00.000Z';

export function emptyGateLedger(): GateLedger {
  return { patches: new Map(), patchOfRollout: new Map(), halted: new Set() };
}

/** Takes the event into the ledger, in place. A plain pause is no reason to forget: only a resumption after a halt restarts the count. */
export function foldGateLedger(ledger: GateLedger, event: RolloutEvent | HealthBucketClosed): GateLedger {
  if (event.type === 'HealthBucketClosed') {
    for (const cell of event.cells) addCell(tallyOf(ledger, cell.patchId), cell, event.to);
  } else if (event.type === 'RolloutStarted') {
    ledger.patchOfRollout.set(event.rolloutId, event.patchId);
    countSince(tallyOf(ledger, event.patchId), event.at);
  } else if (event.type === 'RolloutHalted') {
    ledger.halted.add(event.rolloutId);
  } else if (event.type === 'RolloutResumed' && ledger.halted.delete(event.rolloutId)) {
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
  for (const slice of tally.slices.values()) recount(slice, at);
}

/**
 * Sums what the slice has counted since the restart. Trials that were under way at the restart may still fail, and their
 * failures must not come without them: they stay in as successes, without what had failed of them by then.
 */
function recount(slice: SliceTally, since: string): void {
  slice.buckets = slice.buckets.filter(({ to }) => isUnsettledAt(since, to));
  const [before, after] = [
    slice.buckets.filter(({ to }) => !isAfter(to, since)),
    slice.buckets.filter(({ to }) => isAfter(to, since)),
  ];
  const unsettled = sum(before.map(({ trials, failures }) => trials - failures));
  slice.trials = sum(after.map(({ trials }) => trials)) + Math.max(0, unsettled);
  slice.failures = sum(after.map(({ failures }) => failures));
}

/** True for buckets after the instant, and for those so short before it that their trials may still be without outcome. */
function isUnsettledAt(instant: string, to: string): boolean {
  return Date.parse(to) > Date.parse(instant) - UNSETTLED_MS;
}

function addCell(tally: PatchTally, { platform, model, base, trials, failures }: HealthCell, to: string): void {
  if (!isUnsettledAt(tally.since, to)) return;
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
  if (!isAfter(to, tally.since)) recount(slice, tally.since);
}

function isAfter(left: string, right: string): boolean {
  return Date.parse(left) > Date.parse(right);
}
