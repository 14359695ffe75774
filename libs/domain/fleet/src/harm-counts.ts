import { familyOf, HARM_WAVES_MAX, type HarmSignal, harmSignals, includes } from '@sluice/domain-cohorts';
import { type Profile } from './facts.ts';
import { pairsOf, recordsIn, restorePairs } from './records.ts';
import { type RolloutNoted, type WatchedRollout } from './shard-notes.ts';

/** The first incident of one signal on a device since a rollout started. Times are ms since 1970. */
export interface HarmCell {
  readonly rolloutId: string;
  readonly device: number;
  readonly profile: number;
  readonly signal: HarmSignal;
  readonly when: number;
  readonly received: number;
}

/** The devices that had an incident, and what no bucket has told, as numbers; rollouts by their place among the notes. */
export interface HarmCopy {
  readonly harmed: Float64Array;
  readonly harms: Float64Array;
  readonly lastOnBase: Float64Array;
}

export const HARMED_NUMBERS = 3;
export const HARM_NUMBERS = 6;

interface Watched {
  readonly startedAtMs: number;
  /** By signal: the devices that had one. */
  readonly harmed: Map<HarmSignal, Set<number>>;
}

/** Counts harm for each rollout that was noted, from its note until its end: a device once for each signal. */
export class HarmCounts {
  private readonly watched = new Map<string, Watched>();
  private cells: HarmCell[] = [];
  /** By device, the last profile on a base of a patch of a rollout, of those that went on to another: a full release, as a rule. */
  readonly lastOnBase = new Map<number, number>();

  watch({ rolloutId, startedAt }: RolloutNoted): void {
    if (!this.watched.has(rolloutId))
      this.watched.set(rolloutId, { startedAtMs: Date.parse(startedAt), harmed: new Map() });
  }

  end(rolloutId: string): void {
    this.watched.delete(rolloutId);
    this.cells = this.cells.filter((cell) => cell.rolloutId !== rolloutId);
    if (this.isIdle) this.lastOnBase.clear();
  }

  /** Takes an incident of a device into each rollout for which `isFor` says that the device is one that it could reach. */
  count(incident: Omit<HarmCell, 'rolloutId'>, isFor: (rolloutId: string) => boolean): void {
    const { device, signal, when } = incident;
    for (const [rolloutId, { startedAtMs, harmed }] of this.watched) {
      if (when < startedAtMs || !isFor(rolloutId)) continue;
      const devices = harmed.get(signal) ?? new Set<number>();
      harmed.set(signal, devices);
      if (devices.has(device)) continue;
      devices.add(device);
      this.cells.push({ ...incident, rolloutId });
    }
  }

  /** A signal of a device counts for none of the rollouts any more: it cannot be compared with that of other devices. */
  leaveOut(device: number, signal: HarmSignal): void {
    for (const { harmed } of this.watched.values())
      harmed.set(signal, (harmed.get(signal) ?? new Set<number>()).add(device));
  }

  /** Whether it is so of any rollout for which harm is counted. */
  isAny(isSo: (rolloutId: string) => boolean): boolean {
    return [...this.watched.keys()].some(isSo);
  }

  get isIdle(): boolean {
    return this.watched.size === 0;
  }

  /** What no bucket has told, in the order in which it was counted. */
  drain(): readonly HarmCell[] {
    const { cells } = this;
    this.cells = [];
    return cells;
  }

  copy(): HarmCopy {
    const ids = [...this.watched.keys()];
    const harmed = [...this.watched.values()].flatMap((each, rollout) =>
      [...each.harmed].flatMap(([signal, devices]) =>
        [...devices].flatMap((device) => [rollout, harmSignals.indexOf(signal), device]),
      ),
    );
    const harms = this.cells.flatMap(({ rolloutId, device, profile, signal, when, received }) => [
      ...[ids.indexOf(rolloutId), device, profile],
      ...[harmSignals.indexOf(signal), when, received],
    ]);
    const lastOnBase = pairsOf(this.lastOnBase);
    return { harmed: Float64Array.from(harmed), harms: Float64Array.from(harms), lastOnBase };
  }

  /** Goes on from a copy; the rollouts are watched already, in the order in which they were. */
  restore({ harmed, harms, lastOnBase }: HarmCopy): void {
    restorePairs(this.lastOnBase, lastOnBase);
    const ids = [...this.watched.keys()];
    for (const [rollout = 0, signal = 0, device = 0] of recordsIn(harmed, HARMED_NUMBERS)) {
      const [watched, name] = [this.watched.get(ids[rollout] ?? ''), harmSignals[signal]];
      if (watched === undefined || name === undefined) continue;
      watched.harmed.set(name, (watched.harmed.get(name) ?? new Set<number>()).add(device));
    }
    for (const [rollout = 0, device = 0, profile = 0, signal = 0, when = 0, received = 0] of recordsIn(
      harms,
      HARM_NUMBERS,
    )) {
      const [rolloutId, name] = [ids[rollout], harmSignals[signal]];
      if (rolloutId !== undefined && name !== undefined)
        this.cells.push({ rolloutId, device, profile, signal: name, when, received });
    }
  }
}

/** The signal that an incident names, undefined when it is none that is judged. No device tells its own silence. */
export function harmSignalOf(signal: string | undefined): HarmSignal | undefined {
  return harmSignals.find((each) => each === signal && each !== 'silent');
}

/**
 * The waves of a rollout that a device is in, as bits; 0 when in none. Members of its rings are in none: they were not drawn
 * by lot.
 */
export function wavesOf({ note, audiences }: WatchedRollout, { model, ring }: Profile, base: string): number {
  if (ring !== undefined && note.waves.some((wave) => wave.ring === ring)) return 0;
  const subject = { family: familyOf(model), model, base };
  return audiences.slice(0, HARM_WAVES_MAX).reduce((bits, audience, index) => {
    const isIn = note.waves[index]?.ring === undefined && includes(audience, subject);
    return isIn ? bits | (1 << index) : bits;
  }, 0);
}
