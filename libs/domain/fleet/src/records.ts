/** An index into nothing: the end of a list, or no record. */
export const NOWHERE = 0xffffffff;

const CHUNK_BITS = 14;
const CHUNK_RECORDS = 1 << CHUNK_BITS;

/**
 * Records of equal size in chunks, seen as 32-bit words and as 64-bit floats. All of a record lies together, because the
 * fold meets its records in random order, and then the memory's latency is what it costs. Chunks, because one buffer
 * that doubles would hold up the fold while it is copied, and leave holes in the heap.
 */
export class Records {
  count = 0;
  private readonly words: Uint32Array[] = [];
  /** The same bytes: float i covers words 2i and 2i + 1. */
  private readonly floats: Float64Array[] = [];

  /** The number of words must be even, so that floats are aligned. */
  constructor(readonly wordsEach: number) {}

  /** The index of a new record, all zero. */
  add(): number {
    if (this.count === this.words.length * CHUNK_RECORDS) {
      const buffer = new ArrayBuffer(CHUNK_RECORDS * this.wordsEach * 4);
      this.words.push(new Uint32Array(buffer));
      this.floats.push(new Float64Array(buffer));
    }
    this.count += 1;
    return this.count - 1;
  }

  /** Where a record begins in the words of its chunk; half of that in the floats. */
  offsetOf(record: number): number {
    return (record & (CHUNK_RECORDS - 1)) * this.wordsEach;
  }

  wordsOf(record: number): Uint32Array {
    return this.words[record >>> CHUNK_BITS] ?? NO_WORDS;
  }

  floatsOf(record: number): Float64Array {
    return this.floats[record >>> CHUNK_BITS] ?? NO_FLOATS;
  }

  word(record: number, word: number): number {
    return this.wordsOf(record)[this.offsetOf(record) + word] ?? 0;
  }

  float(record: number, float: number): number {
    return this.floatsOf(record)[this.offsetOf(record) / 2 + float] ?? 0;
  }

  setWord(record: number, word: number, value: number): void {
    this.wordsOf(record)[this.offsetOf(record) + word] = value;
  }

  setFloat(record: number, float: number, value: number): void {
    this.floatsOf(record)[this.offsetOf(record) / 2 + float] = value;
  }

  /** Takes over all records from what `copy` gave. */
  restore(copied: Uint32Array): void {
    for (let record = 0; record * this.wordsEach < copied.length; record += CHUNK_RECORDS) {
      this.count = record;
      this.add();
      const from = record * this.wordsEach;
      this.wordsOf(record).set(copied.subarray(from, from + CHUNK_RECORDS * this.wordsEach));
    }
    this.count = copied.length / this.wordsEach;
  }

  /** A copy of all records as words. */
  copy(): Uint32Array {
    const all = new Uint32Array(this.count * this.wordsEach);
    this.words.forEach((chunk, index) => {
      const start = index * chunk.length;
      all.set(chunk.subarray(0, all.length - start), start);
    });
    return all;
  }
}

const NO_WORDS = new Uint32Array(0);
const NO_FLOATS = new Float64Array(0);

/** Texts numbered in the order in which they came. */
export class TextTable {
  readonly texts: string[] = [];
  private readonly indices = new Map<string, number>();

  /** The number of the text; a new one if it had none. */
  indexOf(text: string): number {
    const known = this.indices.get(text);
    if (known !== undefined) return known;
    const index = this.texts.length;
    this.texts.push(text);
    this.indices.set(text, index);
    return index;
  }

  find(text: string): number | undefined {
    return this.indices.get(text);
  }
}

/** Numbers of a pair, in a copy. */
export const PAIR_NUMBERS = 2;

/** The records of a copy, so many numbers each. */
export function recordsIn(numbers: Float64Array, each: number): number[][] {
  return Array.from({ length: numbers.length / each }, (_, index) => [
    ...numbers.subarray(index * each, (index + 1) * each),
  ]);
}

/** A map of numbers as pairs, in the order of its keys. */
export function pairsOf(values: ReadonlyMap<number, number>): Float64Array {
  return Float64Array.from([...values].sort(([left], [right]) => left - right).flat());
}

/** Takes over what `pairsOf` gave, in place. */
export function restorePairs(values: Map<number, number>, pairs: Float64Array): void {
  for (const [key = 0, value = 0] of recordsIn(pairs, PAIR_NUMBERS)) values.set(key, value);
}
