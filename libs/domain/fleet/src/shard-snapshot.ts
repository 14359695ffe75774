import { toTimeText } from '@sluice/event-sourcing';
import { DEVICE, IdTexts, timeOf } from './device-table.ts';
import { flagsIn } from './device-flags.ts';
import { ENTRY, rawStates, timeIn, TRIAL_FLAGS } from './entry-table.ts';
import { type FleetShard } from './fleet-shard.ts';
import { NOWHERE, pairsOf } from './records.ts';
import { type ShardNoted } from './shard-notes.ts';
import { CLOCK, statusAtOf } from './status-clock.ts';

/** A copy of a shard's state that can be sent to another thread. */
export interface ShardSnapshot {
  readonly facts: number;
  readonly devices: Uint32Array;
  readonly entries: Uint32Array;
  /** Device and flags of those that have any. */
  readonly flags: Uint32Array;
  /** Device and time of the last retirement of those that were ever retired, in the order of the devices. */
  readonly retired: Float64Array;
  /** Device and hours between two statuses of those that do not report daily, in the order of the devices. */
  readonly rhythms: Float64Array;
  /** Failed installs and removals, and the codes that devices gave for them. */
  readonly troubles: Uint32Array;
  readonly failureCodes: readonly string[];
  readonly notes: readonly ShardNoted[];
  readonly ids: Uint8Array;
  readonly profiles: readonly string[];
  readonly patches: readonly string[];
}

/** Where two states part, and what each of them says there. */
export interface ShardDifference {
  readonly where: string;
  readonly left: string;
  readonly right: string;
}

export function snapshotOf(shard: FleetShard): ShardSnapshot {
  return {
    facts: shard.facts,
    devices: shard.devices.records.copy(),
    entries: shard.entries.records.copy(),
    flags: shard.flags.copy(),
    retired: pairsOf(shard.retired),
    rhythms: pairsOf(shard.statuses.rhythms),
    troubles: shard.troubles.records.copy(),
    failureCodes: [...shard.troubles.codes.texts],
    notes: shard.notes.copy(),
    ids: shard.devices.ids.copy(),
    profiles: [...shard.profiles.lines.texts],
    patches: [...shard.patches.allIds],
  };
}

/**
 * The first difference between two folds of the same commits in the same order, undefined when there is none.
 * What the health buckets have taken is not compared: it depends on when they closed.
 */
export function firstDifference(left: ShardSnapshot, right: ShardSnapshot): ShardDifference | undefined {
  if (isSame(left, right)) return undefined;
  const devices = left.devices.length / DEVICE.words;
  const totals = [
    ['facts', left.facts, right.facts],
    ['notes', JSON.stringify(left.notes), JSON.stringify(right.notes)],
    ['devices', devices, right.devices.length / DEVICE.words],
  ] as const;
  for (const [where, one, other] of totals) {
    if (one !== other) return { where, left: String(one), right: String(other) };
  }
  const [leftIds, rightIds] = [new IdTexts(left.ids), new IdTexts(right.ids)];
  for (let device = 0; device < devices; device += 1) {
    const difference = differenceOfDevice(describe(left, leftIds, device), describe(right, rightIds, device));
    if (difference !== undefined) return difference;
  }
  return undefined;
}

/** What depends on when health buckets closed is left out, in each word of a device and of an entry. */
const COMPARED_OF_DEVICE = Array.from({ length: DEVICE.words }, (_, word) =>
  word === DEVICE.status ? ~CLOCK.counted : ~0,
);
const COMPARED = Array.from({ length: ENTRY.words }, (_, word) =>
  word === ENTRY.atHigh ? ENTRY.atHighMask : word === ENTRY.bits ? ~TRIAL_FLAGS : ~0,
);

