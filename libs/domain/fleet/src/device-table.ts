import { NOWHERE, Records } from './records.ts';

/**
 * Words of a device's record, 40 bytes. Words 0 to 3 are the key. What is small shares a word: each byte is one of ten million.
 * A time is 40 bits, in ms since TIME_EPOCH, plus 1: its low 32 bits are a word, its high ones those above 24 of the next.
 */
export const DEVICE = {
  words: 10,
  /** When what the profile says held: the low bits. */
  profileAtLow: 4,
  /** The clock of its status reports, and the high bits of the time of the profile. */
  status: 5,
  /** When the device was last heard of: the low bits. */
  lastReportLow: 6,
  /** The number of the profile, two flags, and the high bits of the last report. */
  profile: 7,
  profileMask: 0x3fffff,
  /** It is counted as known under its profile. */
  counted: 1 << 22,
  /** It says to hold what it has yet to restart into. */
  restartPending: 1 << 23,
  /** The first of the device's entries. */
  firstEntry: 8,
  /** Where its id lies among the ids, plus 1. */
  id: 9,
} as const;

export const TIME_EPOCH = Date.UTC(2020, 0, 1);
const TIME_MAX = 2 ** 40 - 1;
const TIME_HIGH_SHIFT = 24;
const TWO_TO_32 = 2 ** 32;
const LOW_24_BITS = 0xffffff;
/** A shard that has seen more profiles than these is not folded further. */
export const PROFILES_MAX = DEVICE.profileMask + 1;

/** A time from its two words; −∞ if there is none. To the millisecond, from 2020 to 2054. */
export function timeOf(low: number, highWord: number): number {
  const stored = (highWord >>> TIME_HIGH_SHIFT) * TWO_TO_32 + low;
  return stored === 0 ? -Infinity : stored - 1 + TIME_EPOCH;
}

/** Lays a time down in two words that follow one another, in the words of a record. */
export function keepTime(words: Uint32Array, low: number, atMs: number): void {
  const stored = Math.min(Math.max(atMs - TIME_EPOCH + 1, 1), TIME_MAX);
  words[low] = stored % TWO_TO_32;
  words[low + 1] = ((words[low + 1] ?? 0) & LOW_24_BITS) | (Math.floor(stored / TWO_TO_32) << TIME_HIGH_SHIFT);
}

/** Keeps the latest time at which the device was heard of, in its record of these words. */
export function keepLastReport(words: Uint32Array, base: number, received: number): void {
  const low = base + DEVICE.lastReportLow;
  if (received > timeOf(words[low] ?? 0, words[low + 1] ?? 0)) keepTime(words, low, received);
}

const FIRST_SLOTS = 128;
/** Fuller than this, and probes grow long; emptier, and memory is wasted. */
const LOAD_MAX = 0.75;

/** The devices of a shard: their records, found by 16-byte key through open addressing, and their ids. */
export class DeviceTable {
  readonly records = new Records(DEVICE.words);
  ids = new IdTexts();
  private slots = new Uint32Array(FIRST_SLOTS).fill(NOWHERE);

  get count(): number {
    return this.records.count;
  }

  /** The device with the key of four words at `at`, NOWHERE if there is none. */
  find(keys: Uint32Array, index: number): number {
    return this.slots[this.slotOf(keys, index)] ?? NOWHERE;
  }

  findOrAdd(keys: Uint32Array, index: number): number {
    const slot = this.slotOf(keys, index);
    const found = this.slots[slot] ?? NOWHERE;
    if (found !== NOWHERE) return found;
    const device = this.records.add();
    for (let word = 0; word < 4; word += 1) this.records.setWord(device, word, keys[index + word] ?? 0);
    this.records.setWord(device, DEVICE.firstEntry, NOWHERE);
    this.slots[slot] = device;
    if (this.count > this.slots.length * LOAD_MAX) this.fillSlots(this.slots.length * 2);
    return device;
  }

  /** Takes over all devices from copies of their records and ids. */
  restore(records: Uint32Array, ids: Uint8Array): void {
    this.records.restore(records);
    this.ids = new IdTexts(ids);
    let slots = FIRST_SLOTS;
    while (this.count > slots * LOAD_MAX) slots *= 2;
    this.fillSlots(slots);
  }

  /** Gives a device its id if it has none: a length in one byte, and the text, as they lie at `at`. */
  name(device: number, ids: Uint8Array, index: number): void {
    if (!this.hasId(device)) this.records.setWord(device, DEVICE.id, this.ids.add(ids, index));
  }

  profile(device: number): number {
    return this.records.word(device, DEVICE.profile) & DEVICE.profileMask;
  }

