import {
  BUILD_PATTERN,
  DIGEST_PATTERN,
  EXTRA_PATTERN,
  ID_PATTERN,
  LABEL_PATTERN,
  MODEL_PATTERN,
  SHOWN_VERSION_PATTERN,
  SIGNAL_PATTERN,
  VERSION_PATTERN,
  WEB_ADDRESS_PATTERN,
} from './primitives.ts';
import { TIME_PATTERN } from './times.ts';

const wordsByPattern: ReadonlyMap<string, string> = new Map([
  [ID_PATTERN, '1 to 64 letters, digits or any of . _ : -'],
  [MODEL_PATTERN, '1 to 64 letters, digits or any of . _ , : -'],
  [LABEL_PATTERN, '1 to 32 letters, digits or any of . _ -'],
  [BUILD_PATTERN, '1 to 32 letters, digits or any of . _ -'],
  [VERSION_PATTERN, 'a version such as 26.3.1'],
  [SHOWN_VERSION_PATTERN, 'a version such as 26.3.1 or 26.3.1 (a)'],
  [TIME_PATTERN, 'a time that exists: 2026-11-24T10:00:00Z'],
  [EXTRA_PATTERN, 'the letter of a patch, such as (a)'],
  [SIGNAL_PATTERN, '1 to 32 lower-case letters or hyphens'],
  [DIGEST_PATTERN, '64 lower-case hex digits'],
  [WEB_ADDRESS_PATTERN, 'an http or https address'],
]);

/** What a text is that this pattern takes, as a person reads it: `must be` goes before it. */
export function wordsOf(pattern: string): string {
  return wordsByPattern.get(pattern) ?? 'of another form';
}

/** What is wrong, without a regular expression: those are for the documents that programs read. */
export function faultText({ keyword, params, message }: SchemaFault): string {
  const isOfPattern = keyword === 'pattern' && 'pattern' in params;
  return isOfPattern ? `must be ${wordsOf(String(params.pattern))}` : message;
}

/** A fault as a validator of JSON Schemas tells it. */
export interface SchemaFault {
  readonly keyword: string;
  readonly params: object;
  readonly message: string;
}
