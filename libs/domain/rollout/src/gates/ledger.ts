import { type HealthBucketClosed, type HealthCell, sliceKey, sum } from '@sluice/domain-cohorts';
import { type Assessment, assess, type SliceCounts } from './installs.ts';
import { type Outcomes } from './going-on.ts';
import { countTries, outageOf, type Supply, unknownSupply } from './infrastructure.ts';
import { type RolloutEvent } from '../rollout-messages.ts';
import { type StartedRollout } from '../rollout-state.ts';

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
  readonly supply: Supply;
  /** What each bucket counted of the patch, over all slices: so the evidence of a wave can be counted from any instant on. */
  readonly timeline: { readonly toMs: number; trials: number; outcomes: number }[];
}

/** Buckets are kept apart, because a restart of the counting may be heard of after the buckets that follow it. */
interface SliceTally extends SliceCounts {
  trials: number;
  failures: number;
  buckets: BucketTally[];
  /** Failures without a reported start, as each shard counted them last. */
  readonly pending: Map<number, number>;
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
    for (const cell of event.cells) {
      const tally = tallyOf(ledger, cell.patchId);
      addCell(tally, cell, event);
      countTries(tally.supply, cell, event);
    }
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

/** What the gate says of a rollout now, or what it would say if the pending failures counted. */
export function assessRollout(
  ledger: GateLedger,
  { plan, slices, startedAt }: StartedRollout,
  { withPending = false } = {},
): Assessment {
  const tally = ledger.patches.get(plan.patchId);
  const counts = [...(tally?.slices.values() ?? [])];
  return assess({
    patchId: plan.patchId,
    toleratedRate: plan.gates.installFailureRateMax,
    hypotheses: slices,
    since: tally?.since ?? startedAt,
    through: tally?.through ?? startedAt,
    counts: withPending ? counts.map(countPending) : counts,
  });
}

/** The outcomes that are known of the patch of a rollout, ever and since its open wave was opened. */
export function outcomesOf(ledger: GateLedger, { plan, waveOpenedAt }: StartedRollout): Outcomes {
  const tally = ledger.patches.get(plan.patchId);
  const openedMs = Date.parse(waveOpenedAt);
  const counted = tally?.timeline ?? [];
  const ofWave = counted.filter(({ toMs }) => toMs > openedMs);
  const trialsOfWave = sum(ofWave.map(({ trials }) => trials));
  return {
    trialsOfWave,
    // Outcomes of trials that began before the wave opened come among them, but no more outcomes count than trials.
    knownOfWave: Math.min(trialsOfWave, sum(ofWave.map(({ outcomes }) => outcomes))),
    known: sum(counted.map(({ outcomes }) => outcomes)),
    pending: sum([...(tally?.slices.values() ?? [])].map(pendingOf)),
  };
}

/** Devices that try get no package of the patch: nobody is to blame, and nothing widens. Undefined while they do. */
export function outageFor({ patches }: GateLedger, patchId: string) {
  const supply = patches.get(patchId)?.supply;
  return supply && outageOf(supply);
}

function countPending(counts: SliceTally): SliceCounts {
  const pending = pendingOf(counts);
  return { slice: counts.slice, trials: counts.trials + pending, failures: counts.failures + pending };
}

function pendingOf({ pending }: SliceTally): number {
  return sum([...pending.values()]);
}

function tallyOf({ patches }: GateLedger, patchId: string): PatchTally {
  const tally = patches.get(patchId) ?? {
    since: EVER,
    through: EVER,
    slices: new Map<string, SliceTally>(),
    supply: unknownSupply(),
    timeline: [],
  };
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

function addCell(tally: PatchTally, cell: HealthCell, { shard, to }: HealthBucketClosed): void {
  const { trials, failures } = cell;
  addOutcomes(tally, cell, Date.parse(to));
  const slice = sliceOf(tally, cell);
  if (cell.pending !== undefined) slice.pending.set(shard, cell.pending);
  if (!isUnsettledAt(tally.since, to)) return;
  if (isAfter(to, tally.through)) tally.through = to;
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

function sliceOf({ slices }: PatchTally, { platform, model, base }: HealthCell): SliceTally {
  const key = sliceKey({ platform, model, base });
  const slice = slices.get(key) ?? {
    slice: { platform, model, base },
    trials: 0,
    failures: 0,
    buckets: [],
    pending: new Map<number, number>(),
  };
  slices.set(key, slice);
  return slice;
}

function addOutcomes({ timeline }: PatchTally, { trials, failures, fine = 0 }: HealthCell, toMs: number): void {
  const outcomes = failures + fine;
  const last = timeline.at(-1);
  if (last?.toMs === toMs) {
    last.trials += trials;
    last.outcomes += outcomes;
  } else if (trials + outcomes > 0) timeline.push({ toMs, trials, outcomes });
}

function isAfter(left: string, right: string): boolean {
  return Date.parse(left) > Date.parse(right);
}
