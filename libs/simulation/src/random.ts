import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { type JumpableRandomGenerator } from 'pure-rand/types/JumpableRandomGenerator';
import { skipN } from 'pure-rand/utils/skipN';

/** Neighbouring seeds begin with numbers that are alike. */
const SKIPPED = 32;
const TWO_TO_32 = 0x1_0000_0000;

/** What can be chosen, each with its weight. */
export type Choices<Value> = readonly (readonly [Value, number])[];

/** A seeded source of numbers; the same seed and the same order of calls give the same numbers. */
export class Random {
  private constructor(private readonly generator: JumpableRandomGenerator) {}

  static seeded(seed: number): Random {
    const generator = xoroshiro128plus(seed);
    skipN(generator, SKIPPED);
    return new Random(generator);
  }

  /** In [0,1). 32 bits are plenty for made-up behaviour, and several times as fast as 53. */
  fraction(): number {
    return (this.generator.next() >>> 0) / TWO_TO_32;
  }

  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  /** Evenly between both, whole. */
  between(least: number, most: number): number {
    return least + Math.floor(this.fraction() * (most - least + 1));
  }

  /** Between both, each doubling as likely as the next: many short ones, few long ones. */
  longTailed(least: number, most: number): number {
    return Math.round(least * (most / least) ** this.fraction());
  }

  /** One of the choices, by weight. Throws when there are none. */
  pick<Value>(choices: Choices<Value>): Value {
    let left = this.fraction() * choices.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [value, weight] of choices) {
      left -= weight;
      if (left < 0) return value;
    }
    throw new RangeError('there is nothing to choose from');
  }

  /** A source of its own, far away on the same sequence: draws on one do not shift the other. */
  split(): Random {
    const other = new Random(this.generator.clone());
    this.generator.jump();
    return other;
  }
}
