import { NOWHERE, Records } from './records.ts';

/** Words of a device's record. The times are floats: index = word / 2. */
export const DEVICE = {
  words: 12,
  /** Words 0 to 3 are the key. */
  /** When what the profile says held, as a float; −∞ for a device that never reported. */
  profileAtFloat: 2,
  /** When the device was last heard of, as a float. */
  heardAtFloat: 3,
  profile: 8,
  /** The first of the device's entries. */
  firstEntry: 9,
  /** Where its id lies in the arena, plus 1. */
  id: 10,
  /** The profile under which the device is counted as known, plus 1. */
  countedProfile: 11,
} as const;

const FIRST_SLOTS = 128;
/** Fuller than this, and probes grow long; emptier, and memory is wasted. */
const LOAD_MAX = 0.75;
const FIRST_ARENA_BYTES = 4096;

/** The devices of a shard: their records, found by 16-byte key through open addressing, and their ids in one arena. */
export class DeviceTable {
  readonly records = new Records(DEVICE.words);
  private slots = new Uint32Array(FIRST_SLOTS).fill(NOWHERE);
  private arena = new Uint8Array(FIRST_ARENA_BYTES);
  private arenaUsed = 0;

  get count(): number {
    return this.records.count;
  }

  /** The device with the key of four words at `at`, NOWHERE if there is none. */
  find(keys: Uint32Array, at: number): number {
    return this.slots[this.slotOf(keys, at)] ?? NOWHERE;
  }

  findOrAdd(keys: Uint32Array, at: number): number {
    const slot = this.slotOf(keys, at);
    const found = this.slots[slot] ?? NOWHERE;
    if (found !== NOWHERE) return found;
    const device = this.records.add();
    const base = device * DEVICE.words;
    const { words, floats } = this.records;
    for (let word = 0; word < 4; word += 1) words[base + word] = keys[at + word] ?? 0;
    floats[base / 2 + DEVICE.profileAtFloat] = -Infinity;
    floats[base / 2 + DEVICE.heardAtFloat] = -Infinity;
    words[base + DEVICE.firstEntry] = NOWHERE;
    this.slots[slot] = device;
    if (this.count > this.slots.length * LOAD_MAX) this.rehash();
    return device;
  }

  /** Gives a device its id if it has none: a length in one byte, and the text, as they lie at `at`. */
  name(device: number, ids: Uint8Array, at: number): void {
    const idWord = device * DEVICE.words + DEVICE.id;
    if (this.records.words[idWord] !== 0) return;
    const bytes = 1 + (ids[at] ?? 0);
    if (this.arenaUsed + bytes > this.arena.length) {
      const arena = new Uint8Array(this.arena.length * 2);
      arena.set(this.arena);
      this.arena = arena;
    }
    for (let byte = 0; byte < bytes; byte += 1) this.arena[this.arenaUsed + byte] = ids[at + byte] ?? 0;
    this.records.words[idWord] = this.arenaUsed + 1;
    this.arenaUsed += bytes;
  }

  hasId(device: number): boolean {
    return this.records.words[device * DEVICE.words + DEVICE.id] !== 0;
  }

  /** The id of a device; empty when its text has not come yet. */
  idOf(device: number): string {
    return readId(this.arena, this.records.words[device * DEVICE.words + DEVICE.id] ?? 0);
  }

  copyArena(): Uint8Array {
    return this.arena.slice(0, this.arenaUsed);
  }

  // The first word decided the shard, so its low bits may all be the same here; the second is as random as any hash.
  private slotOf(keys: Uint32Array, at: number): number {
    const mask = this.slots.length - 1;
    const { words } = this.records;
    const second = keys[at + 1] ?? 0;
    for (let slot = second & mask; ; slot = (slot + 1) & mask) {
      const device = this.slots[slot] ?? NOWHERE;
      if (device === NOWHERE) return slot;
      const base = device * DEVICE.words;
      if (
        words[base + 1] === second &&
        words[base] === keys[at] &&
        words[base + 2] === keys[at + 2] &&
        words[base + 3] === keys[at + 3]
      ) {
        return slot;
      }
    }
  }

  private rehash(): void {
    this.slots = new Uint32Array(this.slots.length * 2).fill(NOWHERE);
    const mask = this.slots.length - 1;
    for (let device = 0; device < this.count; device += 1) {
      let slot = (this.records.words[device * DEVICE.words + 1] ?? 0) & mask;
      while (this.slots[slot] !== NOWHERE) slot = (slot + 1) & mask;
      this.slots[slot] = device;
    }
  }
}

/** The text of an id word: 0 is none, else the place in the arena plus 1. */
export function readId(arena: Uint8Array, word: number): string {
  if (word === 0) return '';
  const length = arena[word - 1] ?? 0;
  return String.fromCharCode(...arena.subarray(word, word + length));
}
