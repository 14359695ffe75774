import { DEVICE, DeviceTable } from './device-table.ts';
import { DeviceFlags } from './device-flags.ts';
import { CLEARED, EntryTable, FIRST_PATCH, type PatchState, rawStates, RETIRED } from './entry-table.ts';
import { kindCodes, parseProfile, parseTarget, type Profile } from './facts.ts';
import { InstallTrials, type PendingCell, type TrialCell } from './install-trials.ts';
import { type PackedFacts, PackedFactsError } from './packed-facts.ts';
import { CLOCK_AHEAD, HAS_ID, KEY_BYTES, KIND_MASK } from './packed-layout.ts';
import { PatchCounts, type PatchTally, SHOWN } from './patch-counts.ts';
import { NOWHERE, TextTable } from './records.ts';
import { type ShardImage } from './shard-image.ts';

const KIND = kindCodes;
/** A report of longer before what was last heard of its device is told by a clock that is wrong. */
const BEHIND_MS_MAX = 24 * 3_600_000;

const RAW = { started: 0, installed: 1, failed: 2, rolledBack: 3 } as const;

/**
 * The compact state of one shard: the fold over its packed commits. The order of arrival does not matter, the order of
 * occurrence does; what a device says with a clock that is wrong is ordered by our time of receipt: one ahead would pin a
 * state for ever, one behind would never be heard (design §3.6).
 */
export class FleetShard {
  readonly devices = new DeviceTable();
  readonly flags = new DeviceFlags();
  readonly entries = new EntryTable();
  readonly profileLines = new TextTable();
  /** By number; real patches begin at FIRST_PATCH. */
  readonly patches = new PatchCounts();
  readonly trials = new InstallTrials(this.entries);
  /** Per profile: the parsed line, the number of its build, and how many known devices look like this. */
  private readonly profiles: Profile[] = [];
  private readonly builds = new TextTable();
  private readonly buildOfProfile: number[] = [];
  private readonly knownOfProfile: number[] = [];
  private readonly soughtBytes = new Uint8Array(KEY_BYTES);
  private readonly soughtWords = new Uint32Array(this.soughtBytes.buffer);
  private factCount = 0;
  private knownCount = 0;

  constructor() {
    // Their numbers are CLEARED and RETIRED; no id of a patch looks like these.
    this.patches.indexOf('(cleared)');
    this.patches.indexOf('(retired)');
  }

  /** The state that an image was taken of. Throws PackedFactsError when a profile is not readable. */
  static restore(image: Omit<ShardImage, 'reports'>): FleetShard {
    const shard = new FleetShard();
    for (const line of image.profiles) shard.profileOf(line);
    for (const patchId of image.patches) shard.patches.indexOf(patchId);
    shard.devices.restore(image.devices, image.ids);
    shard.entries.records.restore(image.entries);
    shard.flags.restore(image.flags);
    shard.factCount = image.facts;
    for (let device = 0; device < shard.devices.count; device += 1) {
      const counted = shard.word(device, DEVICE.countedProfile);
      if (counted !== 0) shard.countKnown(counted - 1, 1);
    }
    for (let entry = 0; entry < shard.entries.records.count; entry += 1) {
      const shown = shard.entries.shown(entry);
      if (shown !== 0) shard.patches.move(shard.entries.patch(entry), 0, shown);
    }
    shard.patches.restoreTallies(image.tallies);
    shard.trials.restore(image);
    return shard;
  }

  get facts(): number {
    return this.factCount;
  }

  get knownDevices(): number {
    return this.knownCount;
  }

  /** Folds one commit into the state. Throws PackedFactsError, before anything changed, when a profile is not readable. */
  apply(facts: PackedFacts): void {
    const profiles = facts.profileLines.map((line) => this.profileOf(line));
    const patches = facts.targetLines.map((line) => this.patches.indexOf(parseTarget(line).patchId));
    const { count, keys, heads, ids, occurredAt, receivedAt } = facts;
    let idAt = 0;
    for (let index = 0; index < count; index += 1) {
      const device = this.devices.findOrAdd(keys, index * 4);
      const head = heads[index] ?? 0;
      if ((head & HAS_ID) !== 0) {
        this.devices.name(device, ids, idAt);
        idAt += 1 + (ids[idAt] ?? 0);
      }
      const received = receivedAt[index] ?? 0;
      const occurred = Math.min(occurredAt[index] ?? 0, received);
      const kind = head & KIND_MASK;
      if (kind === KIND.DeviceRetired) {
        this.mark(device, RETIRED, occurred);
        this.recount(device);
        continue;
      }
      const isBehind = this.isBehind(device, occurred, received);
      this.flags.clock(device, isBehind ? 'clock-behind' : (head & CLOCK_AHEAD) !== 0 ? 'clock-ahead' : undefined);
      const when = isBehind ? received : occurred;
      const profile = profiles[facts.profiles[index] ?? 0] ?? 0;
      if (this.isOfAnotherModel(device, profile)) this.flags.usedTwice(device);
      const observed = this.observe(device, profile, when, received);
      const target = patches[facts.targets[index] ?? 0];
      const announced = target !== undefined && this.tell(device, kind, target, { profile, when, received });
      if (observed || announced) this.recount(device);
    }
    this.factCount += count;
  }

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

