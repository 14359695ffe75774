/** Tries of one slice that a bucket counted: those that began an install, and those that got no package. */
interface Tries {
  readonly toMs: number;
  readonly slice: string;
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

const HOUR_MS = 3_600_000;
/** Of so many tries, within an hour and over two slices at least, more than this share got no package: nobody is to blame. */
const TRIES_LOOKED_AT = 50;
const TRIES_MIN = 10;
const SLICES_MIN = 2;
const UNREACHED_SHARE_MAX = 0.2;
/** It is over when of so many tries this share got it. */
const TRIES_OF_RECOVERY = 10;
const RECOVERED_SHARE = 0.8;

export function unknownSupply(): Supply {
  return { tries: [], isOut: false, wasOut: false };
}

/** Takes the tries of a bucket into the supply, in place. Where nobody tries, it stays as it is. */
export function countTries(supply: Supply, tries: Tries): void {
  const { toMs, got, unreached } = tries;
  if (got + unreached === 0) return;
  const beforeMs = supply.tries.at(-1)?.toMs ?? -Infinity;
  if (toMs > beforeMs) goOn(supply);
  const latestMs = Math.max(toMs, beforeMs);
  const recent = supply.tries.filter((each) => each.toMs > latestMs - HOUR_MS);
  // Of shards that are behind the others, later tries are the last all the same.
  supply.tries = [...recent, tries].sort(byEnd);
  supply.isOut = supply.wasOut ? !hasRecovered(supply.tries) : isOutage(supply.tries);
}

/** The tries that say that the package cannot be got; undefined while it can. */
export function outageOf({ tries, isOut }: Supply): { readonly tries: number; readonly unreached: number } | undefined {
  if (!isOut) return undefined;
  const { total, unreached } = sumOf(last(tries, TRIES_LOOKED_AT));
  return { tries: total, unreached };
}

/** An outage that is over is looked at no more: else its tries would make another one of the next try that gets the package. */
function goOn(supply: Supply): void {
  if (supply.wasOut && !supply.isOut) supply.tries = last(supply.tries, TRIES_OF_RECOVERY);
  supply.wasOut = supply.isOut;
}

function isOutage(tries: readonly Tries[]): boolean {
  const { total, unreached, slices } = sumOf(last(tries, TRIES_LOOKED_AT));
  return total >= TRIES_MIN && slices >= SLICES_MIN && unreached > UNREACHED_SHARE_MAX * total;
}

function hasRecovered(tries: readonly Tries[]): boolean {
  const { total, unreached } = sumOf(last(tries, TRIES_OF_RECOVERY));
  return total >= TRIES_OF_RECOVERY && total - unreached >= RECOVERED_SHARE * total;
}

/** The last tries, as many instants as come to so many; in order. */
function last(tries: readonly Tries[], wanted: number): Tries[] {
  let [total, sinceMs] = [0, Infinity];
  for (const { toMs, got, unreached } of tries.toReversed()) {
    if (total >= wanted && toMs < sinceMs) break;
    [total, sinceMs] = [total + got + unreached, toMs];
  }
  return tries.filter(({ toMs }) => toMs >= sinceMs);
}

function sumOf(tries: readonly Tries[]) {
  let [total, unreached] = [0, 0];
  for (const each of tries) {
    total += each.got + each.unreached;
    unreached += each.unreached;
  }
  return { total, unreached, slices: new Set(tries.map(({ slice }) => slice)).size };
}

function byEnd(left: Tries, right: Tries): number {
  return left.toMs - right.toMs;
}
