import { isInfrastructure, type RecallCount, TRIAL_HOURS } from '@sluice/domain-cohorts';
import { DEVICE, keepLastReport, keepTime, timeOf } from './device-table.ts';
import { type PatchState, RAW } from './entry-table.ts';
import { type FailureDetails, kindCodes, parseTarget, removalCauses } from './facts.ts';
import { InstallTrials, type TrialDeadlines } from './install-trials.ts';
import { type PackedFacts, readDetails } from './packed-facts.ts';
import { CLOCK_AHEAD, causeOf, HAS_ID, kindOf } from './packed-layout.ts';
import { SHOWN } from './patch-counts.ts';
import { HOLDING, isFreed, placeOf, RecallSet, wentBack } from './recall-sets.ts';
import { RemovalMarks } from './removal-marks.ts';
import { NOWHERE, restorePairs } from './records.ts';
import { type ShardImage } from './shard-image.ts';
import { type ShardNoted } from './shard-notes.ts';
import { ShardState } from './shard-state.ts';

const KIND = kindCodes;
const BOOT_FAILURE = 'boot-failure';
/** What befalls a device later after the last word on its install is no failure of it (design §2). */
export const TRIAL_MS = TRIAL_HOURS * 3_600_000;

/** What a fact says of a patch, beside who and what. Times are ms since 1970. */
interface Word {
  readonly profile: number;
  readonly when: number;
  readonly received: number;
  /** The bits of the fact. */
  readonly head: number;
  readonly details: FailureDetails | undefined;
}

/**
 * The compact state of one shard: the fold over its commits. The order of arrival does not matter, the order of
 * occurrence does; what a device says with a clock that is wrong is ordered by our time of receipt: one ahead would pin a
 * state for ever, one behind would never be heard (design §3.6). Who holds a patch is told by the build that a device shows.
 */
export class FleetShard extends ShardState {
  readonly trials = new InstallTrials(this.entries);
  readonly removalMarks = new RemovalMarks(this.entries);
  /** The trials of the removals of recalled patches; a device is one of them once it is known to have begun. */
  readonly removals = new InstallTrials(this.removalMarks, true);
  /** By the number of the patch. */
  private readonly recalls = new Map<number, RecallSet>();
  private factCount = 0;
  private knownCount = 0;

  /** The state that an image was taken of. Throws PackedFactsError when a profile is not readable. */
  static restore(image: Omit<ShardImage, 'reports'>): FleetShard {
    const shard = new FleetShard();
    for (const patchId of image.patches) shard.patches.indexOf(patchId);
    for (const note of image.notes) {
      shard.notes.add(note);
      if (note.about === 'rollout') shard.harm.watch(note);
    }
    for (const line of image.profiles) shard.profiles.indexOf(line);
    shard.devices.restore(image.devices, image.ids);
    shard.entries.records.restore(image.entries);
    shard.flags.restore(image.flags);
    restorePairs(shard.retired, image.retired);
    shard.troubles.restore(image.troubles, image.failureCodes);
    restorePairs(shard.statuses.rhythms, image.rhythms);
    shard.factCount = image.facts;
    for (const { patchId, about } of image.notes)
      if (about === 'pull' && shard.notes.pullOf(patchId)?.mode === 'recall') shard.recallOf(patchId);
    for (let device = 0; device < shard.devices.count; device += 1) shard.countRestored(device);
    shard.patches.restoreTallies(image.tallies);
    shard.trials.restore(image);
    shard.harm.restore(image);
    shard.removalMarks.records.restore(image.removalMarks);
    shard.removals.restore(image.removals);
    return shard;
  }

  get facts(): number {
    return this.factCount;
  }

  get knownDevices(): number {
    return this.knownCount;
  }

