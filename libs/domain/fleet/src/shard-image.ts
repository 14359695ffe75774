import { DEVICE } from './device-table.ts';
import { ENTRY } from './entry-table.ts';
import {
  CELL_NUMBERS,
  OUTCOME_NUMBERS,
  type TrialsCopy,
  UNREACHED_NUMBERS,
  WATCHED_NUMBERS,
} from './install-trials.ts';
import { FleetShard } from './fleet-shard.ts';
import { HARM_NUMBERS, type HarmCopy, HARMED_NUMBERS } from './harm-counts.ts';
import { MARK } from './removal-marks.ts';
import { TROUBLE } from './install-troubles.ts';
import { PAIR_NUMBERS } from './records.ts';
import { RecentReports, type RememberedDay } from './report-ids.ts';
import { type ShardNoted } from './shard-notes.ts';
import { type ShardSnapshot, snapshotOf } from './shard-snapshot.ts';

/**
 * All that the fold of a shard's commits comes to, what no bucket has told yet and the reports that are remembered
 * included: another instance goes on from it as if it had folded the commits itself.
 */
export interface ShardImage extends ShardSnapshot, TrialsCopy, HarmCopy {
  /** Per patch by number: removals and failed removals that no bucket has told. */
  readonly tallies: Uint32Array;
  /** What is known of removals, by entry, and their trials. */
  readonly removalMarks: Uint32Array;
  readonly removals: TrialsCopy;
  readonly reports: readonly RememberedDay[];
}

/** The bytes are no image that this version understands. */
export class ShardImageError extends Error {
  override readonly name = 'ShardImageError';
}

/** A shard that can be gone on with. */
export interface RestoredShard {
  readonly state: FleetShard;
  readonly recent: RecentReports;
}

/** To be raised whenever a section, or the layout of a record in it, changes. */
const IMAGE_VERSION = 11;
/** Sections begin at multiples of this, so that they can be seen as words and floats where they lie. */
const ALIGNMENT_BYTES = 8;
const SECTIONS = 26;
/** Version, facts, and the length of each section. */
const HEADER_FLOATS = 2 + SECTIONS;
const NOTHING = new Float64Array(0);
const HEADER_BYTES = HEADER_FLOATS * 8;

export function imageOf(state: FleetShard, recent: RecentReports): ShardImage {
  return {
    ...snapshotOf(state),
    tallies: state.patches.copyTallies(),
    ...state.trials.copy(),
    removalMarks: state.removalMarks.records.copy(),
    removals: state.removals.copy(),
    ...state.harm.copy(),
    reports: recent.copy(),
  };
}

export function restoreShard(image: ShardImage, rememberedDays: number): RestoredShard {
  const recent = new RecentReports(rememberedDays);
  recent.restore(image.reports);
  return { state: FleetShard.restore(image), recent };
}

/** The image as bytes, in pieces that are to be laid one after the other; none of them changes when the shard does. */
export function packImage(image: ShardImage): Uint8Array<ArrayBuffer>[] {
  const encoder = new TextEncoder();
  const reports = new Uint32Array(image.reports.reduce((sum, day) => sum + day.reports.length, 0));
  let index = 0;
  for (const day of image.reports) {
    reports.set(day.reports, index);
    index += day.reports.length;
  }
  const sections = [
    image.devices,
    image.entries,
    image.flags,
    image.retired,
    image.rhythms,
    image.troubles,
    encoder.encode(JSON.stringify(image.failureCodes)),
    encoder.encode(JSON.stringify(image.notes)),
    image.ids,
    encoder.encode(image.profiles.join('\n')),
    encoder.encode(image.patches.join('\n')),
    image.tallies,
    image.cells,
    image.watched,
    image.unreached,
    image.outcomes,
    image.stuck,
    image.harmed,
    image.harms,
    image.lastOnBase,
    image.removalMarks,
    image.removals.cells,
    image.removals.watched,
    image.removals.outcomes,
    Float64Array.from(image.reports.flatMap((day) => [day.day, day.reports.length])),
    reports,
  ];
  const header = Float64Array.from([IMAGE_VERSION, image.facts, ...sections.map((section) => section.byteLength)]);
  return [header, ...sections].flatMap((section) => padded(section));
}

