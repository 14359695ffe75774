import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { kafkaPartitions, kafkaTopic, keyOf } from '@sluice/contracts/events';
import {
  type CloudEvent,
  type EventEnvelope,
  fromCloudEvent,
  type ReceivedRecord,
  toCloudEvent,
  toProgressRecord,
} from './cloud-events.ts';

const envelope: EventEnvelope = {
  source: 'catalog',
  type: 'PatchPulled',
  stream: 'patch-p1',
  place: { revision: 12, index: 3 },
  previous: { revision: 9, index: 14 },
  position: '18446744073709551615',
  time: '2026-11-24T10:00:00.000Z',
  actor: 'Zoë 🚒',
  correlationId: 'c-1',
  causationId: 'patch-p0/4',
  traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
  data: {
    type: 'PatchPulled',
    patchId: 'p1',
    at: '2026-11-24T10:00:00Z',
    mode: 'recall',
    reason: 'größer',
    recallEpoch: 1,
  },
};
const record = toCloudEvent(envelope, 7);
const seen = {
  source: 'catalog',
  stream: 'patch-p1',
  place: { revision: 12, index: 3 },
  previous: { revision: 9, index: 14 },
  position: '18446744073709551615',
};

/** As a Kafka client hands it out. */
function received({ key, headers, value }: CloudEvent): ReceivedRecord {
  return {
    key: key === null ? null : Buffer.from(key),
    headers: Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)])),
    value: Buffer.from(value),
  };
}

function withHeaders(changed: Readonly<Record<string, string | string[] | null | undefined>>): ReceivedRecord {
  return { ...record, headers: { ...record.headers, ...changed } };
}

function withData(changed: object): ReceivedRecord {
  return { ...record, value: JSON.stringify({ ...(envelope.data as object), ...changed }) };
}

describe('writing an event as a record', () => {
  it('has the attributes of CloudEvents and of Sluice as headers, and the data alone as value', () => {
    expect(record).toEqual({
      key: 'p1',
      headers: {
        'content-type': 'application/json',
        ce_specversion: '1.0',
        ce_id: 'patch-p1/12/3',
        ce_source: '/sluice/catalog',
        ce_type: 'sluice.catalog.PatchPulled.v1',
        ce_time: '2026-11-24T10:00:00.000Z',
        ce_subject: 'patch-p1',
        ce_dataschema: 'urn:sluice:schema:PatchPulled.v1',
        ce_streamrevision: '12',
        ce_streamindex: '3',
        ce_previous: '9.14',
        ce_storeposition: '18446744073709551615',
        ce_actor: 'Zoë 🚒',
        ce_correlationid: 'c-1',
        ce_causationid: 'patch-p0/4',
        ce_traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
        ce_relayepoch: '7',
      },
      value: JSON.stringify(envelope.data),
    });
  });

  it('leaves out what an event has not', () => {
    const { previous: _a, causationId: _b, traceparent: _c, ...first } = envelope;
    expect(Object.keys(toCloudEvent(first).headers).sort()).toEqual(
      Object.keys(record.headers)
        .filter((name) => !['ce_previous', 'ce_causationid', 'ce_traceparent', 'ce_relayepoch'].includes(name))
        .sort(),
    );
  });

  it.each([
    ['a type that nobody knows', { type: 'PatchEaten' }],
    ['an event of another service', { source: 'telemetry' }],
    ['data without its key', { data: { type: 'PatchPulled' } }],
  ])('throws for %s', (_name, changed) => {
    expect(() => toCloudEvent({ ...envelope, ...changed })).toThrow(/called|none of patchId/);
  });

  it.each([
    ['rollouts', { type: 'RolloutStarted', rolloutId: 'r1', patchId: 'p1' }, 'r1'],
    ['rollouts', { type: 'HoldPlaced', holdId: 'h1', patchId: 'p1' }, 'h1'],
    ['rollouts', { type: 'RecallStarted', patchId: 'p1' }, 'p1'],
    ['catalog', { type: 'PatchPulled', patchId: 'p1' }, 'p1'],
    ['fleet', { type: 'InstallStarted', deviceId: 'd1', patchId: 'p1', rolloutId: 'r1' }, 'd1'],
    ['health', { type: 'HealthBucketClosed', shard: 0 }, '0'],
  ] as const)('keeps the order of what belongs together: %s %o by %s', (topic, data, key) => {
    expect(keyOf(topic, data)).toBe(key);
  });

  it('names the topics of Kafka, and how many partitions they have', () => {
    expect([kafkaTopic('fleet'), kafkaTopic('catalog', 'eu.')]).toEqual(['sluice.fleet.v1', 'eu.sluice.catalog.v1']);
    expect([kafkaPartitions('fleet', 64), kafkaPartitions('catalog', 64)]).toEqual([64, 1]);
  });
});

