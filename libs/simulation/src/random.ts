import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { type JumpableRandomGenerator } from 'pure-rand/types/JumpableRandomGenerator';
import { skipN } from 'pure-rand/utils/skipN';

/** Neighbouring seeds begin with numbers that are alike. */
const SKIPPED = 32;
/** Each try fails with a chance below a half. */
const GAMMA_TRIES_MAX = 1000;
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

  /** Gamma-distributed with this shape, in (0,1], and the mean 1 (Ahrens and Dieter 1974, algorithm GS). */
  gamma(shape: number): number {
    const limit = (Math.E + shape) / Math.E;
    for (let tries = 0; tries < GAMMA_TRIES_MAX; tries += 1) {
      const place = limit * this.fraction();
      const value = place <= 1 ? place ** (1 / shape) : -Math.log((limit - place) / shape);
      if (this.chance(place <= 1 ? Math.exp(-value) : value ** (shape - 1))) return value / shape;
    }
    throw new RangeError('the gamma distribution gives no number');
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
