import {
  type CountRow,
  HOUR_MS,
  type InstallRow,
  patchSliceKey,
  SETTLED,
  type Slice,
  sliceKey,
  sum,
} from '@sluice/domain-cohorts';
import { type EvidenceRule } from './gate.ts';
import { logRateEvidence } from './rates.ts';
import { ALPHA } from './nodes.ts';
import { type GateVerdict } from './verdict.ts';

/** Tries of one slice that a bucket counted: those that began an install, and those that got no package. */
interface Tries {
  readonly toMs: number;
  readonly slice: Slice;
  readonly got: number;
  readonly unreached: number;
}

/**
 * Whether devices get the package of a patch: the tries of the last hour, whether too many of them got none, and whether
 * that was so before the latest instant. Shards close their buckets side by side, so an instant is judged as a whole.
 */
export interface Supply {
  tries: Tries[];
  isOut: boolean;
  wasOut: boolean;
}

/** Tries, and those of them that got no package. */
export interface Shortage {
  readonly tries: number;
  readonly unreached: number;
}

/** Of so many tries, within an hour, more than this share got no package: nobody is to blame. */
const TRIES_LOOKED_AT = 50;
const TRIES_MIN = 10;
const UNREACHED_SHARE_MAX = 0.2;
/** It is over when of so many tries this share got it. */
const TRIES_OF_RECOVERY = 10;
const RECOVERED_SHARE = 0.8;

/** The rule by which a slice is held that gets no package, while the others get theirs. */
export const packageRule: EvidenceRule = {
  name: 'package/1',
  decides: ['hold', 'wait'],
  tests: [{ name: 'package', weight: 1, tolerated: UNREACHED_SHARE_MAX }],
  words: ({ trials, failures, of = '' }) =>
    `of the last ${String(trials)} tries ${String(failures)} got no package, on ${of} only`,
};

export function unknownSupply(): Supply {
  return { tries: [], isOut: false, wasOut: false };
}

/** Takes the tries of a bucket into the supply, in place. Where nobody tries, it stays as it is. */
export function countTries(supply: Supply, tries: Tries): void {
  const { toMs, got, unreached } = tries;
  if (got + unreached === 0) return;
  const beforeMs = supply.tries.at(-1)?.toMs ?? -Infinity;
  if (toMs > beforeMs) goOn(supply, toMs);
  // Of shards that are behind the others, later tries are the last all the same.
  supply.tries = [...supply.tries, tries].sort(byEnd);
  supply.isOut = supply.wasOut ? !hasRecovered(supply.tries) : isOutage(supply.tries);
}

/**
 * Begins another instant. While it lasts, an outage waits for its last tries, however few come in an hour; one that is over is
 * looked at no more: else its tries would make another one of the next try that gets the package.
 */
function goOn(supply: Supply, toMs: number): void {
  const isOver = supply.wasOut && !supply.isOut;
  supply.wasOut = supply.isOut;
  supply.tries = supply.isOut
    ? last(supply.tries, TRIES_LOOKED_AT)
    : (isOver ? last(supply.tries, TRIES_OF_RECOVERY) : supply.tries).filter((each) => each.toMs > toMs - HOUR_MS);
}

/** Forgets the tries of a slice, in place. */
export function forgetTries(supply: Supply, isIt: (slice: Slice) => boolean): void {
  supply.tries = supply.tries.filter(({ slice }) => !isIt(slice));
}

/** The tries that say that the package cannot be got; undefined while it can. */
export function outageOf({ tries, isOut }: Supply): Shortage | undefined {
  return isOut ? sumOf(last(tries, TRIES_LOOKED_AT)) : undefined;
}

/** The tries of a bucket by patch and slice. */
export function triesIn(installs: readonly InstallRow[], unreached: readonly CountRow[]) {
  const tries = new Map<string, { patchId: string; slice: Slice; got: number; unreached: number }>();
  const of = (row: InstallRow | CountRow) => {
    const key = patchSliceKey(row);
    const known = tries.get(key) ?? { patchId: row.patchId, slice: row.slice, got: 0, unreached: 0 };
    tries.set(key, known);
    return known;
  };
  for (const row of installs) if (row.cohort !== SETTLED) of(row).got += row.started;
  for (const row of unreached) of(row).unreached += row.count;
  return tries.values();
}

