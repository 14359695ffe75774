import { sourceOf } from '@sluice/contracts/event-types';
import { checkSigns, type SourceSignsData } from '@sluice/contracts/source-signs';
import { type CloudEvent, type ReceivedRecord } from './cloud-events.ts';
import { quote, type Octets, RecordFault, RecordHeaders, refuse } from './record-headers.ts';

export const SIGNS_TYPE = 'sluice.signs.v1';
const SPEC_VERSION = '1.0';
const CONTENT_TYPE = 'application/json';
const KEY = /^([a-z-]{1,32})\/([A-Za-z0-9._-]{1,64})$/;
const KEY_CHARACTERS_MAX = 100;
const VALUE_BYTES_MAX = 1024 * 1024;

/** What one instance of a service says of itself. */
export interface InstanceSigns {
  readonly source: string;
  readonly instance: string;
  readonly signs: SourceSignsData;
}

/** `skipped` is the type of a record that this version does not know. */
export type DecodedSigns = InstanceSigns | { readonly skipped: string } | { readonly fault: string };

/** The record that takes the place of what the instance said before: its topic is compacted. */
export function toSignsRecord({ source, instance, signs }: InstanceSigns): CloudEvent {
  const key = `${source}/${instance}`;
  if (!KEY.test(key)) throw new Error(`${key} cannot be the key of a record`);
  const headers = {
    'content-type': CONTENT_TYPE,
    ce_specversion: SPEC_VERSION,
    ce_id: `signs/${key}`,
    ce_source: sourceOf(source),
    ce_type: SIGNS_TYPE,
  };
  return { key, headers, value: JSON.stringify(signs) };
}

/** Reads a record strictly; fields that this version does not know are dropped. Does not throw. */
export function fromSignsRecord(record: ReceivedRecord): DecodedSigns {
  try {
    const headers = new RecordHeaders(record.headers ?? {});
    headers.expect('ce_specversion', SPEC_VERSION);
    const type = headers.text('ce_type');
    if (type !== SIGNS_TYPE) return { skipped: type };
    headers.expect('content-type', CONTENT_TYPE);
    const [, source = '', instance = ''] =
      KEY.exec(textOf(record.key, KEY_CHARACTERS_MAX)) ?? refuse('the key is no name');
    headers.expect('ce_source', sourceOf(source));
    const checked = checkSigns(parse(textOf(record.value, VALUE_BYTES_MAX)));
    return 'fault' in checked ? checked : { source, instance, signs: checked.signs };
  } catch (error) {
    if (!(error instanceof RecordFault)) throw error;
    return { fault: error.message };
  }
}

function textOf(octets: Octets | null | undefined, lengthMax: number): string {
  if (octets === null || octets === undefined) return refuse('there is no key or no value');
  return octets.length > lengthMax ? refuse('the key or the value is too long') : octets.toString();
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return refuse(`the value ${quote(text)} is not JSON`);
  }
}