  /** Folds one commit of facts into the state. Throws PackedFactsError, before anything changed, when a part is not readable. */
  apply(facts: PackedFacts): void {
    const profiles = facts.profileLines.map((line) => this.profiles.indexOf(line));
    const patches = facts.targetLines.map((line) => this.patches.indexOf(parseTarget(line).patchId));
    const details = readDetails(facts);
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
      this.fellSilent(device, received);
      if (kindOf(head) === KIND.DeviceRetired) {
        this.retired.set(device, Math.max(occurred, this.retiredAt(device)));
        this.recount(device);
        continue;
      }
      const isBehind = this.isBehind(device, occurred, received);
      this.flags.clock(device, isBehind ? 'clock-behind' : (head & CLOCK_AHEAD) !== 0 ? 'clock-ahead' : undefined);
      const when = isBehind ? received : occurred;
      const profile = profiles[facts.profiles[index] ?? 0] ?? 0;
      if (this.isOfAnotherModel(device, profile)) this.flags.usedTwice(device);
      const observed = this.observe(device, profile, when, received);
      const patch = patches[facts.targets[index] ?? 0];
      if (kindOf(head) === KIND.IncidentReported && !this.harm.isIdle)
        this.harmed({ device, profile, when, received }, details.get(index)?.signal);
      const announced =
        patch !== undefined &&
        this.record(device, patch, { profile, when, received, head, details: details.get(index) });
      if (kindOf(head) === KIND.DeviceObserved) this.windClock(device, when, details.get(index)?.statusEveryHours);
      if (observed || announced) this.recount(device, received);
    }
    this.factCount += count;
  }

  /** Takes a note: from now on the devices are seen as it says. */
  note(note: ShardNoted): void {
    if (!this.notes.add(note)) return;
    if (note.about === 'rollout') {
      this.harm.watch(note);
      return this.statuses.countAnew();
    }
    if (note.about === 'rollout-end') return this.harm.end(note.rolloutId);
    const patch = this.patches.indexOf(note.patchId);
    if (patch === undefined) return;
    if (note.about === 'builds') {
      this.profiles.interpretAll();
      this.seeAnew(patch);
    } else if (note.mode === 'recall' && !this.recalls.has(patch)) {
      this.recallOf(note.patchId);
      this.seeAnew(patch);
    }
  }

  /**
   * How far the recall of a patch has come, undefined when none was noted. Silent since: a holder that was not heard of
   * since then is offline. Started since: an install that began before then is no longer in flight.
   */
  recallCount(patch: number, since: { readonly silent: number; readonly started: number }): RecallCount | undefined {
    const recall = this.recalls.get(patch);
    if (recall === undefined) return undefined;
    let [failing, offline] = [0, 0];
    recall.keepHolding((device) => {
      const entry = this.entries.find(this.word(device, DEVICE.firstEntry), patch);
      if (entry === NOWHERE || this.entries.recalled(entry) !== HOLDING) return false;
      if (this.troubles.hasFailedRemovals(entry)) failing += 1;
      else if (this.lastReportAt(device) < since.silent) offline += 1;
      return true;
    });
    recall.keepInFlight(
      (entry) => this.entries.shown(entry) === SHOWN.started && this.entries.at(entry) >= since.started,
    );
    return recall.count({ failing, offline });
  }

  /** What happened since the last time, as health buckets count it. */
  drainHealth(deadlines: TrialDeadlines) {
    for (let device = 0; !this.harm.isIdle && device < this.devices.count; device += 1)
      this.fellSilent(device, deadlines.to);
    const { trials, unreached } = this.trials.drain(deadlines);
    const [pending, tallies, harms] = [this.trials.pending(), this.patches.drainTallies(), this.harm.drain()];
    const removals = this.removals.drain(deadlines).trials;
    return { trials, removals, unreached, pending, tallies, harms };
  }

  /** Takes over what a report says of the device itself. True when its states may have changed. */
  private observe(device: number, profile: number, when: number, received: number): boolean {
    const { records } = this.devices;
    // Each fact meets another device, so its record is found once.
    const [words, base] = [records.wordsOf(device), records.offsetOf(device)];
    keepLastReport(words, base, received);
    const shownAt = timeOf(words[base + DEVICE.profileAtLow] ?? 0, words[base + DEVICE.status] ?? 0);
    if (when < shownAt) return this.ran(device, this.profiles.runs(profile), when);
    const word = words[base + DEVICE.profile] ?? 0;
    const before = word & DEVICE.profileMask;
    keepTime(words, base + DEVICE.profileAtLow, when);
    const isFirst = shownAt === -Infinity;
    if (!isFirst && before === profile) return (word & (DEVICE.counted | DEVICE.restartPending)) !== DEVICE.counted;
    words[base + DEVICE.profile] = (word & ~DEVICE.profileMask) | profile;
    if ((word & DEVICE.counted) !== 0) {
      this.profiles.count(before, -1);
      this.profiles.count(profile, 1);
    }
    const ranBefore = isFirst ? NOWHERE : this.profiles.runs(before);
    const runs = this.profiles.runs(profile);
    if (runs !== ranBefore) {
      // It ran its former patch until the last report before this one.
      this.ran(device, ranBefore, shownAt);
      this.ran(device, runs, when);
      // Its install went well, also when nobody said so. One that came with the patch has no install.
      if (!isFirst && this.profiles.isBaseOf(before, runs))
        this.trials.wentWell(this.entryOf(device, runs), profile, received);
    }
    if (isFirst) return true;
    this.keepBase(device, before, profile);
    // A trial is counted where it began.
    for (const entry of this.leftBehind(device, before, profile)) this.trials.movedOn(entry, before, received);
    return true;
  }

  /** Keeps the word of a device on a patch. True when a state may have changed. */
  private record(device: number, patch: number, { profile, when, received, head, details }: Word): boolean {
    const kind = kindOf(head);
    if (kind === KIND.DeviceObserved) return false;
    if (kind === KIND.IncidentReported && details?.signal !== BOOT_FAILURE) return false;
    const entry = this.entryOf(device, patch);
    // Of a patch of which nothing else was received it is the first word: its start may have been lost.
    const before = this.entries.at(entry);
    const isOfTrial = before === -Infinity || when - before <= TRIAL_MS;
    const failure = { when, code: details?.failureCode };
    switch (kind) {
      case KIND.InstallStarted:
        this.entries.write(entry, RAW.started, when);
        this.trials.began(entry, profile, received);
        break;
      case KIND.PatchInstalled:
        this.entries.write(entry, RAW.installed, when);
        this.trials.wentWell(entry, profile, received);
        break;
      case KIND.PatchInstallFailed:
        if (isInfrastructure(failure.code)) {
          this.trials.unreached(entry, profile, received, this.troubles.unreached(entry, failure, received));
          break;
        }
        this.entries.write(entry, RAW.failed, when);
        this.trials.failed(entry, profile, received);
        this.troubles.installFailed(entry, failure);
        break;
      case KIND.PatchRemoveFailed:
        this.patches.countFailedRemoval(patch);
        this.troubles.removalFailed(entry, failure);
        if (this.recalls.has(patch)) this.removals.failed(entry, profile, received);
        break;
      case KIND.PatchRemoveStarted:
        if (this.recalls.has(patch)) this.removals.began(entry, profile, received);
        break;
      case KIND.IncidentReported:
        // A device that cannot start says so when it can again; on which build it is then, its report shows.
        if (isOfTrial) this.trials.failed(entry, profile, received);
        if (this.removalMarks.isTrial(entry)) this.removals.failed(entry, profile, received);
        break;
      case KIND.PatchRolledBack: {
        const cause = removalCauses[causeOf(head)];
        if (cause === 'failure' && isOfTrial) this.trials.failed(entry, profile, received);
        if (cause === 'user' && isOfTrial) this.trials.removed(entry, profile, received);
        this.entries.write(entry, RAW.rolledBack, when, cause);
      }
    }
    return true;
  }

  /** Brings the counters in line with a device that may have changed, by a report that was received then or by a note. */
  private recount(device: number, received?: number): void {
    const known = this.isKnown(device);
    if (known !== this.devices.is(device, DEVICE.counted)) {
      this.devices.mark(device, DEVICE.counted, known);
      this.countKnown(this.devices.profile(device), known ? 1 : -1);
    }
    let waits = false;
    let entry = this.word(device, DEVICE.firstEntry);
    for (; entry !== NOWHERE; entry = this.entries.next(entry)) {
      const by = this.heldBy(device, entry);
      this.recountEntry(device, entry, known ? this.stateOf(device, entry, by) : undefined, { known, received });
      waits ||= known && by === 'report';
    }
    if (waits !== this.devices.is(device, DEVICE.restartPending))
      this.devices.mark(device, DEVICE.restartPending, waits);
  }

  private recountEntry(
    device: number,
    entry: number,
    state: PatchState | undefined,
    { known, received }: { readonly known: boolean; readonly received: number | undefined },
  ): void {
    const patch = this.entries.patch(entry);
    const before = this.entries.shown(entry);
    const shown = state !== undefined ? SHOWN[state] : 0;
    if (before !== shown) {
      this.patches.move(patch, before, shown);
      this.entries.setShown(entry, shown);
    }
    const recall = this.recalls.get(patch);
    if (recall === undefined) return;
    const placeBefore = this.entries.recalled(entry);
    const cause = this.entries.raw(entry) === RAW.rolledBack ? this.entries.cause(entry) : undefined;
    const place = placeOf({ isKnown: known, state, cause }, placeBefore);
    if (place !== placeBefore) {
      recall.move(placeBefore, place, device);
      this.entries.setRecalled(entry, place);
      const isRemoved = isFreed(place) || (this.removalMarks.isTrial(entry) && place !== HOLDING);
      if (known && isRemoved && received !== undefined)
        this.removals.wentWell(entry, this.devices.profile(device), received);
    }
    recall.setReExposed(device, known && this.isReExposed(device, entry));
    if (shown === SHOWN.started) recall.started(entry);
  }

  /** Whether the device went back to the base in the recall of the patch, and was seen on nothing else since. */
  private isReExposed(device: number, entry: number): boolean {
    if (!wentBack(this.entries.recalled(entry))) return false;
    return this.profiles.isBaseOf(this.devices.profile(device), this.entries.patch(entry));
  }

  /** Counts what an image has of a device. */
  private countRestored(device: number): void {
    if (this.devices.is(device, DEVICE.counted)) this.countKnown(this.devices.profile(device), 1);
    let entry = this.word(device, DEVICE.firstEntry);
    for (; entry !== NOWHERE; entry = this.entries.next(entry)) {
      const patch = this.entries.patch(entry);
      const shown = this.entries.shown(entry);
      if (shown !== 0) this.patches.move(patch, 0, shown);
      const recall = this.recalls.get(patch);
      if (recall === undefined) continue;
      const place = this.entries.recalled(entry);
      if (place !== 0) recall.move(0, place, device);
      recall.setReExposed(device, this.devices.is(device, DEVICE.counted) && this.isReExposed(device, entry));
      if (shown === SHOWN.started) recall.started(entry);
    }
  }

  /** A note changed what is known of a patch: each device that runs it, or said something of it, is looked at again. */
  private seeAnew(patch: number): void {
    if (!this.profiles.anyKnownRuns(patch) && !this.patches.isAnyShown(patch)) return;
    for (let device = 0; device < this.devices.count; device += 1) {
      const runs = this.profiles.runs(this.devices.profile(device)) === patch;
      if (runs && this.lastReportAt(device) !== -Infinity) this.ran(device, patch, this.profileAt(device));
      if (runs || this.entries.find(this.word(device, DEVICE.firstEntry), patch) !== NOWHERE) this.recount(device);
    }
  }

  private recallOf(patchId: string): void {
    const patch = this.patches.indexOf(patchId);
    if (patch !== undefined) this.recalls.set(patch, new RecallSet());
  }

  private countKnown(profile: number, change: number): void {
    this.profiles.count(profile, change);
    this.knownCount += change;
  }
}