/**
 * The hold on the one slice that gets no package while the others get theirs: its artifact is at fault, and no server. The evidence
 * that more than a fifth of its tries fail has to reach 1/α. Undefined where there is none, or where too few others try: an
 * artifact that is gone and a server that is out look alike then.
 */
export function packageVerdict(
  { tries: all }: Supply,
  { patchId, through }: { readonly patchId: string; readonly through: string },
): Extract<GateVerdict, { says: 'hold' }> | undefined {
  const logLimit = -Math.log(ALPHA);
  for (const slice of slicesIn(all.filter(({ unreached }) => unreached > 0))) {
    const others = triesOfOthers(slice, all);
    if (others.tries < TRIES_OF_RECOVERY || others.tries - others.unreached < RECOVERED_SHARE * others.tries) continue;
    const its = all.filter((each) => sliceKey(each.slice) === sliceKey(slice));
    const { tries: trials, unreached: failures } = sumOf(last(its, TRIES_LOOKED_AT));
    const logE = logRateEvidence({ n: trials, x: failures }, UNREACHED_SHARE_MAX);
    if (!isShort({ tries: trials, unreached: failures }) || logE < logLimit) continue;
    const of = `${slice.model} (${slice.base})`;
    const found = { test: 'package', of, trials, failures, toleratedRate: UNREACHED_SHARE_MAX } as const;
    const tests = [{ ...found, level: 'slice', logE, weight: 1, madeOf: { by: 'rate' } }] as const;
    const sums = { alpha: ALPHA, logSum: logE, logLimit, since: through, through };
    const words = packageRule.words(found);
    return { says: 'hold', slice, evidence: { rule: packageRule.name, patchId, ...sums, words, tests } };
  }
  return undefined;
}

function isOutage(tries: readonly Tries[]): boolean {
  const latest = last(tries, TRIES_LOOKED_AT);
  if (!isShort(sumOf(latest))) return false;
  const [failing, another] = slicesIn(latest.filter(({ unreached }) => unreached > 0));
  // Where one slice fails and enough others try, it may be its artifact.
  return another !== undefined || (failing !== undefined && triesOfOthers(failing, tries).tries < TRIES_OF_RECOVERY);
}

/** The last tries of other slices than this one. */
function triesOfOthers(slice: Slice, tries: readonly Tries[]): Shortage {
  const others = tries.filter((each) => sliceKey(each.slice) !== sliceKey(slice));
  return sumOf(last(others, TRIES_LOOKED_AT));
}

function isShort({ tries, unreached }: Shortage): boolean {
  return tries >= TRIES_MIN && unreached > UNREACHED_SHARE_MAX * tries;
}

function hasRecovered(all: readonly Tries[]): boolean {
  const { tries, unreached } = sumOf(last(all, TRIES_OF_RECOVERY));
  return tries >= TRIES_OF_RECOVERY && tries - unreached >= RECOVERED_SHARE * tries;
}

/** The last tries, as many instants as come to so many; in order. */
function last(all: readonly Tries[], wanted: number): Tries[] {
  let [tries, sinceMs] = [0, Infinity];
  for (const { toMs, got, unreached } of all.toReversed()) {
    if (tries >= wanted && toMs < sinceMs) break;
    [tries, sinceMs] = [tries + got + unreached, toMs];
  }
  return all.filter(({ toMs }) => toMs >= sinceMs);
}

function sumOf(all: readonly Tries[]): Shortage {
  const unreached = sum(all.map((each) => each.unreached));
  return { tries: sum(all.map(({ got }) => got)) + unreached, unreached };
}

function slicesIn(tries: readonly Tries[]): Slice[] {
  return [...new Map(tries.map(({ slice }) => [sliceKey(slice), slice])).values()];
}

function byEnd(left: Tries, right: Tries): number {
  return left.toMs - right.toMs;
}
