import { PROFILES_MAX } from './device-table.ts';
import { parseProfile, type Profile, profileText } from './facts.ts';
import { PackedFactsError } from './packed-facts.ts';
import { NOWHERE, TextTable } from './records.ts';
import { type ShardNotes } from './shard-notes.ts';

/** A profile, what its build means by the notes so far, and how many known devices look like it. */
interface KnownProfile {
  readonly profile: Profile;
  /** The number of the patch whose build it is, NOWHERE when it is none's. */
  runs: number;
  /** The patches whose base it is, by number. */
  isBaseOf: ReadonlySet<number>;
  devices: number;
}

/**
 * Real fleets have some thousands. Whoever may report for devices could make up any number of models, rings and regions, of which
 * each takes memory for ever: those beyond are refused before they are stored.
 */
const PROFILES_TAKEN_MAX = 65_536;
const NO_PATCHES: ReadonlySet<number> = new Set();

/** The profiles of a shard by number: what devices said that they are. */
export class ProfileTable {
  readonly lines = new TextTable();
  private readonly profiles: KnownProfile[] = [];

  constructor(
    private readonly notes: ShardNotes,
    private readonly numberOfPatch: (patchId: string) => number,
  ) {}

  /** The number of the profile with this line; a new one if it had none. Throws PackedFactsError when it is not readable. */
  indexOf(line: string): number {
    const known = this.lines.find(line);
    if (known !== undefined) return known;
    const profile = parseProfile(line);
    if (profile === undefined) throw new PackedFactsError('a profile is not readable');
    if (this.profiles.length === PROFILES_MAX) throw new PackedFactsError('there are too many profiles');
    const added = { profile, runs: NOWHERE, isBaseOf: NO_PATCHES, devices: 0 };
    this.profiles.push(added);
    this.interpret(added);
    return this.lines.indexOf(line);
  }

  /** False when there are so many profiles that no new one is taken in any more, and this would be one. */
  hasRoomFor(profile: Profile): boolean {
    return this.profiles.length < PROFILES_TAKEN_MAX || this.lines.find(profileText(profile)) !== undefined;
  }

  get size(): number {
    return this.profiles.length;
  }

  at(index: number): Profile | undefined {
    return this.profiles[index]?.profile;
  }

  /** The number of the patch whose build it is, NOWHERE when it is none's. */
  runs(index: number): number {
    return this.profiles[index]?.runs ?? NOWHERE;
  }

  isBaseOf(index: number, patch: number): boolean {
    return this.profiles[index]?.isBaseOf.has(patch) ?? false;
  }

  count(index: number, change: number): void {
    const known = this.profiles[index];
    if (known !== undefined) known.devices += change;
  }

  /** True when a known device runs the patch. */
  anyKnownRuns(patch: number): boolean {
    return this.profiles.some(({ runs, devices }) => runs === patch && devices > 0);
  }

  /** Known devices per profile; profiles that nobody has any more come with 0. */
  populations(): { readonly profile: Profile; readonly devices: number }[] {
    return this.profiles.map(({ profile, devices }) => ({ profile, devices }));
  }

  /** Sees all builds as the notes have them by now. */
  interpretAll(): void {
    for (const known of this.profiles) this.interpret(known);
  }

  private interpret(known: KnownProfile): void {
    const { platform, osBuild } = known.profile;
    const patchId = this.notes.patchOf(platform, osBuild);
    known.runs = patchId === undefined ? NOWHERE : this.numberOfPatch(patchId);
    const patches = [...this.notes.patchesOn(platform, osBuild)];
    known.isBaseOf = patches.length === 0 ? NO_PATCHES : new Set(patches.map(this.numberOfPatch));
  }
}
