import { PATCHES_MAX, type PatchState, patchStates } from './entry-table.ts';
import { TextTable } from './records.ts';

/** Known devices per state of a patch. */
export type StateCounts = Record<PatchState, number>;

/** What happened to a patch in a shard since the last `takeTallies`. */
export interface PatchTally {
  /** Devices that stopped holding it, the retired not among them. */
  removed: number;
  removalsFailed: number;
}

interface Counts extends PatchTally {
  readonly shown: number[];
}

/** The code of a state under which an entry is counted: 0 is none. */
export const SHOWN = Object.fromEntries(patchStates.map((state, index) => [state, index + 1])) as StateCounts;

/** The patches of a shard by number, and how many devices are counted under which of their states. */
export class PatchCounts {
  private readonly ids = new TextTable();
  private readonly counts: Counts[] = [];

  /** One more than the highest number. */
  get size(): number {
    return this.counts.length;
  }

  /** The number of a patch; a new one if it had none, undefined when there are too many. */
  indexOf(patchId: string): number | undefined {
    if (this.size === PATCHES_MAX) return this.ids.find(patchId);
    const patch = this.ids.indexOf(patchId);
    if (patch === this.counts.length) {
      const shown = new Array<number>(patchStates.length + 1).fill(0);
      this.counts.push({ shown, removed: 0, removalsFailed: 0 });
    }
    return patch;
  }

  idOf(patch: number): string {
    return this.ids.texts[patch] ?? '';
  }

  get allIds(): readonly string[] {
    return this.ids.texts;
  }

  shown(patch: number, state: PatchState): number {
    return this.counts[patch]?.shown[SHOWN[state]] ?? 0;
  }

  /** True when a known device has the patch in any state. */
  isAnyShown(patch: number): boolean {
    return patchStates.some((state) => this.shown(patch, state) > 0);
  }

  /** One device more under one state, one less under another, by their codes. */
  move(patch: number, before: number, after: number): void {
    const counts = this.counts[patch];
    if (counts === undefined) return;
    counts.shown[before] = (counts.shown[before] ?? 0) - 1;
    counts.shown[after] = (counts.shown[after] ?? 0) + 1;
    // A device that was retired is counted under none, and nobody knows what it holds.
    if (before === SHOWN.installed && after !== 0) counts.removed += 1;
  }

  countFailedRemoval(patch: number): void {
    const counts = this.counts[patch];
    if (counts !== undefined) counts.removalsFailed += 1;
  }

  /** Per patch by number: removals and failed removals since they were last taken. */
  copyTallies(): Uint32Array {
    return Uint32Array.from(this.counts.flatMap(({ removed, removalsFailed }) => [removed, removalsFailed]));
  }

  /** Takes over what `copyTallies` gave; the patches are to be there already. */
  restoreTallies(copied: Uint32Array): void {
    this.counts.forEach((counts, patch) => {
      counts.removed = copied[patch * 2] ?? 0;
      counts.removalsFailed = copied[patch * 2 + 1] ?? 0;
    });
  }

  /** Hands over what happened since the last time. */
  drainTallies(): Map<number, PatchTally> {
    const tallies = new Map<number, PatchTally>();
    this.counts.forEach((counts, patch) => {
      const { removed, removalsFailed } = counts;
      if (removed > 0 || removalsFailed > 0) tallies.set(patch, { removed, removalsFailed });
      counts.removed = 0;
      counts.removalsFailed = 0;
    });
    return tallies;
  }
}
