/** Reading of Kafka's record headers, which are octets, each name at most once, and written by anybody. */

export type Octets = string | Buffer;
export type ReceivedHeaders = Readonly<Record<string, Octets | readonly Octets[] | undefined>>;

export const TEXT_CHARACTERS_MAX = 512;
/** As many as TEXT_CHARACTERS_MAX of them take at most. */
const HEADER_BYTES_MAX = 3 * TEXT_CHARACTERS_MAX;
const POSITION_DIGITS_MAX = 40;
/** Whole numbers of so many digits are exact. */
const WHOLE_DIGITS_MAX = 15;
const QUOTED_CHARACTERS_MAX = 64;
const [ZERO, NINE] = [0x30, 0x39];
const REPLACEMENT = '\uFFFD';
/** What CloudEvents forbids in texts. */
// eslint-disable-next-line no-control-regex
const CONTROL_CHARACTERS = /[\u0000-\u001F\u007F-\u009F]/g;

/** A record is not as the contract says. */
export class RecordFault extends Error {
  override readonly name = 'RecordFault';
}

export class RecordHeaders {
  constructor(private readonly headers: ReceivedHeaders) {}

  /** The text of a header, undefined where there is none. */
  optional(name: string): string | undefined {
    const value = this.headers[name];
    if (value === undefined) return undefined;
    if (typeof value !== 'string' && !Buffer.isBuffer(value)) refuse(`${name} comes more than once`);
    if (value.length > HEADER_BYTES_MAX) refuse(`${name} is too long`);
    const text = typeof value === 'string' ? value : value.toString('utf8');
    if (text.length > TEXT_CHARACTERS_MAX) refuse(`${name} is too long`);
    if (hasControlCharacter(text)) refuse(`${name} has a control character`);
    return text;
  }

  text(name: string): string {
    return this.optional(name) ?? refuse(`${name} is missing`);
  }

  expect(name: string, expected: string): void {
    const text = this.text(name);
    if (text !== expected) refuse(`${name} is ${quote(text)} and not ${expected}`);
  }

  matching(name: string, pattern: RegExp): string {
    const text = this.text(name);
    return pattern.test(text) ? text : refuse(`${name} ${quote(text)} is not well formed`);
  }

  whole(name: string): number {
    return parseWhole(this.text(name), name);
  }

  position(name: string): string {
    const text = this.text(name);
    return isPosition(text) ? text : refuse(`${name} ${quote(text)} is not a position`);
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

/** The decimal digits of a whole number from 0, without zeros in front. */
export function parseWhole(text: string, name: string): number {
  const isWhole = hasOnlyDigits(text) && text.length <= WHOLE_DIGITS_MAX && (text.length === 1 || text[0] !== '0');
  return isWhole ? Number(text) : refuse(`${name} ${quote(text)} is not a whole number`);
}

export function isPosition(text: string): boolean {
  return text.length <= POSITION_DIGITS_MAX && hasOnlyDigits(text);
}

/** A name that somebody chose, as it may stand in a header: what a reader would refuse is taken out here. */
export function toHeaderText(text: string): string {
  const short = text.length > TEXT_CHARACTERS_MAX ? text.slice(0, TEXT_CHARACTERS_MAX) : text;
  return hasControlCharacter(short) ? short.replaceAll(CONTROL_CHARACTERS, REPLACEMENT) : short;
}

// A loop, because these texts are short and come thirty thousand times a second; a pattern takes twice as long.
function hasControlCharacter(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code < 0x20 || (code >= 0x7f && code <= 0x9f)) return true;
  }
  return false;
}

function hasOnlyDigits(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code < ZERO || code > NINE) return false;
  }
  return text.length > 0;
}
