import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeRecord, encodeRecord, type StoredRecord } from './record-codec.ts';

const id = fc.oneof(
  fc.uuid(),
  fc.string(),
  fc.constant('0b8e9f3c-1111-4222-8333-444455556666'),
  fc.constant('0B8E9F3C-1111-4222-8333-444455556666'),
);
const natural = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const metadata = fc.record(
  { actor: fc.string({ unit: 'binary' }), correlationId: id, causationId: id, traceparent: fc.string() },
  { requiredKeys: ['actor', 'correlationId'] },
);
const record: fc.Arbitrary<StoredRecord> = fc.record({
  revision: natural,
  recordedAtMs: natural,
  commitId: id,
  metadata,
  packedCount: fc.option(natural, { nil: undefined }),
  body: fc.oneof(
    fc.uint8Array({ maxLength: 400 }),
    fc.nat(3000).map((length) => new Uint8Array(length).fill(7)),
  ),
});
const place = fc.record({ position: natural, streamId: natural });

describe('encoding records', () => {
  it('gives back what went in', () => {
    fc.assert(
      fc.property(place, record, (where, what) => {
        expect(decodeRecord(where, encodeRecord(where, what))).toEqual(what);
      }),
    );
  });

  it('notices any changed byte, any cut, and any other place', () => {
    fc.assert(
      fc.property(place, record, fc.nat(), fc.integer({ min: 1, max: 255 }), (where, what, offset, change) => {
        const bytes = encodeRecord(where, what);
        const index = offset % bytes.length;
        const changed = bytes.map((byte, n) => (n === index ? byte ^ change : byte));
        expect(decodeRecord(where, changed)).toBeUndefined();
        expect(decodeRecord(where, bytes.subarray(0, index))).toBeUndefined();
        expect(decodeRecord({ ...where, position: where.position + 1 }, bytes)).toBeUndefined();
      }),
    );
  });

  it('makes bodies smaller where it can', () => {
    const what = {
      revision: 1,
      recordedAtMs: 1,
      commitId: 'a',
      metadata: { actor: 'a', correlationId: 'a' },
      packedCount: 1,
    };
    const bytes = encodeRecord({ position: 1, streamId: 1 }, { ...what, body: new Uint8Array(5000) });
    expect(bytes.length).toBeLessThan(100);
  });

  it('spends less than 60 bytes on what is beside the body of a small commit', () => {
    const [commitId, correlationId] = ['0b8e9f3c-1111-4222-8333-444455556666', '1b8e9f3c-1111-4222-8333-444455556666'];
    const what = { revision: 3, recordedAtMs: 1.8e12, commitId, metadata: { actor: 'token:ops', correlationId } };
    const body = new Uint8Array(90);
    const bytes = encodeRecord({ position: 1, streamId: 1 }, { ...what, packedCount: undefined, body });
    expect(bytes.length - body.length).toBeLessThan(60);
  });
});