  is(device: number, flag: typeof DEVICE.counted): boolean {
    return (this.records.word(device, DEVICE.profile) & flag) !== 0;
  }

  mark(device: number, flag: typeof DEVICE.counted, is: boolean): void {
    const word = this.records.word(device, DEVICE.profile);
    this.records.setWord(device, DEVICE.profile, is ? word | flag : word & ~flag);
  }

  /** When what the profile says held, −∞ if the device never reported. */
  profileAt(device: number): number {
    return timeOf(this.records.word(device, DEVICE.profileAtLow), this.records.word(device, DEVICE.status));
  }

  lastReportAt(device: number): number {
    return timeOf(this.records.word(device, DEVICE.lastReportLow), this.records.word(device, DEVICE.profile));
  }

  /** The clock of its status reports, see `StatusClocks`. */
  statusClock(device: number): number {
    return this.records.word(device, DEVICE.status) & LOW_24_BITS;
  }

  setStatusClock(device: number, clock: number): void {
    const word = this.records.word(device, DEVICE.status);
    this.records.setWord(device, DEVICE.status, (word & ~LOW_24_BITS) | clock);
  }

  hasId(device: number): boolean {
    return this.records.word(device, DEVICE.id) !== 0;
  }

  /** The id of a device; empty when its text has not come yet. */
  idOf(device: number): string {
    return this.ids.read(this.records.word(device, DEVICE.id));
  }

  // The first word decided the shard, so its low bits may all be the same here; the second is as random as any hash.
  private slotOf(keys: Uint32Array, index: number): number {
    const mask = this.slots.length - 1;
    const second = keys[index + 1] ?? 0;
    for (let slot = second & mask; ; slot = (slot + 1) & mask) {
      const device = this.slots[slot] ?? NOWHERE;
      if (device === NOWHERE) return slot;
      const words = this.records.wordsOf(device);
      const base = this.records.offsetOf(device);
      if (
        words[base + 1] === second &&
        words[base] === keys[index] &&
        words[base + 2] === keys[index + 2] &&
        words[base + 3] === keys[index + 3]
      ) {
        return slot;
      }
    }
  }

  private fillSlots(slots: number): void {
    this.slots = new Uint32Array(slots).fill(NOWHERE);
    const mask = this.slots.length - 1;
    for (let device = 0; device < this.count; device += 1) {
      let slot = this.records.word(device, 1) & mask;
      while (this.slots[slot] !== NOWHERE) slot = (slot + 1) & mask;
      this.slots[slot] = device;
    }
  }
}

const ID_CHUNK_BYTES = 1 << 16;

/** The ids of devices: length in one byte and text, one after the other in chunks. Number 0 is no id. */
export class IdTexts {
  private readonly chunks: Uint8Array[];
  private used: number;

  /** Goes on from what `copy` gave. */
  constructor(copied: Uint8Array = new Uint8Array(0)) {
    this.chunks = [];
    for (let index = 0; index < copied.length; index += ID_CHUNK_BYTES) {
      // Of full size, for more ids go into the last one.
      const chunk = new Uint8Array(ID_CHUNK_BYTES);
      chunk.set(copied.subarray(index, index + ID_CHUNK_BYTES));
      this.chunks.push(chunk);
    }
    this.used = copied.length;
  }

  /** The number of the id that lies at `at`: its length in one byte, and its text. */
  add(ids: Uint8Array, index: number): number {
    const bytes = 1 + (ids[index] ?? 0);
    // An id does not go over the end of a chunk.
    const room = this.chunks.length * ID_CHUNK_BYTES - this.used;
    if (bytes > room) {
      this.used += room;
      this.chunks.push(new Uint8Array(ID_CHUNK_BYTES));
    }
    const chunk = this.chunks.at(-1) ?? ids;
    const start = this.used % ID_CHUNK_BYTES;
    for (let byte = 0; byte < bytes; byte += 1) chunk[start + byte] = ids[index + byte] ?? 0;
    this.used += bytes;
    return this.used - bytes + 1;
  }

  read(id: number): string {
    const chunk = this.chunks[Math.floor((id - 1) / ID_CHUNK_BYTES)];
    if (id === 0 || chunk === undefined) return '';
    const start = (id - 1) % ID_CHUNK_BYTES;
    return String.fromCharCode(...chunk.subarray(start + 1, start + 1 + (chunk[start] ?? 0)));
  }

  copy(): Uint8Array {
    const all = new Uint8Array(this.used);
    this.chunks.forEach((chunk, index) => {
      const start = index * ID_CHUNK_BYTES;
      all.set(chunk.subarray(0, this.used - start), start);
    });
    return all;
  }
}