/** Throws ShardImageError on anything that is not what `packImage` gave. Whether the content is whole, a checksum must tell. */
export function readImage(bytes: Uint8Array): ShardImage {
  const aligned = bytes.byteOffset % ALIGNMENT_BYTES === 0 ? bytes : new Uint8Array(bytes);
  const next = sectionsOf(aligned);
  const image = {
    facts: next.facts,
    devices: words(next.section()),
    entries: words(next.section()),
    flags: words(next.section()),
    retired: floats(next.section()),
    rhythms: floats(next.section()),
    troubles: words(next.section()),
    failureCodes: JSON.parse(textOf(next.section())) as string[],
    notes: JSON.parse(textOf(next.section())) as ShardNoted[],
    ids: next.section(),
    profiles: lines(next.section()),
    patches: lines(next.section()),
    tallies: words(next.section()),
    cells: floats(next.section()),
    watched: floats(next.section()),
    unreached: floats(next.section()),
    outcomes: floats(next.section()),
    stuck: floats(next.section()),
    harmed: floats(next.section()),
    harms: floats(next.section()),
    lastOnBase: floats(next.section()),
    removalMarks: words(next.section()),
    // A removal needs no package.
    removals: {
      cells: floats(next.section()),
      watched: floats(next.section()),
      outcomes: floats(next.section()),
      unreached: NOTHING,
      stuck: NOTHING,
    },
  };
  const reports = daysOf(floats(next.section()), words(next.section()));
  if (!isWhole(image)) throw new ShardImageError('a section is cut off');
  return { ...image, reports };
}

function isWhole(image: Omit<ShardImage, 'reports'>): boolean {
  return (
    image.devices.length % DEVICE.words === 0 &&
    image.entries.length % ENTRY.words === 0 &&
    image.flags.length % 2 === 0 &&
    image.retired.length % PAIR_NUMBERS === 0 &&
    image.rhythms.length % PAIR_NUMBERS === 0 &&
    image.troubles.length % TROUBLE.words === 0 &&
    image.tallies.length === image.patches.length * 2 &&
    image.harmed.length % HARMED_NUMBERS === 0 &&
    image.harms.length % HARM_NUMBERS === 0 &&
    image.lastOnBase.length % PAIR_NUMBERS === 0 &&
    image.removalMarks.length % MARK.words === 0 &&
    areWhole(image) &&
    areWhole(image.removals)
  );
}

function areWhole({ cells, watched, unreached, outcomes, stuck }: TrialsCopy): boolean {
  return (
    cells.length % CELL_NUMBERS === 0 &&
    watched.length % WATCHED_NUMBERS === 0 &&
    unreached.length % UNREACHED_NUMBERS === 0 &&
    outcomes.length % OUTCOME_NUMBERS === 0 &&
    stuck.length % OUTCOME_NUMBERS === 0
  );
}

function sectionsOf(bytes: Uint8Array) {
  if (bytes.length < HEADER_BYTES) throw new ShardImageError('there is no header');
  const [version, facts = 0, ...lengths] = new Float64Array(bytes.buffer, bytes.byteOffset, HEADER_FLOATS);
  if (version !== IMAGE_VERSION) throw new ShardImageError(`version ${String(version)} is not known here`);
  const total = lengths.reduce((sum, length) => sum + roundUp(length), HEADER_BYTES);
  if (total !== bytes.length) throw new ShardImageError('the sections do not fill the image');
  let [index, from] = [0, HEADER_BYTES];
  const section = () => {
    const length = lengths[index] ?? 0;
    const found = bytes.subarray(from, from + length);
    index += 1;
    from += roundUp(length);
    return found;
  };
  return { facts, section };
}

function daysOf(days: Float64Array, reports: Uint32Array): RememberedDay[] {
  const found: RememberedDay[] = [];
  let from = 0;
  for (let index = 0; index < days.length; index += 2) {
    const length = days[index + 1] ?? 0;
    found.push({ day: days[index] ?? 0, reports: reports.subarray(from, from + length) });
    from += length;
  }
  if (from !== reports.length) throw new ShardImageError('the remembered reports do not fit their days');
  return found;
}

function padded(section: Uint8Array | Uint32Array | Float64Array): Uint8Array<ArrayBuffer>[] {
  const bytes = new Uint8Array(section.buffer as ArrayBuffer, section.byteOffset, section.byteLength);
  const missing = roundUp(bytes.length) - bytes.length;
  return missing === 0 ? [bytes] : [bytes, new Uint8Array(missing)];
}

function roundUp(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
}

function words(section: Uint8Array): Uint32Array {
  if (section.length % 4 !== 0) throw new ShardImageError('a section is cut off');
  return new Uint32Array(section.buffer, section.byteOffset, section.length / 4);
}

function floats(section: Uint8Array): Float64Array {
  if (section.length % 8 !== 0) throw new ShardImageError('a section is cut off');
  return new Float64Array(section.buffer, section.byteOffset, section.length / 8);
}

function lines(section: Uint8Array): readonly string[] {
  return section.length === 0 ? [] : textOf(section).split('\n');
}

function textOf(section: Uint8Array): string {
  return new TextDecoder().decode(section);
}