  /** The id of a device by its key of four words, undefined when its text has not come. */
  idOf(words: Uint32Array): string | undefined {
    const device = this.devices.find(words, 0);
    return device === NOWHERE ? undefined : this.devices.idOf(device) || undefined;
  }

  /** Known devices per profile; profiles that nobody has any more come with 0. */
  populations(): { profile: Profile; devices: number }[] {
    return this.profiles.map((profile, index) => ({ profile, devices: this.knownOfProfile[index] ?? 0 }));
  }

  /** Per patch, how many of its holders were not heard of since an instant. */
  holdersSilentSince(since: number): Map<number, number> {
    const counts = new Map<number, number>();
    for (let device = 0; device < this.devices.count; device += 1) {
      if (this.lastReportAt(device) >= since) continue;
      let entry = this.word(device, DEVICE.firstEntry);
      for (; entry !== NOWHERE; entry = this.entries.next(entry)) {
        if (this.entries.shown(entry) !== SHOWN.installed) continue;
        const patch = this.entries.patch(entry);
        counts.set(patch, (counts.get(patch) ?? 0) + 1);
      }
    }
    return counts;
  }

  /** What happened since the last time, as health buckets count it; outcomes received up to then count without a start. */
  drainHealth(receivedUntil: number): {
    trials: readonly TrialCell[];
    pending: readonly PendingCell[];
    tallies: ReadonlyMap<number, PatchTally>;
  } {
    const trials = this.trials.drain(receivedUntil);
    return { trials, pending: this.trials.pending(), tallies: this.patches.drainTallies() };
  }

  profile(index: number): Profile | undefined {
    return this.profiles[index];
  }

  /** What the device looks like, undefined before its first report. */
  profileOfDevice(device: number): Profile | undefined {
    return this.lastReportAt(device) === -Infinity ? undefined : this.profiles[this.word(device, DEVICE.profile)];
  }

  /** When the device was last heard of, −∞ if it never reported. */
  lastReportAt(device: number): number {
    return this.devices.records.float(device, DEVICE.lastReportFloat);
  }

  /** When the device was last retired, −∞ if never. */
  retiredAt(device: number): number {
    return this.markedAt(this.word(device, DEVICE.firstEntry), RETIRED);
  }

  /** Known: what it last reported is later than its retirement. */
  isKnown(device: number): boolean {
    return this.profileAt(device) > this.retiredAt(device);
  }

  /** When what the profile says held, −∞ if the device never reported. */
  profileAt(device: number): number {
    return this.devices.records.float(device, DEVICE.profileAtFloat);
  }

  /** When the patches of the device were last cleared by a removal, −∞ if never. */
  clearedAt(device: number): number {
    return this.markedAt(this.word(device, DEVICE.firstEntry), CLEARED);
  }

  /** The entries of a device as shown: the number of the patch, the code of the state, and since when. */
  *shownEntries(device: number): Iterable<{ patch: number; state: PatchState; at: number }> {
    const first = this.word(device, DEVICE.firstEntry);
    const clearedAt = this.markedAt(first, CLEARED);
    for (let entry = first; entry !== NOWHERE; entry = this.entries.next(entry)) {
      const patch = this.entries.patch(entry);
      if (patch < FIRST_PATCH) continue;
      const state = this.stateOf(device, entry, clearedAt);
      const wasCleared = state === 'rolledBack' && this.entries.raw(entry) !== RAW.rolledBack;
      yield { patch, state, at: wasCleared ? clearedAt : this.entries.at(entry) };
    }
  }

  private isBehind(device: number, occurred: number, received: number): boolean {
    const lastReportAt = this.lastReportAt(device);
    return occurred < (lastReportAt === -Infinity ? received : lastReportAt) - BEHIND_MS_MAX;
  }

  private isOfAnotherModel(device: number, profile: number): boolean {
    const before = this.word(device, DEVICE.profile);
    if (before === profile || this.lastReportAt(device) === -Infinity) return false;
    return this.profiles[before]?.model !== this.profiles[profile]?.model;
  }

