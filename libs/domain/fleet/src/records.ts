/** An index into nothing: the end of a list, or no record. */
export const NOWHERE = 0xffffffff;

const FIRST_CAPACITY = 64;

/**
 * Records of equal size in one buffer that doubles when full, seen as 32-bit words and as 64-bit floats. All of a record
 * lies together, because the fold meets its records in random order, and then the memory's latency is what it costs.
 */
export class Records {
  words: Uint32Array;
  /** The same bytes: float i covers words 2i and 2i + 1. */
  floats: Float64Array;
  count = 0;

  /** The number of words must be even, so that floats are aligned. */
  constructor(readonly wordsEach: number) {
    const buffer = new ArrayBuffer(FIRST_CAPACITY * wordsEach * 4);
    this.words = new Uint32Array(buffer);
    this.floats = new Float64Array(buffer);
  }

  /** The index of a new record, all zero. */
  add(): number {
    if (this.count * this.wordsEach === this.words.length) {
      const buffer = new ArrayBuffer(this.words.byteLength * 2);
      new Uint32Array(buffer).set(this.words);
      this.words = new Uint32Array(buffer);
      this.floats = new Float64Array(buffer);
    }
    this.count += 1;
    return this.count - 1;
  }

  /** A copy of all records as words. */
  copy(): Uint32Array {
    return this.words.slice(0, this.count * this.wordsEach);
  }
}

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
