import { holds, type HeldBy } from '@sluice/domain-cohorts';
import { DEVICE, DeviceTable } from './device-table.ts';
import { DeviceFlags } from './device-flags.ts';
import { EntryTable, type PatchState, RAW } from './entry-table.ts';
import { type Profile, type RemovalCause } from './facts.ts';
import { type HarmCell, HarmCounts, harmSignalOf, wavesOf } from './harm-counts.ts';
import { QUARTER_MS } from './install-trials.ts';
import { InstallTroubles, type Trouble } from './install-troubles.ts';
import { KEY_BYTES } from './packed-layout.ts';
import { PatchCounts } from './patch-counts.ts';
import { ProfileTable } from './profile-table.ts';
import { NOWHERE } from './records.ts';
import { ShardNotes } from './shard-notes.ts';
import { StatusClocks } from './status-clock.ts';

/** A report of longer before what was last heard of its device is told by a clock that is wrong. */
const BEHIND_MS_MAX = 24 * 3_600_000;

/** A device reports its status so soon after an install or a removal because of it. */
const INSTALL_STATUS_MS = 3_600_000;

/** A device that installs or restarts when its status is due may not send it, so near to the last word on the install. */
const INSTALL_MS = 2 * INSTALL_STATUS_MS;

/** One patch on a device, as it is shown. */
export interface ShownPatch extends Trouble {
  /** The number of the patch. */
  readonly patch: number;
  readonly state: PatchState;
  /** Of a holder, when it last showed its build; else when the device last said so, or was last seen to run the patch. */
  readonly at: number;
  /** Why it counts as a holder; undefined when it is none. */
  readonly by: HeldBy | undefined;
  /** Of one that went back to the base, why, where the device said so. */
  readonly cause: RemovalCause | undefined;
}

/** What is known of the devices of one shard, and what it comes to: who holds which patch is told by the build that a device shows. */
export class ShardState {
  readonly devices = new DeviceTable();
  readonly flags = new DeviceFlags();
  /** When devices were last retired; few are. */
  readonly retired = new Map<number, number>();
  readonly entries = new EntryTable();
  readonly notes = new ShardNotes();
  readonly patches = new PatchCounts();
  readonly profiles = new ProfileTable(this.notes, (patchId) => this.patches.indexOf(patchId) ?? NOWHERE);
  readonly troubles = new InstallTroubles();
  readonly statuses = new StatusClocks(this.devices);
  readonly harm = new HarmCounts();
  private readonly soughtBytes = new Uint8Array(KEY_BYTES);
  private readonly soughtWords = new Uint32Array(this.soughtBytes.buffer);

  /** The number of the device with this key (one byte a character, the first 16 count), undefined when nothing was heard of it. */
  find(key: string): number | undefined {
    // To be compared as words, the key has to be laid down as the table has it.
    for (let byte = 0; byte < KEY_BYTES; byte += 1) this.soughtBytes[byte] = key.charCodeAt(byte);
    const found = this.devices.find(this.soughtWords, 0);
    return found === NOWHERE ? undefined : found;
  }

  /** True when the id of the device need not be told again. */
  hasIdOf(key: string): boolean {
    const device = this.find(key);
    return device !== undefined && this.devices.hasId(device);
  }

  /** False where a device that looks like this would be one of too many kinds of devices. */
  hasRoomFor(profile: Profile): boolean {
    return this.profiles.hasRoomFor(profile);
  }

  /** The id of a device by its key of four words, undefined when its text has not come. */
  idOf(words: Uint32Array): string | undefined {
    const device = this.devices.find(words, 0);
    return device === NOWHERE ? undefined : this.devices.idOf(device) || undefined;
  }

  /** What the device looks like, undefined before its first report. */
  profileOfDevice(device: number): Profile | undefined {
    return this.lastReportAt(device) === -Infinity ? undefined : this.profiles.at(this.devices.profile(device));
  }

  /** The base that a profile stands on. */
  baseOf({ platform, osBuild }: Pick<Profile, 'platform' | 'osBuild'>): string {
    return this.notes.baseOf(platform, osBuild);
  }

  /** When the device was last heard of, −∞ if it never reported. */
  lastReportAt(device: number): number {
    return this.devices.lastReportAt(device);
  }

  /** When the device was last retired, −∞ if never. */
  retiredAt(device: number): number {
    return this.retired.get(device) ?? -Infinity;
  }

  /** Known: what it last reported is later than its retirement. */
  isKnown(device: number): boolean {
    return this.profileAt(device) > this.retiredAt(device);
  }

