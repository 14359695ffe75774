import { toTimeText } from '@sluice/event-sourcing';
import {
  factKinds,
  type FailureDetails,
  type FleetEvent,
  kindCodes,
  parseProfile,
  parseTarget,
  removalCauses,
  type StatusDetails,
} from './facts.ts';
import {
  causeOf,
  CLOCK_AHEAD,
  CONTENT_BYTES,
  FACT_BYTES,
  FACT_BYTES_V1,
  FACTS_PER_COMMIT_MAX,
  FAR,
  FAR_TIME_BYTES,
  FIRST_VERSION,
  HAS_ID,
  HEADER_BYTES,
  headOfV1,
  KEY_BYTES,
  kindOf,
  NONE,
  PACKED_VERSION,
  REPORT_BYTES,
} from './packed-layout.ts';

/** The bytes are not a packed commit that this version understands. */
export class PackedFactsError extends Error {
  override readonly name = 'PackedFactsError';
}

/** The facts of one commit in columns: fact i is the i-th of each. Everything was checked against its bounds. */
export interface PackedFacts {
  readonly count: number;
  /** Four words a fact, in the byte order of the machine: to be compared, not to be read as numbers. */
  readonly keys: Uint32Array;
  /** Two words a fact, likewise. */
  readonly reports: Uint32Array;
  /** A hash of what each report says, 0 where there is none. */
  readonly contents: Uint16Array;
  /** As in the present version, whatever the version of the commit is. */
  readonly heads: Uint8Array;
  /** Index into `profileLines`, NONE for a retirement. */
  readonly profiles: Uint16Array;
  /** Index into `targetLines`, NONE where the fact is not about a patch. */
  readonly targets: Uint16Array;
  readonly occurredAt: Float64Array;
  readonly receivedAt: Float64Array;
  readonly profileLines: readonly string[];
  readonly targetLines: readonly string[];
  /** For each head with HAS_ID, in order: length in one byte, then the text. */
  readonly ids: Uint8Array;
  /** JSON, parsed only when facts are published. */
  readonly details: Uint8Array;
}

interface Sections {
  readonly version: number;
  readonly count: number;
  readonly base: number;
  readonly farTimes: DataView;
  readonly columns: number;
  readonly texts: readonly Uint8Array[];
}

const decoder = new TextDecoder('utf-8', { fatal: true });
const EMPTY = new Uint8Array(0);
const NO_DETAILS: ReadonlyMap<number, FailureDetails & StatusDetails> = new Map();

/** Reads the columns of a packed commit without making an object per fact. Throws PackedFactsError on anything odd. */
export function readPackedFacts(bytes: Uint8Array): PackedFacts {
  const sections = readHeader(bytes);
  const { version, count, columns, texts } = sections;
  const isFirst = version === FIRST_VERSION;
  const reports = columns + count * KEY_BYTES;
  const contents = reports + count * REPORT_BYTES;
  const heads = isFirst ? contents : contents + count * CONTENT_BYTES;
  const profiles = heads + count;
  const targets = profiles + 2 * count;
  const lags = targets + 2 * count;
  const facts: PackedFacts = {
    count,
    keys: wordsOf(bytes, columns, reports),
    reports: wordsOf(bytes, reports, contents),
    contents: isFirst ? new Uint16Array(count) : readPairs(bytes, contents, count),
    heads: isFirst ? fromV1(bytes.subarray(heads, profiles)) : bytes.subarray(heads, profiles),
    profiles: readPairs(bytes, profiles, count),
    targets: readPairs(bytes, targets, count),
    occurredAt: new Float64Array(count),
    receivedAt: new Float64Array(count),
    profileLines: linesOf(texts[0] ?? EMPTY),
    targetLines: linesOf(texts[1] ?? EMPTY),
    ids: texts[2] ?? EMPTY,
    details: texts[3] ?? EMPTY,
  };
  readTimes(bytes, lags, sections, facts);
  checkReferences(facts);
  checkIds(facts);
  return facts;
}

/**
 * The facts as public events. `deviceIdOf` gives the id of a device whose text lies in an earlier commit, by its key of
 * four words. Throws PackedFactsError, also when nobody knows the id: an event without one would be a lie.
 */
export function unpackFacts(
  bytes: Uint8Array,
  deviceIdOf: (words: Uint32Array) => string | undefined,
): readonly FleetEvent[] {
  const facts = readPackedFacts(bytes);
  const details = readDetails(facts);
  let idAt = 0;
  return Array.from({ length: facts.count }, (_, index) => {
    let deviceId: string | undefined;
    if ((byteAt(facts.heads, index) & HAS_ID) !== 0) {
      const length = byteAt(facts.ids, idAt);
      deviceId = decode(facts.ids.subarray(idAt + 1, idAt + 1 + length));
      idAt += 1 + length;
    } else deviceId = deviceIdOf(facts.keys.subarray(index * 4, index * 4 + 4));
    if (deviceId === undefined) throw new PackedFactsError(`nobody knows the device of fact ${String(index)}`);
    return eventOf(facts, index, deviceId, details.get(index));
  });
}