  /** Takes over what a report says of the device itself. True when its counts may have changed. */
  private observe(device: number, profile: number, when: number, received: number): boolean {
    const words = this.devices.records.wordsOf(device);
    const floats = this.devices.records.floatsOf(device);
    const base = this.devices.records.offsetOf(device);
    if (received > (floats[base / 2 + DEVICE.lastReportFloat] ?? 0))
      floats[base / 2 + DEVICE.lastReportFloat] = received;
    if (when < (floats[base / 2 + DEVICE.profileAtFloat] ?? 0)) return false;
    floats[base / 2 + DEVICE.profileAtFloat] = when;
    words[base + DEVICE.profile] = profile;
    return words[base + DEVICE.countedProfile] !== profile + 1;
  }

  /** Takes over what a report says of a patch. True when a state may have changed. */
  private tell(
    device: number,
    kind: number,
    patch: number,
    { profile, when, received }: { profile: number; when: number; received: number },
  ): boolean {
    if (kind === KIND.PatchRemoveFailed) this.patches.countFailedRemoval(patch);
    if (kind === KIND.PatchRemoveFailed || kind === KIND.IncidentReported || kind === KIND.DeviceObserved) return false;
    const entry = this.entryOf(device, patch);
    switch (kind) {
      case KIND.InstallStarted:
        this.entries.write(entry, RAW.started, when, profile);
        this.trials.started(entry, profile);
        break;
      case KIND.PatchInstalled:
        this.entries.write(entry, RAW.installed, when, profile);
        this.trials.wentWell(entry, profile);
        break;
      case KIND.PatchInstallFailed:
        this.entries.write(entry, RAW.failed, when, profile);
        this.trials.failed(entry, profile, received);
        break;
      case KIND.PatchRolledBack:
        this.entries.write(entry, RAW.rolledBack, when, profile);
        this.mark(device, CLEARED, when);
    }
    return true;
  }

  private mark(device: number, mark: number, when: number): void {
    this.entries.write(this.entryOf(device, mark), 0, when, 0);
  }

  private markedAt(first: number, mark: number): number {
    const entry = this.entries.find(first, mark);
    return entry === NOWHERE ? -Infinity : this.entries.at(entry);
  }

  private entryOf(device: number, patch: number): number {
    const first = this.word(device, DEVICE.firstEntry);
    const found = this.entries.find(first, patch);
    if (found !== NOWHERE) return found;
    const entry = this.entries.add(first, patch);
    this.devices.records.setWord(device, DEVICE.firstEntry, entry);
    return entry;
  }

  /** Brings the counters in line with a device that may have changed. */
  private recount(device: number): void {
    const known = this.isKnown(device);
    const profile = this.word(device, DEVICE.profile);
    const counted = this.word(device, DEVICE.countedProfile);
    const now = known ? profile + 1 : 0;
    if (counted !== now) {
      if (counted !== 0) this.countKnown(counted - 1, -1);
      if (now !== 0) this.countKnown(profile, 1);
      this.devices.records.setWord(device, DEVICE.countedProfile, now);
    }
    const first = this.word(device, DEVICE.firstEntry);
    if (first === NOWHERE) return;
    const clearedAt = this.markedAt(first, CLEARED);
    for (let entry = first; entry !== NOWHERE; entry = this.entries.next(entry)) {
      if (this.entries.patch(entry) < FIRST_PATCH) continue;
      this.recountEntry(entry, known ? SHOWN[this.stateOf(device, entry, clearedAt)] : 0);
    }
  }

  private recountEntry(entry: number, shown: number): void {
    const before = this.entries.shown(entry);
    if (before === shown) return;
    this.patches.move(this.entries.patch(entry), before, shown);
    this.entries.setShown(entry, shown);
  }

  private stateOf(device: number, entry: number, clearedAt: number): PatchState {
    const raw = this.entries.raw(entry);
    if (raw === RAW.failed || raw === RAW.rolledBack) return rawStates[raw];
    if (this.entries.at(entry) <= clearedAt) return 'rolledBack';
    if (raw === RAW.started) return 'started';
    const build = this.buildOfProfile[this.word(device, DEVICE.profile)];
    return build === this.buildOfProfile[this.entries.profile(entry)] ? 'installed' : 'replaced';
  }

  private countKnown(profile: number, change: number): void {
    this.knownOfProfile[profile] = (this.knownOfProfile[profile] ?? 0) + change;
    this.knownCount += change;
  }

  private profileOf(line: string): number {
    const known = this.profileLines.find(line);
    if (known !== undefined) return known;
    const profile = parseProfile(line);
    if (profile === undefined) throw new PackedFactsError('a profile is not readable');
    this.profiles.push(profile);
    this.buildOfProfile.push(this.builds.indexOf(profile.osBuild));
    this.knownOfProfile.push(0);
    return this.profileLines.indexOf(line);
  }

  private word(device: number, word: number): number {
    return this.devices.records.word(device, word);
  }
}