  /** When what the profile says held, −∞ if the device never reported. */
  profileAt(device: number): number {
    return this.devices.profileAt(device);
  }

  /** Known devices by the number of their profile, of those that were heard of since an instant. */
  awakeByProfile(sinceMs: number): Uint32Array {
    const awake = new Uint32Array(this.profiles.lines.texts.length);
    for (let device = 0; device < this.devices.count; device += 1) {
      if (!this.devices.is(device, DEVICE.counted) || this.lastReportAt(device) < sinceMs) continue;
      const profile = this.devices.profile(device);
      awake[profile] = (awake[profile] ?? 0) + 1;
    }
    return awake;
  }

  /** Takes an incident of a device, whatever it says of a patch, into what is counted for rollouts that could reach it. */
  protected harmed(incident: Omit<HarmCell, 'rolloutId' | 'signal'>, said: string | undefined): void {
    const signal = harmSignalOf(said);
    if (signal !== undefined) this.countHarm({ ...incident, signal });
  }

  /**
   * Takes the silence of a device that began until then into what is counted. Looked at before anything of the device changes and
   * at the end of each bucket, so that it does not matter how many buckets there were.
   */
  protected fellSilent(device: number, untilMs: number): void {
    if (this.harm.isIdle || this.statuses.isCounted(device)) return;
    const when = this.statuses.silentFrom(device);
    if (when === Infinity || when > untilMs || !this.devices.is(device, DEVICE.counted)) return;
    this.statuses.setCounted(device);
    if (this.isNearInstall(device, this.statuses.missedAt(device), INSTALL_MS))
      return this.harm.leaveOut(device, 'silent');
    const profile = this.devices.profile(device);
    // It is received when it happens: nobody tells it later.
    this.countHarm({ device, profile, signal: 'silent', when, received: when });
  }

  /** A device counts where it was last on a base of the patch: devices with the patch may go on to a full release later than others. */
  private countHarm(incident: Omit<HarmCell, 'rolloutId'>): void {
    const { device, profile } = incident;
    const isDrawn = (rolloutId: string) =>
      this.isWithinReach(profile, rolloutId) && !this.heldBefore(device, rolloutId);
    this.harm.count(incident, isDrawn);
    const last = this.harm.lastOnBase.get(device);
    if (last === undefined) return;
    const isOnlyBefore = (rolloutId: string) =>
      !this.isWithinReach(profile, rolloutId) &&
      this.isWithinReach(last, rolloutId) &&
      !this.heldBefore(device, rolloutId);
    this.harm.count({ ...incident, profile: last }, isOnlyBefore);
  }

  /** Keeps on which base a device was, where it leaves that of a rollout for which harm is counted. */
  protected keepBase(device: number, before: number, profile: number): void {
    if (this.harm.isIdle) return;
    const [from, to] = [this.profiles.at(before), this.profiles.at(profile)];
    if (from === undefined || to === undefined || this.baseOf(from) === this.baseOf(to)) return;
    const isWithin = (each: number) => this.harm.isAny((rolloutId) => this.isWithinReach(each, rolloutId));
    if (isWithin(profile)) this.harm.lastOnBase.delete(device);
    else if (isWithin(before)) this.harm.lastOnBase.set(device, before);
  }

  /** Takes a status of a device into the clock of its silence. */
  protected windClock(device: number, atMs: number, everyHours: number | undefined): void {
    const byInstall = this.isNearInstall(device, atMs, INSTALL_STATUS_MS);
    if (this.statuses.wind(device, atMs, { everyHours, byInstall })) this.harm.leaveOut(device, 'silent');
  }

  /** Whether a status then may have been brought about by an install or a removal, or kept from being sent. */
  private isNearInstall(device: number, atMs: number, withinMs: number): boolean {
    let entry = this.word(device, DEVICE.firstEntry);
    for (; entry !== NOWHERE; entry = this.entries.next(entry))
      if (Math.abs(atMs - this.entries.at(entry)) <= withinMs) return true;
    return false;
  }

  /** Whether a rollout for which harm is counted could reach devices of a profile, other than as members of a ring. */
  private isWithinReach(profile: number, rolloutId: string): boolean {
    const [rollout, looks] = [this.notes.rolloutOf(rolloutId), this.profiles.at(profile)];
    if (rollout === undefined || looks === undefined) return false;
    const base = this.baseOf(looks);
    return this.notes.isBaseOf(rollout.note.patchId, looks.platform, base) && wavesOf(rollout, looks, base) !== 0;
  }