// Word for word, which takes milliseconds for a million devices; only where that fails is a difference worth its words.
function isSame(left: ShardSnapshot, right: ShardSnapshot): boolean {
  return (
    left.facts === right.facts &&
    left.devices.length === right.devices.length &&
    left.entries.length === right.entries.length &&
    left.flags.join() === right.flags.join() &&
    left.retired.join() === right.retired.join() &&
    left.rhythms.join() === right.rhythms.join() &&
    left.troubles.join() === right.troubles.join() &&
    left.failureCodes.join() === right.failureCodes.join() &&
    JSON.stringify(left.notes) === JSON.stringify(right.notes) &&
    left.profiles.join('\n') === right.profiles.join('\n') &&
    left.patches.join('\n') === right.patches.join('\n') &&
    left.ids.length === right.ids.length &&
    left.ids.every((byte, index) => byte === right.ids[index]) &&
    left.devices.every((word, index) =>
      isAlike(word, right.devices[index], COMPARED_OF_DEVICE[index % DEVICE.words]),
    ) &&
    left.entries.every((word, index) => isAlike(word, right.entries[index], COMPARED[index % ENTRY.words]))
  );
}

function isAlike(word: number, other = 0, compared = 0): boolean {
  return (word & compared) === (other & compared);
}

function differenceOfDevice(left: Map<string, string>, right: Map<string, string>): ShardDifference | undefined {
  const device = left.get('deviceId') ?? '';
  for (const field of new Set([...left.keys(), ...right.keys()])) {
    const [one, other] = [left.get(field) ?? 'absent', right.get(field) ?? 'absent'];
    if (one !== other) return { where: `device ${device}: ${field}`, left: one, right: other };
  }
  return undefined;
}

/** Everything that the state says of a device, in words. */
function describe(snapshot: ShardSnapshot, ids: IdTexts, device: number): Map<string, string> {
  const base = device * DEVICE.words;
  const words = snapshot.devices;
  const word = (offset: number) => words[base + offset] ?? 0;
  const profile = (index: number) => (snapshot.profiles[index] ?? '').replaceAll('\u001f', ' ').trim();
  const profileWord = word(DEVICE.profile);
  const fields = new Map([
    ['deviceId', ids.read(word(DEVICE.id))],
    ['key', words.slice(base, base + 4).join(' ')],
    ['profile', profile(profileWord & DEVICE.profileMask)],
    ['profileAt', timeText(timeOf(word(DEVICE.profileAtLow), word(DEVICE.status)))],
    ['lastReportAt', timeText(timeOf(word(DEVICE.lastReportLow), profileWord))],
    ['statusAt', timeText(statusAtOf(word(DEVICE.status)))],
    ['statusIsOnTime', String((word(DEVICE.status) & CLOCK.onTime) !== 0)],
    ['statusEveryHours', String(foundIn(snapshot.rhythms, device) ?? 'not said')],
    ['flags', flagsIn(snapshot.flags, device)],
    ['retiredAt', timeText(foundIn(snapshot.retired, device))],
    ['counted', String((profileWord & DEVICE.counted) !== 0)],
    ['restartPending', String((profileWord & DEVICE.restartPending) !== 0)],
  ]);
  for (let entry = word(DEVICE.firstEntry); entry !== NOWHERE;) {
    const start = entry * ENTRY.words;
    const bits = snapshot.entries[start + ENTRY.bits] ?? 0;
    const at = timeText(
      timeIn(snapshot.entries[start + ENTRY.atLow] ?? 0, snapshot.entries[start + ENTRY.atHigh] ?? 0),
    );
    const state = rawStates[(bits >>> ENTRY.rawShift) & ENTRY.rawMask] ?? 'unknown';
    const shown = (bits >>> ENTRY.shownShift) & ENTRY.shownMask;
    const recalled = (bits >>> ENTRY.recalledShift) & ENTRY.recalledMask;
    fields.set(
      snapshot.patches[bits & ENTRY.patchMask] ?? '',
      `${state} at ${at}, counted as ${String(shown)}, in its recall as ${String(recalled)}`,
    );
    entry = snapshot.entries[start + ENTRY.next] ?? NOWHERE;
  }
  return fields;
}

function foundIn(pairs: Float64Array, device: number): number | undefined {
  for (let index = 0; index < pairs.length; index += 2) if (pairs[index] === device) return pairs[index + 1];
  return undefined;
}

function timeText(ms: number | undefined): string {
  return ms === undefined || !Number.isFinite(ms) ? 'never' : toTimeText(ms);
}
