import { compareLetters } from './letter.ts';

/**
 * A version as devices and feeds show it: `26.3.1` is a full release, `26.3.1 (a)` a patch on top of it.
 * Builds are opaque and never compared.
 */
export interface Version {
  readonly numbers: readonly number[];
  /** Empty for a full release. */
  readonly letter: string;
}

const VERSION = /^(\d{1,4}(?:\.\d{1,4}){0,3})(?: \(([a-z]{1,2})\))?$/;

/** Reads `16.5.1` or `16.5.1 (c)`; undefined for anything else (betas, supplemental updates). */
export function parseVersion(text: string): Version | undefined {
  const [, numbers, letter = ''] = VERSION.exec(text) ?? [];
  return numbers === undefined ? undefined : { numbers: numbers.split('.').map(Number), letter };
}

export function formatVersion({ numbers, letter }: Version): string {
  return letter === '' ? numbers.join('.') : `${numbers.join('.')} (${letter})`;
}

/**
 * Negative, zero or positive, as for Array.sort: 16.5.1 < 16.5.1 (a) < 16.5.1 (c) < 16.5.2.
 * A missing number counts as zero, so that 26 and 26.0 are the same version.
 */
export function compareVersions(left: Version, right: Version): number {
  const length = Math.max(left.numbers.length, right.numbers.length);
  for (let index = 0; index < length; index += 1) {
    const difference = (left.numbers[index] ?? 0) - (right.numbers[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return compareLetters(left.letter, right.letter);
}

/** Compares versions as text; what is no version comes before all that are, so that the order stays total. */
export function compareVersionTexts(left: string, right: string): number {
  const [parsedLeft, parsedRight] = [parseVersion(left), parseVersion(right)];
  if (parsedLeft !== undefined && parsedRight !== undefined) return compareVersions(parsedLeft, parsedRight);
  if (parsedLeft === undefined && parsedRight === undefined) return compareTexts(left, right);
  return parsedLeft === undefined ? -1 : 1;
}

/** By code unit, not by locale: the order must be the same on every machine. */
export function compareTexts(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