/** A fact as a public event, and which one of its commit it is. */
export interface PlacedFact {
  readonly index: number;
  readonly fact: FleetEvent;
}

/**
 * The facts of a commit that are about one device, as public events. `deviceHash`: the hash of its id, a byte a character, of
 * which the first 16 are its key. Throws PackedFactsError.
 */
export function factsAbout(bytes: Uint8Array, deviceHash: string, deviceId: string): readonly PlacedFact[] {
  const facts = readPackedFacts(bytes);
  const [first, second, third, fourth] = new Uint32Array(
    Uint8Array.from(Buffer.from(deviceHash, 'binary').subarray(0, KEY_BYTES)).buffer,
  );
  const { keys } = facts;
  const found: number[] = [];
  for (let index = 0; index < facts.count; index += 1) {
    const word = index * 4;
    if (keys[word] !== first || keys[word + 1] !== second) continue;
    if (keys[word + 2] === third && keys[word + 3] === fourth) found.push(index);
  }
  if (found.length === 0) return [];
  const details = readDetails(facts);
  return found.map((index) => ({ index, fact: eventOf(facts, index, deviceId, details.get(index)) }));
}

function eventOf(
  facts: PackedFacts,
  index: number,
  deviceId: string,
  details: (FailureDetails & StatusDetails) | undefined,
): FleetEvent {
  const head = byteAt(facts.heads, index);
  const type = factKinds[kindOf(head)] ?? 'DeviceObserved';
  const occurredAt = toTimeText(facts.occurredAt[index] ?? 0);
  const receivedAt = toTimeText(facts.receivedAt[index] ?? 0);
  if (type === 'DeviceRetired') return { type, deviceId, occurredAt, receivedAt };
  const profile = parseProfile(facts.profileLines[facts.profiles[index] ?? NONE] ?? '');
  if (profile === undefined) throw new PackedFactsError(`fact ${String(index)} has no readable profile`);
  const clockAhead = (head & CLOCK_AHEAD) !== 0 && { clockAhead: true };
  const observation = { deviceId, ...profile, occurredAt, receivedAt, ...clockAhead };
  if (type === 'DeviceObserved') {
    const statusEveryHours = details?.statusEveryHours;
    return { type, ...observation, ...(statusEveryHours !== undefined && { statusEveryHours }) };
  }
  const line = facts.targetLines[facts.targets[index] ?? NONE];
  const target = line === undefined ? undefined : parseTarget(line);
  if (type === 'IncidentReported') {
    return { type, ...observation, ...(target && { patchId: target.patchId }), ...details };
  }
  if (target === undefined) throw new PackedFactsError(`fact ${String(index)} names no patch`);
  switch (type) {
    case 'InstallStarted':
    case 'PatchInstalled':
    case 'PatchRemoveStarted':
      return { type, ...observation, ...target };
    case 'PatchInstallFailed':
    case 'PatchRemoveFailed':
      return { type, ...observation, ...target, ...details };
    case 'PatchRolledBack':
      return { type, ...observation, ...target, cause: removalCauses[causeOf(head)] ?? 'user' };
  }
}

