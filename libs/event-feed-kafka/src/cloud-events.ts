import { type EventType, type EventTypes, eventTypes, PROGRESS_TYPE, sourceOf } from '@sluice/contracts/event-types';
import { keyOf, topics } from '@sluice/contracts/events';
import { checkPublicEvent } from '@sluice/contracts/feed-check';
import { toHeaderText } from '@sluice/contracts/header-text';
import { isTime } from '@sluice/contracts/times';
import { isTraceparent } from '@sluice/contracts/traceparent';
import { type EventData, upcast } from '@sluice/contracts/upcasters';
import {
  areOctetsOf,
  isPosition,
  type Octets,
  quote,
  type ReceivedHeaders,
  RecordFault,
  RecordHeaders,
  refuse,
} from './record-headers.ts';

/** CloudEvents 1.0 in Kafka's binary mode: what a relay writes and a consumer reads (design §3.1). */

interface Place {
  readonly revision: number;
  readonly index: number;
}

/** A public event in its envelope; the `FeedEvent` of the kernel is one. */
export interface EventEnvelope {
  readonly source: string;
  readonly type: string;
  readonly stream: string;
  readonly place: Place;
  /** The place of the public event before this one in its stream; absent for the first. */
  readonly previous?: Place;
  /** The id of its commit; absent from an owner of a former version. */
  readonly commitId?: string;
  readonly position: string;
  readonly time: string;
  readonly actor: string;
  readonly correlationId: string;
  readonly causationId?: string;
  readonly traceparent?: string;
  readonly data: unknown;
}

/** A record as a Kafka client takes it. */
export interface CloudEvent {
  readonly key: string | null;
  readonly headers: Record<string, string>;
  readonly value: string;
}

/** A record as a Kafka client hands it out. */
export interface ReceivedRecord {
  readonly key?: Octets | null | undefined;
  readonly headers?: ReceivedHeaders | undefined;
  readonly value: Octets | null | undefined;
}

/** What is known of an event whose data is not: enough to count it as seen, so that it does not look like a hole. */
export type SeenEvent = Pick<EventEnvelope, 'source' | 'stream' | 'place' | 'previous' | 'position'>;

/**
 * `unknown` is the type and version of an event that a newer owner sends, to be skipped and counted; a `fault` is against the
 * contract. `progress` is the position up to which all events of this partition came before; `isBehind` says that the
 * relay had not read all of its store then, so it is no sign that the owner is heard.
 */
export type DecodedRecord =
  | { readonly event: EventEnvelope; readonly relayEpoch?: number }
  | { readonly progress: string; readonly source: string; readonly isBehind?: true; readonly relayEpoch?: number }
  | { readonly unknown: { readonly type: string; readonly version: number }; readonly seen: SeenEvent }
  | { readonly fault: string; readonly seen?: SeenEvent };

const SPEC_VERSION = '1.0';
const BEHIND = 'true';
const CONTENT_TYPE = 'application/json';
const EVENT_TYPE = /^sluice\.[a-z]{1,32}\.([A-Za-z]{1,64})\.v([1-9]\d{0,3})$/;
const SOURCE = /^\/sluice\/[a-z-]{1,32}$/;
const SOURCE_START = sourceOf('');
const VALUE_BYTES_MAX = 16 * 1024 * 1024;

/** The record of a public event. Throws on an event for which its owner has no contract: a bug, not a bad record. */
export function toCloudEvent(envelope: EventEnvelope, relayEpoch?: number, types: EventTypes = eventTypes): CloudEvent {
  const { source, type, stream, place, previous, causationId, traceparent, data } = envelope;
  const known = types.current.get(type);
  if (known?.service !== source) throw new Error(`${source} has no event that is called ${type}`);
  const revision = String(place.revision);
  const index = String(place.index);
  const headers: Record<string, string> = {
    'content-type': CONTENT_TYPE,
    ce_specversion: SPEC_VERSION,
    ce_id: `${stream}/${revision}/${index}`,
    ce_source: known.source,
    ce_type: known.eventType,
    ce_time: envelope.time,
    ce_subject: stream,
    ce_dataschema: known.schemaId,
    ce_streamrevision: revision,
    ce_streamindex: index,
    ce_storeposition: envelope.position,
    ce_actor: toHeaderText(envelope.actor),
    ce_correlationid: toHeaderText(envelope.correlationId),
  };
  if (previous !== undefined) headers['ce_previous'] = `${String(previous.revision)}.${String(previous.index)}`;
  if (envelope.commitId !== undefined) headers['ce_commitid'] = toHeaderText(envelope.commitId);
  if (causationId !== undefined) headers['ce_causationid'] = toHeaderText(causationId);
  if (traceparent !== undefined) headers['ce_traceparent'] = toHeaderText(traceparent);
  if (relayEpoch !== undefined) headers['ce_relayepoch'] = String(relayEpoch);
  return { key: keyOf(known.topic, data as EventData), headers, value: JSON.stringify(data) };
}

/** The record that says: all public events of this partition up to the position come before it. */
export function toProgressRecord(
  service: string,
  position: string,
  { relayEpoch, isBehind = false }: { readonly relayEpoch?: number; readonly isBehind?: boolean } = {},
): CloudEvent {
  const headers: Record<string, string> = {
    'content-type': CONTENT_TYPE,
    ce_specversion: SPEC_VERSION,
    ce_id: `progress/${position}`,
    ce_source: sourceOf(service),
    ce_type: PROGRESS_TYPE,
  };
  if (isBehind) headers['ce_behind'] = BEHIND;
  if (relayEpoch !== undefined) headers['ce_relayepoch'] = String(relayEpoch);
  return { key: null, headers, value: JSON.stringify({ position }) };
}