describe('reading a record', () => {
  it('gives the event as it was written', () => {
    expect(fromCloudEvent(received(record))).toEqual({ event: envelope, relayEpoch: 7 });
    expect(fromCloudEvent(record)).toEqual({ event: envelope, relayEpoch: 7 });
    const { previous: _a, causationId: _b, traceparent: _c, ...first } = envelope;
    expect(fromCloudEvent(received(toCloudEvent(first)))).toEqual({ event: first });
  });

  it('gives names that no header may have, cut and without control characters', () => {
    const odd = { ...envelope, actor: `a\nb\u0085${'🚒'.repeat(400)}` };
    const decoded = fromCloudEvent(received(toCloudEvent(odd)));
    expect(decoded).toMatchObject({ event: { actor: `a\uFFFDb\uFFFD${'🚒'.repeat(254)}` } });
  });

  it('reads progress', () => {
    const progress = toProgressRecord('telemetry', '4711', { relayEpoch: 3 });
    expect(progress).toMatchObject({ key: null, value: '{"position":"4711"}' });
    expect(fromCloudEvent(received(progress))).toEqual({ progress: '4711', source: 'telemetry', relayEpoch: 3 });
    const behind = toProgressRecord('telemetry', '4711', { isBehind: true });
    expect(fromCloudEvent(received(behind))).toEqual({ progress: '4711', source: 'telemetry', isBehind: true });
    expect(fromCloudEvent({ ...progress, value: '{"position":4711}' })).toEqual({
      fault: 'the progress has no position',
    });
  });

  it.each([
    ['a type', 'sluice.catalog.PatchBlessed.v1', { type: 'PatchBlessed', version: 1 }],
    ['a version', 'sluice.catalog.PatchPulled.v2', { type: 'PatchPulled', version: 2 }],
    ['a topic', 'sluice.weather.RainForecast.v1', { type: 'RainForecast', version: 1 }],
  ])('tells %s of a newer owner from a fault, and counts it as seen', (_name, type, unknown) => {
    const changed = withHeaders({ ce_type: type, ce_dataschema: 'urn:sluice:schema:New.v9', ce_new: 'x' });
    expect(fromCloudEvent({ ...changed, value: Buffer.from([0xff, 0x00]) })).toEqual({ unknown, seen });
  });

  it('drops a trace that was garbled on the way', () => {
    const decoded = fromCloudEvent(withHeaders({ ce_traceparent: 'x' }));
    expect(decoded).toMatchObject({ event: { type: 'PatchPulled' } });
    expect(decoded).not.toHaveProperty('event.traceparent');
  });

  it('ignores headers and fields that it does not know', () => {
    const changed = {
      ...withHeaders({ ce_colour: 'red', traceparent: 'x' }),
      value: withData({ colour: 'red' }).value,
    };
    expect(fromCloudEvent(changed)).toMatchObject({ event: { data: { colour: 'red' } } });
  });

  it.each([
    ['another version of CloudEvents', withHeaders({ ce_specversion: '2.0' }), 'ce_specversion is "2.0" and not 1.0'],
    ['no type', withHeaders({ ce_type: undefined }), 'ce_type is missing'],
    ['a type of nothing', withHeaders({ ce_type: null }), 'ce_type is missing'],
    ['a foreign type', withHeaders({ ce_type: 'com.example.x' }), 'ce_type "com.example.x" is not of Sluice'],
    ['no headers', { ...record, headers: undefined }, 'ce_specversion is missing'],
    ['another source', withHeaders({ ce_source: '/sluice/telemetry' }), 'ce_source is'],
    [
      'a stream of another topic',
      withHeaders({ ce_subject: 'fleet-1' }),
      'ce_subject "fleet-1" is no stream of catalog',
    ],
    ['an id of another place', withHeaders({ ce_id: 'patch-p1/12/4' }), 'ce_id is "patch-p1/12/4" and not'],
    ['a revision with a sign', withHeaders({ ce_streamrevision: '+12' }), 'ce_streamrevision "+12" is not a whole'],
    ['a revision with a zero in front', withHeaders({ ce_streamrevision: '012' }), 'ce_streamrevision "012" is not'],
    ['a revision too large', withHeaders({ ce_streamrevision: '9'.repeat(16) }), 'ce_streamrevision "9999'],
    ['an empty index', withHeaders({ ce_streamindex: '' }), 'ce_streamindex "" is not a whole number'],
    ['a previous without index', withHeaders({ ce_previous: '9' }), 'ce_previous "9" is not a pair of whole'],
    ['a previous of three parts', withHeaders({ ce_previous: '9.1.1' }), 'ce_previous "9.1.1" is not a pair'],
    ['a previous that is not before', withHeaders({ ce_previous: '12.3' }), 'ce_previous is not before'],
    ['a position that is no number', withHeaders({ ce_storeposition: '0x1' }), 'ce_storeposition "0x1" is not a pos'],
    ['a header twice', withHeaders({ ce_streamrevision: ['12', '12'] }), 'ce_streamrevision comes more than once'],
    ['a header too long', withHeaders({ ce_subject: 'patch-'.repeat(100) }), 'ce_subject is too long'],
    ['a control character', withHeaders({ ce_subject: 'patch-\u0007' }), 'ce_subject has a control character'],
  ])('finds %s', (_name, changed, fault) => {
    const decoded = fromCloudEvent(changed);
    expect(decoded).toEqual({ fault: expect.stringContaining(fault) });
  });

  it.each([
    ['a foreign schema', withHeaders({ ce_dataschema: 'urn:x:y' }), 'ce_dataschema is "urn:x:y" and not'],
    ['another content type', withHeaders({ 'content-type': 'application/avro' }), 'content-type is "application/avro"'],
    ['a time that is none', withHeaders({ ce_time: 'noon' }), 'ce_time "noon" is not well formed'],
    ['no actor', withHeaders({ ce_actor: undefined }), 'ce_actor is missing'],
    ['an epoch that is no number', withHeaders({ ce_relayepoch: 'x' }), 'ce_relayepoch "x" is not a whole number'],
    ['no value', { ...record, value: null }, 'there is no value'],
    ['a value that is not JSON', { ...record, value: '{' }, 'the value is not JSON'],
    ['a value that is a list', { ...record, value: '[]' }, 'the value is not a JSON object'],
    ['a value too long', { ...record, value: ' '.repeat(17 * 1024 * 1024) }, 'the value is too long'],
    ['the data of another type', withData({ type: 'PatchFoldedIn' }), 'the data is not that of PatchPulled'],
    ['data against its schema', withData({ mode: 'maybe' }), 'PatchPulled/mode'],
    ['no key', { ...record, key: null }, 'the key is not "p1"'],
    ['the key of another event', { ...record, key: 'p2' }, 'the key is not "p1"'],
  ])('finds %s, and counts the event as seen', (_name, changed, fault) => {
    expect(fromCloudEvent(changed)).toEqual({ fault: expect.stringContaining(fault), seen });
  });
});

describe('reading what anybody may have written', () => {
  const octets = fc.oneof(
    fc.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.from(bytes)),
    fc.string({ maxLength: 80 }),
    fc.constantFrom('', '0', '-1', '1.', '.', '18446744073709551616', '{}', 'null', record.value),
  );
  const names = [...Object.keys(record.headers), '__proto__', 'ce_other'];

  it('answers with one of its kinds of answer, and never throws', () => {
    fc.assert(
      fc.property(
        fc.dictionary(
          fc.constantFrom(...names),
          fc.oneof(octets, fc.constant(null), fc.array(octets, { maxLength: 2 })),
        ),
        fc.option(octets, { nil: undefined }),
        fc.option(octets, { nil: undefined }),
        (headers, key, value) => {
          const written = received(record);
          const decoded = fromCloudEvent({
            key: key ?? written.key,
            headers: { ...written.headers, ...headers },
            value: value ?? written.value,
          });
          expect(['event', 'progress', 'unknown', 'fault'].filter((kind) => kind in decoded)).toHaveLength(1);
        },
      ),
      { numRuns: 2000 },
    );
  });
});
