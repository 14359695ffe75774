/** Reading of Kafka's record headers: octets or null, each name any number of times, written by anybody. */

import { hasControlCharacter, TEXT_CHARACTERS_MAX } from '@sluice/contracts/header-text';

export type Octets = string | Buffer;
export type ReceivedHeaders = Readonly<Record<string, Octets | readonly Octets[] | null | undefined>>;

/** As many as TEXT_CHARACTERS_MAX of them take at most. */
const HEADER_BYTES_MAX = 3 * TEXT_CHARACTERS_MAX;
const POSITION_DIGITS_MAX = 40;
/** Whole numbers of so many digits are exact. */
const WHOLE_DIGITS_MAX = 15;
const QUOTED_CHARACTERS_MAX = 64;
const ZERO = 0x30;
const NINE = 0x39;
const ASCII_END = 0x80;

/** A record is not as the contract says. */
export class RecordFault extends Error {
  override readonly name = 'RecordFault';
}

/**
 * Reads octets where it can and makes texts only of what is kept: a record has some fifteen headers, thirty thousand
 * records come a second, and a text costs more than all the checks of it.
 */
export class RecordHeaders {
  constructor(private readonly headers: ReceivedHeaders) {}

  /** The text of a header, undefined where there is none. */
  optional(name: string): string | undefined {
    const octets = this.octets(name);
    if (octets === undefined) return undefined;
    const text = typeof octets === 'string' ? octets : textOf(octets);
    if (text.length > TEXT_CHARACTERS_MAX) refuse(`${name} is too long`);
    if (hasControlCharacter(text)) refuse(`${name} has a control character`);
    return text;
  }

  text(name: string): string {
    return this.optional(name) ?? refuse(`${name} is missing`);
  }

  expect(name: string, expected: string): void {
    const octets = this.octets(name);
    if (octets !== undefined && areOctetsOf(octets, expected)) return;
    refuse(`${name} is ${quote(this.text(name))} and not ${expected}`);
  }

  matching(name: string, pattern: { test(text: string): boolean }): string {
    const text = this.text(name);
    return pattern.test(text) ? text : refuse(`${name} ${quote(text)} is not well formed`);
  }

  /** A whole number from 0 in decimal digits, without zeros in front. */
  whole(name: string): number {
    const octets = this.octets(name) ?? refuse(`${name} is missing`);
    return parseWhole(octets, 0, octets.length) ?? refuse(`${name} ${quote(this.text(name))} is not a whole number`);
  }

  optionalWhole(name: string): number | undefined {
    return this.octets(name) === undefined ? undefined : this.whole(name);
  }

  /** Two whole numbers with a dot between, undefined where there is no such header. */
  optionalPair(name: string): readonly [number, number] | undefined {
    const octets = this.octets(name);
    if (octets === undefined) return undefined;
    const dot = octets.indexOf('.');
    const [first, second] = [parseWhole(octets, 0, dot), parseWhole(octets, dot + 1, octets.length)];
    return first === undefined || second === undefined
      ? refuse(`${name} ${quote(this.text(name))} is not a pair of whole numbers`)
      : [first, second];
  }

  position(name: string): string {
    const text = this.text(name);
    return isPosition(text) ? text : refuse(`${name} ${quote(text)} is not a position`);
  }

  private octets(name: string): Octets | undefined {
    const octets = this.headers[name];
    if (octets === undefined || octets === null) return undefined;
    if (isList(octets)) refuse(`${name} comes more than once`);
    return octets.length > HEADER_BYTES_MAX ? refuse(`${name} is too long`) : octets;
  }
}

/** Ends the reading of a record; the text says which part of it is at fault. */
export function refuse(text: string): never {
  throw new RecordFault(text);
}

/** What was found instead, short enough for a log line. */
export function quote(text: string): string {
  return JSON.stringify(text.slice(0, QUOTED_CHARACTERS_MAX));
}

export function isPosition(text: string): boolean {
  return text.length <= POSITION_DIGITS_MAX && hasOnlyDigits(text);
}

function hasOnlyDigits(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code < ZERO || code > NINE) return false;
  }
  return text.length > 0;
}

/** Whether these are the octets of a text. */
export function areOctetsOf(octets: Octets, text: string): boolean {
  if (typeof octets === 'string') return octets === text;
  if (octets.length !== text.length) return octets.length > text.length && octets.toString('utf8') === text;
  for (let index = 0; index < text.length; index += 1) {
    if (octets[index] !== text.charCodeAt(index)) return false;
  }
  return true;
}

// Array.isArray does not narrow read-only lists.
function isList(value: Octets | readonly Octets[]): value is readonly Octets[] {
  return Array.isArray(value);
}

// Most texts are ASCII, and making those is cheaper.
function textOf(octets: Buffer): string {
  for (const octet of octets) {
    if (octet >= ASCII_END) return octets.toString('utf8');
  }
  return octets.toString('latin1');
}

function parseWhole(octets: Octets, start: number, end: number): number | undefined {
  const digits = end - start;
  if (digits < 1 || digits > WHOLE_DIGITS_MAX) return undefined;
  let whole = 0;
  for (let index = start; index < end; index += 1) {
    const code = typeof octets === 'string' ? octets.charCodeAt(index) : (octets[index] ?? 0);
    if (code < ZERO || code > NINE || (code === ZERO && index === start && digits > 1)) return undefined;
    whole = whole * 10 + code - ZERO;
  }
  return whole;
}