  /** Whether the device had the patch of a rollout before that one started: then its bucket did not decide that it has it. */
  private heldBefore(device: number, rolloutId: string): boolean {
    const note = this.notes.rolloutOf(rolloutId)?.note;
    const startedAtMs = Date.parse(note?.startedAt ?? '');
    let entry = this.word(device, DEVICE.firstEntry);
    for (; entry !== NOWHERE; entry = this.entries.next(entry)) {
      if (this.patches.idOf(this.entries.patch(entry)) !== note?.patchId) continue;
      // The clock of the device may be behind; when its trial began is by that of telemetry.
      const sinceMs = Math.max(this.entries.at(entry), (this.entries.quarter(entry) + 1) * QUARTER_MS);
      return this.heldBy(device, entry) !== undefined && sinceMs < startedAtMs;
    }
    return false;
  }

  /** The patches of a device as shown. */
  *shownPatches(device: number): Iterable<ShownPatch> {
    let entry = this.word(device, DEVICE.firstEntry);
    for (; entry !== NOWHERE; entry = this.entries.next(entry)) {
      const by = this.heldBy(device, entry);
      const state = this.stateOf(device, entry, by);
      if (state === undefined) continue;
      yield {
        patch: this.entries.patch(entry),
        state,
        at: by === undefined ? this.entries.at(entry) : this.profileAt(device),
        by,
        cause: this.entries.raw(entry) === RAW.rolledBack ? this.entries.cause(entry) : undefined,
        ...this.troubles.of(entry),
      };
    }
  }

  protected heldBy(device: number, entry: number): HeldBy | undefined {
    const profile = this.devices.profile(device);
    const runs = this.profiles.runs(profile);
    const patch = this.entries.patch(entry);
    const onBase = runs === NOWHERE && this.profiles.isBaseOf(profile, patch);
    // What a device says counts until it shows a build again.
    const saysSo =
      onBase && this.entries.raw(entry) === RAW.installed && this.entries.at(entry) >= this.profileAt(device);
    return holds(runs === patch ? 'its-build' : onBase ? 'base' : 'another', saysSo);
  }

  /** Undefined while the device only failed to remove it. */
  protected stateOf(device: number, entry: number, by: HeldBy | undefined): PatchState | undefined {
    if (by !== undefined) return 'installed';
    if (this.entries.at(entry) === -Infinity) return undefined;
    const patch = this.entries.patch(entry);
    switch (this.entries.raw(entry)) {
      case RAW.started:
        return 'started';
      case RAW.failed:
        return 'failed';
      case RAW.rolledBack:
        return 'rolledBack';
      case RAW.installed:
        // Of a patch whose builds are not known there is nothing but its word.
        if (!this.notes.knows(this.patches.idOf(patch))) return 'installed';
    }
    return this.profiles.isBaseOf(this.devices.profile(device), patch) ? 'rolledBack' : 'replaced';
  }

  protected word(device: number, word: number): number {
    return this.devices.records.word(device, word);
  }

  protected isBehind(device: number, occurred: number, received: number): boolean {
    const lastReportAt = this.lastReportAt(device);
    return occurred < (lastReportAt === -Infinity ? received : lastReportAt) - BEHIND_MS_MAX;
  }

  protected isOfAnotherModel(device: number, profile: number): boolean {
    const before = this.devices.profile(device);
    if (before === profile || this.lastReportAt(device) === -Infinity) return false;
    return this.profiles.at(before)?.model !== this.profiles.at(profile)?.model;
  }

  /** The entries of patches whose base the device has left for a build that is not theirs: a full release, as a rule. */
  protected *leftBehind(device: number, before: number, profile: number): Iterable<number> {
    let entry = this.word(device, DEVICE.firstEntry);
    for (; entry !== NOWHERE; entry = this.entries.next(entry)) {
      const patch = this.entries.patch(entry);
      const isOn = this.profiles.runs(profile) === patch || this.profiles.isBaseOf(profile, patch);
      if (!isOn && this.profiles.isBaseOf(before, patch)) yield entry;
    }
  }

  /** False when it is the build of no patch. */
  protected ran(device: number, patch: number, when: number): boolean {
    if (patch === NOWHERE) return false;
    this.entries.write(this.entryOf(device, patch), RAW.ran, when);
    return true;
  }

  protected entryOf(device: number, patch: number): number {
    const first = this.word(device, DEVICE.firstEntry);
    const found = this.entries.find(first, patch);
    if (found !== NOWHERE) return found;
    const entry = this.entries.add(first, patch);
    this.devices.records.setWord(device, DEVICE.firstEntry, entry);
    return entry;
  }
}