/** Reads a record strictly, brings an older version to the current one, and checks the data. Does not throw. */
export function fromCloudEvent(record: ReceivedRecord, types: EventTypes = eventTypes): DecodedRecord {
  let seen: SeenEvent | undefined;
  try {
    const headers = new RecordHeaders(record.headers ?? {});
    headers.expect('ce_specversion', SPEC_VERSION);
    const eventType = headers.text('ce_type');
    if (eventType === PROGRESS_TYPE) return readProgress(record, headers);
    const known = types.all.get(eventType);
    if (known === undefined) {
      const [, type = '', version] =
        EVENT_TYPE.exec(eventType) ?? refuse(`ce_type ${quote(eventType)} is not of Sluice`);
      return { unknown: { type, version: Number(version) }, seen: readSeen(headers, known) };
    }
    seen = readSeen(headers, known);
    return readEvent(record, headers, { known, seen, types });
  } catch (error) {
    if (!(error instanceof RecordFault)) throw error;
    return seen === undefined ? { fault: error.message } : { fault: error.message, seen };
  }
}

function readSeen(headers: RecordHeaders, known: EventType | undefined): SeenEvent {
  if (known === undefined) headers.matching('ce_source', SOURCE);
  else headers.expect('ce_source', known.source);
  const stream = headers.text('ce_subject');
  if (known !== undefined && !topics[known.topic].streams.some((prefix) => stream.startsWith(prefix)))
    refuse(`ce_subject ${quote(stream)} is no stream of ${known.topic}`);
  const place = { revision: headers.whole('ce_streamrevision'), index: headers.whole('ce_streamindex') };
  const position = headers.position('ce_storeposition');
  headers.expect('ce_id', `${stream}/${String(place.revision)}/${String(place.index)}`);
  const source = known?.service ?? headers.text('ce_source').slice(SOURCE_START.length);
  const pair = headers.optionalPair('ce_previous');
  if (pair === undefined) return { source, stream, place, position };
  const previous = { revision: pair[0], index: pair[1] };
  if (!isBefore(previous, place)) refuse('ce_previous is not before the event');
  return { source, stream, place, previous, position };
}

function isBefore(first: Place, second: Place): boolean {
  return first.revision === second.revision ? first.index < second.index : first.revision < second.revision;
}

function readEvent(
  record: ReceivedRecord,
  headers: RecordHeaders,
  { known, seen, types }: { known: EventType; seen: SeenEvent; types: EventTypes },
): DecodedRecord {
  headers.expect('content-type', CONTENT_TYPE);
  headers.expect('ce_dataschema', known.schemaId);
  const time = headers.matching('ce_time', { test: isTime });
  const actor = headers.text('ce_actor');
  const correlationId = headers.text('ce_correlationid');
  const causationId = headers.optional('ce_causationid');
  const traceparent = headers.optional('ce_traceparent');
  const data = readData(record, known, types);
  const key = keyOf(known.topic, data);
  if (!areOctetsOf(record.key ?? '', key)) refuse(`the key is not ${quote(key)}, that of the event`);
  const commitId = headers.optional('ce_commitid');
  const event: EventEnvelope = {
    ...seen,
    ...(commitId !== undefined && { commitId }),
    type: known.type,
    time,
    actor,
    correlationId,
    ...(causationId !== undefined && { causationId }),
    // A trace that something on the way garbled is no reason to lose an event.
    ...(isTraceparent(traceparent) && { traceparent }),
    data,
  };
  const relayEpoch = headers.optionalWhole('ce_relayepoch');
  return relayEpoch === undefined ? { event } : { event, relayEpoch };
}

function readData(record: ReceivedRecord, { type, version }: EventType, { upcasters }: EventTypes): EventData {
  const data = readJson(record);
  if (data['type'] !== type) refuse(`the data is not that of ${type}`);
  const checked = checkPublicEvent(upcastOrRefuse({ type, version, data }, upcasters));
  return 'fault' in checked ? refuse(checked.fault) : checked.event;
}

function upcastOrRefuse(older: Parameters<typeof upcast>[0], upcasters: EventTypes['upcasters']): EventData {
  try {
    return upcast(older, upcasters);
  } catch (error) {
    return refuse(`${older.type}.v${String(older.version)} cannot be brought to the current version: ${String(error)}`);
  }
}

function readProgress(record: ReceivedRecord, headers: RecordHeaders): DecodedRecord {
  const source = headers.matching('ce_source', SOURCE).slice(SOURCE_START.length);
  headers.expect('content-type', CONTENT_TYPE);
  const { position } = readJson(record);
  if (typeof position !== 'string' || !isPosition(position)) refuse('the progress has no position');
  headers.expect('ce_id', `progress/${position}`);
  // Whatever the header says: only its absence is a sign of life.
  const isBehind = headers.optional('ce_behind') !== undefined && { isBehind: true as const };
  return { progress: position, source, ...isBehind, ...readRelayEpoch(headers) };
}

function readRelayEpoch(headers: RecordHeaders): { readonly relayEpoch?: number } {
  const relayEpoch = headers.optionalWhole('ce_relayepoch');
  return relayEpoch === undefined ? {} : { relayEpoch };
}

function readJson({ value }: ReceivedRecord): EventData {
  if (value === undefined || value === null) refuse('there is no value');
  if (value.length > VALUE_BYTES_MAX) refuse('the value is too long');
  const data = parseJson(typeof value === 'string' ? value : value.toString('utf8'));
  return typeof data === 'object' && data !== null && !Array.isArray(data)
    ? (data as EventData)
    : refuse('the value is not a JSON object');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return refuse('the value is not JSON');
  }
}
