import { type HealthBucketClosed, nothingCounted, type RemovalRow, rowsOf, sliceKey } from '@sluice/domain-cohorts';
import { toTimeText } from '@sluice/event-sourcing';
import { type RecallEvent } from '../recall.ts';
import { ALPHA, nodesOf, type Node } from './nodes.ts';
import { type EvidenceRule, type Found, rateFound } from './gate.ts';
import { logSum, type RateCounts } from './rates.ts';
import { Restarts } from './restarts.ts';
import { byAppearance, type SliceCounts, SliceTrials } from './trials.ts';
import { evidenceOn, logPartOf, othersThan, strongestOf, type SumEvidence, wordsOf } from './verdict.ts';

/** Of the devices that are known to have begun a removal, so many may fail it, or be silent when its outcome is due. */
const FAILURE_RATE_TOLERATED = 0.05;

/** What the removal gate looks at, per recalled patch: counted anew with each recall epoch, and from every resumption on. */
export interface RemovalLedger {
  readonly patches: Map<string, PatchRemovals>;
}

interface PatchRemovals {
  sinceMs: number;
  throughMs: number;
  /** Counts up with everything that may change what the gate says. */
  version: number;
  readonly slices: Map<string, SliceTrials>;
  readonly restarts: Restarts;
}

/** `through`: the end of the last bucket that counted a removal. */
export type RemovalVerdict =
  { readonly says: 'go'; readonly logSum: number } | { readonly says: 'pause'; readonly evidence: SumEvidence };

export function emptyRemovalLedger(): RemovalLedger {
  return { patches: new Map() };
}

/** Takes the event into the ledger, in place. Own events come before the buckets that follow them; heard of twice, they count once. */
export function foldRemovalLedger(ledger: RemovalLedger, event: RecallEvent | HealthBucketClosed): RemovalLedger {
  switch (event.type) {
    case 'HealthBucketClosed':
      foldBucket(ledger, event);
      break;
    case 'RecallStarted':
    // A person who resumes has seen why it was paused, whoever paused it.
    case 'RecallResumed':
      restart(patchOf(ledger, event.patchId), event.at);
      break;
    default:
  }
  return ledger;
}

/** What the gate says of the recall of a patch now, all buckets so far being in. */
export function removalVerdictOn(ledger: RemovalLedger, patchId: string): RemovalVerdict {
  const patch = ledger.patches.get(patchId);
  if (patch === undefined) return { says: 'go', logSum: -Infinity };
  restartThrough(patch, Infinity);
  const counts = countsIn(patch);
  const found = nodesIn(patch).flatMap((node) => {
    const its = failing(node.slices.flatMap((key) => counts.get(key) ?? []));
    return its === undefined ? [] : [evidenceOn(removals, node, its)];
  });
  const total = logSum(found.map(logPartOf));
  const logLimit = -Math.log(ALPHA);
  if (total < logLimit) return { says: 'go', logSum: total };
  const tests = strongestOf(found, logLimit);
  const [since, through] = [toTimeText(patch.sinceMs), toTimeText(patch.throughMs)];
  const sums = { alpha: ALPHA, logSum: total, logLimit };
  const words = tests[0] === undefined ? '' : removalsRule.words(tests[0]);
  const others = othersThan(tests, found);
  return {
    says: 'pause',
    evidence: { rule: removalsRule.name, patchId, ...sums, since, through, words, tests, ...others },
  };
}

/** Counts up whenever the verdict on the recall of the patch may be another one. */
export function removalsVersionOf({ patches }: RemovalLedger, patchId: string): number {
  return patches.get(patchId)?.version ?? 0;
}

/** Devices whose removal is known to have begun since the counting began, and those of them that failed it or went silent. */
export function removalsCounted(ledger: RemovalLedger, patchId: string): RateCounts {
  const patch = ledger.patches.get(patchId);
  if (patch === undefined) return { n: 0, x: 0 };
  restartThrough(patch, Infinity);
  const all = failing([...countsIn(patch).values()]);
  return { n: all?.trials ?? 0, x: all?.failures ?? 0 };
}

function foldBucket(ledger: RemovalLedger, bucket: HealthBucketClosed): void {
  if (bucket.removals === undefined) return;
  const toMs = Date.parse(bucket.to);
  const touched = new Set<PatchRemovals>();
  for (const row of rowsOf(bucket).removals) {
    const patch = patchOf(ledger, row.patchId);
    if (!touched.has(patch)) restartThrough(patch, toMs);
    touched.add(patch);
    addRow(patch, row, toMs);
  }
  for (const patch of touched) {
    patch.version += 1;
    patch.throughMs = Math.max(patch.throughMs, toMs);
    for (const trials of patch.slices.values()) trials.settle(patch.throughMs);
  }
}

/** A removal is a trial like an install, of one age: what is missing when it is due has failed. */
function addRow(
  patch: PatchRemovals,
  { slice, cohort, started, failed, fine, missing }: RemovalRow,
  toMs: number,
): void {
  const key = sliceKey(slice);
  const trials = patch.slices.get(key) ?? new SliceTrials(slice, patch.sinceMs);
  patch.slices.set(key, trials);
  trials.appearedMs = Math.min(trials.appearedMs, toMs);
  const counts = { ...nothingCounted, started, fine, failed: failed + missing };
  trials.add({ patchId: '', slice, cohort, band: 0, ...counts }, toMs);
}

function patchOf({ patches }: RemovalLedger, patchId: string): PatchRemovals {
  const patch = patches.get(patchId) ?? {
    ...{ sinceMs: -Infinity, throughMs: -Infinity, version: 0 },
    slices: new Map<string, SliceTrials>(),
    restarts: new Restarts(),
  };
  patches.set(patchId, patch);
  return patch;
}

function restart(patch: PatchRemovals, at: string): void {
  if (patch.restarts.add(at)) patch.version += 1;
}

/** Restarts what is due before a bucket that ends then. */
function restartThrough(patch: PatchRemovals, toMs: number): void {
  for (const { atMs } of patch.restarts.through(toMs)) {
    patch.sinceMs = Math.max(patch.sinceMs, atMs);
    for (const trials of patch.slices.values()) trials.restart(atMs);
  }
}

/** Nobody is known when a recall starts: its slices have their parts of the α in the order of appearance. */
function nodesIn({ slices }: PatchRemovals): readonly Node[] {
  return nodesOf(
    [],
    [...slices.values()].sort(byAppearance).map(({ slice }) => slice),
  );
}

/** What is counted by now, by the key of the slice. */
function countsIn({ slices, throughMs }: PatchRemovals) {
  return new Map([...slices].map(([key, trials]) => [key, trials.counts(throughMs)]));
}

/** The one test: all ages of a removal together. */
const removals = {
  name: 'removals',
  weight: 1,
  tolerated: FAILURE_RATE_TOLERATED,
  words: ({ trials, failures }: Omit<Found, 'logE'>) => `removals fail: ${String(failures)} of ${String(trials)}`,
};

/** The name and version of the rule, kept in the evidence. */
export const removalsRule: EvidenceRule = {
  name: 'removals-sum/1',
  decides: ['pause'],
  tests: [removals],
  words: (strongest) => wordsOf(strongest, [removals]),
};

function failing(slices: readonly Pick<SliceCounts, 'all'>[]): Found | undefined {
  return rateFound(slices, ({ all }) => all, FAILURE_RATE_TOLERATED);
}
