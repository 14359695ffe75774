/** Tries of one slice that a bucket counted: those that began an install, and those that got no package. */
interface Tries {
  readonly toMs: number;
  readonly slice: string;
  readonly got: number;
  readonly unreached: number;
}

/** Whether devices get the package of a patch: the tries of the last hour, and whether too many of them got none. */
export interface Supply {
  tries: Tries[];
  isOut: boolean;
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
  return { tries: [], isOut: false };
}

/** Takes the tries of a bucket into the supply, in place. Where nobody tries, it stays as it is. */
export function countTries(supply: Supply, tries: Tries): void {
  const { toMs, got, unreached } = tries;
  if (got + unreached === 0) return;
  const latestMs = Math.max(toMs, supply.tries.at(-1)?.toMs ?? toMs);
  const recent = supply.tries.filter((each) => each.toMs > latestMs - HOUR_MS);
  // Shards close their buckets side by side: later ones are the last.
  supply.tries = [...recent, tries].sort(byEnd);
  supply.isOut = supply.isOut ? !hasRecovered(supply.tries) : isOutage(supply.tries);
}

/** The tries that say that the package cannot be got; undefined while it can. */
export function outageOf({ tries, isOut }: Supply): { readonly tries: number; readonly unreached: number } | undefined {
  if (!isOut) return undefined;
  const { total, unreached } = last(tries, TRIES_LOOKED_AT);
  return { tries: total, unreached };
}

function isOutage(tries: readonly Tries[]): boolean {
  const { total, unreached, slices } = last(tries, TRIES_LOOKED_AT);
  return total >= TRIES_MIN && slices >= SLICES_MIN && unreached > UNREACHED_SHARE_MAX * total;
}

function hasRecovered(tries: readonly Tries[]): boolean {
  const { total, unreached } = last(tries, TRIES_OF_RECOVERY);
  return total >= TRIES_OF_RECOVERY && total - unreached >= RECOVERED_SHARE * total;
}

/** The last tries, as many buckets as come to so many. */
function last(tries: readonly Tries[], wanted: number) {
  let [total, unreached] = [0, 0];
  const slices = new Set<string>();
  for (const each of tries.toReversed()) {
    if (total >= wanted) break;
    total += each.got + each.unreached;
    unreached += each.unreached;
    slices.add(each.slice);
  }
  return { total, unreached, slices: slices.size };
}

function byEnd(left: Tries, right: Tries): number {
  return left.toMs - right.toMs;
}