function readHeader(bytes: Uint8Array): Sections {
  if (bytes.length < HEADER_BYTES) throw new PackedFactsError('the commit is shorter than its header');
  const version = byteAt(bytes, 0);
  if (version !== PACKED_VERSION && version !== FIRST_VERSION)
    throw new PackedFactsError(`version ${String(version)} is not known`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = view.getUint32(4, true);
  if (count > FACTS_PER_COMMIT_MAX) throw new PackedFactsError(`${String(count)} facts are too many for one commit`);
  const base = view.getFloat64(8, true);
  if (!isTime(base)) throw new PackedFactsError('the time of receipt is none');
  const farBytes = view.getUint32(16, true) * FAR_TIME_BYTES;
  const lengths = [20, 24, 28, 32].map((offset) => view.getUint32(offset, true));
  const far = HEADER_BYTES + count * (version === FIRST_VERSION ? FACT_BYTES_V1 : FACT_BYTES);
  let offset = far + farBytes;
  if (lengths.reduce((sum, length) => sum + length, offset) !== bytes.length) {
    throw new PackedFactsError('the sections do not add up to the length of the commit');
  }
  const farTimes = new DataView(bytes.buffer, bytes.byteOffset + far, farBytes);
  const texts = lengths.map((length) => {
    offset += length;
    return bytes.subarray(offset - length, offset);
  });
  return { version, count, base, farTimes, columns: HEADER_BYTES, texts };
}

// The copy is aligned, which a view of the commit need not be.
function wordsOf(bytes: Uint8Array, from: number, to: number): Uint32Array {
  return new Uint32Array(new Uint8Array(bytes.subarray(from, to)).buffer);
}

function readPairs(bytes: Uint8Array, from: number, count: number): Uint16Array {
  const values = new Uint16Array(count);
  for (let index = 0; index < count; index += 1)
    values[index] = byteAt(bytes, from + index) | (byteAt(bytes, from + count + index) << 8);
  return values;
}

function readQuad(bytes: Uint8Array, from: number, stride: number): number {
  return (
    (byteAt(bytes, from) |
      (byteAt(bytes, from + stride) << 8) |
      (byteAt(bytes, from + 2 * stride) << 16) |
      (byteAt(bytes, from + 3 * stride) << 24)) >>>
    0
  );
}

function readTimes(bytes: Uint8Array, lags: number, { count, base, farTimes }: Sections, facts: PackedFacts): void {
  let far = 0;
  for (let index = 0; index < count; index += 1) {
    const lag = readQuad(bytes, lags + index, count);
    const received = base + readQuad(bytes, lags + 4 * count + index, count);
    facts.receivedAt[index] = received;
    if (lag !== FAR) {
      facts.occurredAt[index] = received - ((lag & 1) === 0 ? lag / 2 : -(lag + 1) / 2);
      continue;
    }
    if (far === farTimes.byteLength) throw new PackedFactsError('a far time is missing');
    const occurred = farTimes.getFloat64(far, true);
    if (!isTime(occurred)) throw new PackedFactsError(`fact ${String(index)} has no time`);
    facts.occurredAt[index] = occurred;
    far += FAR_TIME_BYTES;
  }
  if (far !== farTimes.byteLength) throw new PackedFactsError('a far time belongs to no fact');
}

const RETIRED = kindCodes.DeviceRetired;
const WITHOUT_PATCH: ReadonlySet<number> = new Set([kindCodes.DeviceObserved, RETIRED, kindCodes.IncidentReported]);

function checkReferences({ count, heads, profiles, targets, profileLines, targetLines }: PackedFacts): void {
  for (let index = 0; index < count; index += 1) {
    const head = byteAt(heads, index);
    const kind = kindOf(head);
    const cause = causeOf(head);
    const profile = profiles[index] ?? NONE;
    const target = targets[index] ?? NONE;
    const profileFits = kind === RETIRED ? profile === NONE : profile < profileLines.length;
    const targetFits = target < targetLines.length || (target === NONE && WITHOUT_PATCH.has(kind));
    if (!profileFits || !targetFits || cause >= removalCauses.length || kind >= factKinds.length) {
      throw new PackedFactsError(`fact ${String(index)} refers to what is not there`);
    }
  }
}

function checkIds({ count, heads, ids }: PackedFacts): void {
  let offset = 0;
  for (let index = 0; index < count; index += 1) {
    if ((byteAt(heads, index) & HAS_ID) === 0) continue;
    if (offset >= ids.length || ids[offset] === 0) throw new PackedFactsError('a device id is missing');
    offset += 1 + byteAt(ids, offset);
  }
  if (offset !== ids.length) throw new PackedFactsError('the device ids do not fit their facts');
}

/** By the index of the fact. Throws PackedFactsError. */
export function readDetails(facts: PackedFacts): ReadonlyMap<number, FailureDetails & StatusDetails> {
  if (facts.details.length === 0) return NO_DETAILS;
  try {
    return new Map(JSON.parse(decode(facts.details)) as [number, FailureDetails & StatusDetails][]);
  } catch {
    throw new PackedFactsError('the details are not readable');
  }
}

function linesOf(text: Uint8Array): readonly string[] {
  return text.length === 0 ? [] : decode(text).split('\n');
}

function decode(text: Uint8Array): string {
  try {
    return decoder.decode(text);
  } catch {
    throw new PackedFactsError('a text is not UTF-8');
  }
}

function fromV1(heads: Uint8Array): Uint8Array {
  return heads.map((head, index) => {
    const now = headOfV1(head);
    if (now === undefined) throw new PackedFactsError(`fact ${String(index)} has a bit without a meaning`);
    return now;
  });
}

/** The longest time that ECMAScript can write down, ms since 1970. */
const TIME_MAX = 8.64e15;

function isTime(ms: number): boolean {
  return Number.isInteger(ms) && Math.abs(ms) <= TIME_MAX;
}

// Indices are in range here, by the checks above; the compiler cannot know.
function byteAt(column: Uint8Array, index: number): number {
  return column[index] ?? 0;
}
