import { type RecallCount } from '@sluice/domain-cohorts';
import { type PatchState } from './entry-table.ts';
import { type RemovalCause } from './facts.ts';

/** What became of a device of a recall; the index is its code, plus 1. */
const places = ['holding', 'retired', 'replaced', 'recall', 'user', 'failure', 'unknown'] as const;
type Place = (typeof places)[number];

/** Codes of places; 0 is outside of the set. */
const CODE = Object.fromEntries(places.map((place, index) => [place, index + 1])) as Record<Place, number>;
export const HOLDING = CODE.holding;

/** How a device is with a recalled patch: as it is counted, with the cause of a removal that it said. */
export interface RecalledDevice {
  readonly isKnown: boolean;
  readonly state: PatchState | undefined;
  readonly cause: RemovalCause | undefined;
}

/** The code of the place that a device has in a recall, given that of its place before. */
export function placeOf({ isKnown, state, cause }: RecalledDevice, before: number): number {
  if (isKnown && state === 'installed') return CODE.holding;
  // A device may hear of the recall before its shard does: that it obeyed says that it held the patch.
  if (before === 0) return isKnown && state === 'rolledBack' && cause === 'recall' ? CODE.recall : 0;
  // Of a device that is retired nobody knows what it holds; one that was freed before stays freed.
  if (!isKnown) return before === CODE.holding ? CODE.retired : before;
  if (state === 'replaced') return CODE.replaced;
  return CODE[cause ?? 'unknown'];
}

/** True for the codes of devices that went back to the base by the recall, as far as is known. */
export function isFreed(code: number): boolean {
  return code === CODE.recall || code === CODE.unknown;
}

/** True for the codes of devices that went back to the base, for whatever cause. */
export function wentBack(code: number): boolean {
  return code >= CODE.recall;
}

/** The devices of one recall in a shard. */
export class RecallSet {
  /** Devices that hold the patch, or did so when they were last looked at; some of them twice. */
  private holding: number[] = [];
  /** Entries of devices that have begun to install it, likewise. */
  private inFlight: number[] = [];
  private readonly counts = new Array<number>(places.length + 1).fill(0);
  private readonly reExposed = new DeviceBits();

  /** One device less at one place, one more at another, by their codes. */
  move(before: number, after: number, device: number): void {
    this.counts[before] = (this.counts[before] ?? 0) - 1;
    this.counts[after] = (this.counts[after] ?? 0) + 1;
    if (after === HOLDING) this.holding.push(device);
  }

  started(entry: number): void {
    this.inFlight.push(entry);
  }

  /** Whether a device that went back to the base is on it still, and so open to what the patch had closed. */
  setReExposed(device: number, isReExposed: boolean): void {
    this.reExposed.set(device, isReExposed);
  }

  /** Hands each device that may hold the patch to `holds`, once, and keeps those that do. */
  keepHolding(holds: (device: number) => boolean): void {
    this.holding = distinct(this.holding).filter(holds);
  }

  /** The same for entries of devices that may be installing it. */
  keepInFlight(installs: (entry: number) => boolean): void {
    this.inFlight = distinct(this.inFlight).filter(installs);
  }

  /** With what was found by looking at the holders. */
  count({ failing, offline }: Pick<RecallCount, 'failing' | 'offline'>): RecallCount {
    const at = (place: Place) => this.counts[CODE[place]] ?? 0;
    return {
      set: places.reduce((sum, place) => sum + at(place), 0),
      freed: { recall: at('recall'), user: at('user'), failure: at('failure'), unknown: at('unknown') },
      replaced: at('replaced'),
      retired: at('retired'),
      failing,
      offline,
      waiting: at('holding') - failing - offline,
      inFlight: this.inFlight.length,
      reExposed: this.reExposed.size,
    };
  }
}

/** A set of devices by their numbers, a bit for each. */
class DeviceBits {
  private words = new Uint32Array(0);
  size = 0;

  set(device: number, isIn: boolean): void {
    const [index, bit] = [device >>> 5, 1 << (device & 31)];
    const word = this.words[index] ?? 0;
    if (((word & bit) !== 0) === isIn) return;
    if (index >= this.words.length) this.grow(index);
    this.words[index] = word ^ bit;
    this.size += isIn ? 1 : -1;
  }

  private grow(index: number): void {
    const grown = new Uint32Array(Math.max(index + 1, this.words.length * 2));
    grown.set(this.words);
    this.words = grown;
  }
}

function distinct(numbers: readonly number[]): number[] {
  return [...Uint32Array.from(numbers).sort()].filter((each, index, sorted) => each !== sorted[index - 1]);
}
