import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fact, type FactSketch, hashOf, NOON, pack } from './facts.fixture.ts';
import { FactPacker } from './fact-packer.ts';
import { factKinds } from './facts.ts';
import { PackedFactsError, readPackedFacts, unpackFacts } from './packed-facts.ts';
import { goldenCommits, goldenFacts } from './packed-golden.fixture.ts';
import { FACTS_PER_COMMIT_MAX } from './packed-layout.ts';

const nobody = () => undefined;

const sketches: fc.Arbitrary<FactSketch> = fc.record(
  {
    kind: fc.constantFrom(...factKinds),
    device: fc.stringMatching(/^[A-Za-z0-9._:-]{1,64}$/),
    occurredAt: fc.integer({ min: NOON - 1e12, max: NOON + 1e12 }),
    receivedAt: fc.integer({ min: NOON, max: NOON + 10_000 }),
    clockAhead: fc.boolean(),
    said: fc.record(
      {
        model: fc.constantFrom('iPhone18,1', 'iPad16,3'),
        track: fc.constantFrom('automatic', 'manual'),
        ring: fc.constant('beta'),
        region: fc.constant('eu'),
        rolloutId: fc.constantFrom('r1', 'r2'),
        failureCode: fc.constant('E1'),
        detail: fc.string({ unit: 'grapheme', maxLength: 20 }),
      },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: ['kind', 'device', 'receivedAt'] },
);

function complete(sketch: FactSketch): FactSketch {
  return { ...sketch, said: { patchId: 'ios-26.3.1-a', cause: 'recall', ...sketch.said } };
}

describe('packing facts', () => {
  it('gives back, as public events, what was put in', () => {
    fc.assert(
      fc.property(fc.array(sketches, { maxLength: 40 }), (facts) => {
        const events = unpackFacts(pack(...facts.map(complete)), nobody);
        expect(events).toHaveLength(facts.length);
        facts.map(complete).forEach((sketch, index) => {
          const { kind, deviceId, occurredAt, receivedAt, said, clockAhead } = fact(sketch);
          const times = {
            occurredAt: new Date(occurredAt).toISOString(),
            receivedAt: new Date(receivedAt).toISOString(),
          };
          if (kind === 'DeviceRetired') {
            expect(events[index]).toEqual({ type: kind, deviceId, ...times });
            return;
          }
          const { patchId, rolloutId, cause, signal, failureCode, detail, ...profile } = said ?? {};
          const fails = kind === 'PatchInstallFailed' || kind === 'PatchRemoveFailed' || kind === 'IncidentReported';
          expect(events[index]).toEqual({
            type: kind,
            deviceId,
            ...profile,
            ...times,
            ...(clockAhead && { clockAhead }),
            ...(kind !== 'DeviceObserved' && { patchId }),
            ...(kind !== 'DeviceObserved' && kind !== 'IncidentReported' && rolloutId && { rolloutId }),
            ...(kind === 'PatchRolledBack' && { cause }),
            ...(fails && { signal, failureCode, detail }),
          });
        });
      }),
    );
  });

  it('keeps how often a device reports its status, and only of a status', () => {
    const often = { statusEveryHours: 168 };
    const bytes = pack({ said: often }, {}, { kind: 'PatchInstalled', said: { ...often, patchId: 'p' } });
    const rhythms = unpackFacts(bytes, nobody).map((event) => 'statusEveryHours' in event && event.statusEveryHours);
    expect(rhythms).toEqual([168, false, false]);
  });

  it('can be read at any offset of a larger buffer', () => {
    const bytes = pack({}, { device: 'd-2' });
    const larger = new Uint8Array(bytes.length + 7);
    larger.set(bytes, 3);
    expect(unpackFacts(larger.subarray(3, 3 + bytes.length), nobody)).toEqual(unpackFacts(bytes, nobody));
  });

  it('asks for the id that another commit holds, and refuses to publish a device without one', () => {
    const bytes = pack({ withId: false });
    const key = new Uint32Array(Uint8Array.from(hashOf('d-1', 16), (byte) => byte.charCodeAt(0)).buffer);
    expect(unpackFacts(bytes, (words) => (words.join() === key.join() ? 'd-1' : undefined))[0]?.deviceId).toBe('d-1');
    expect(() => unpackFacts(bytes, nobody)).toThrow(PackedFactsError);
  });

  it('starts anew after a commit is finished', () => {
    const packer = new FactPacker();
    packer.add(fact({ device: 'd-1', said: { model: 'Mac16,1' } }));
    packer.finish();
    packer.add(fact({ device: 'd-2' }));
    expect(packer.finish()).toEqual({ bytes: pack({ device: 'd-2' }), count: 1 });
  });

  it('refuses one fact more than a commit can hold', () => {
    const packer = new FactPacker();
    for (let count = 0; count < FACTS_PER_COMMIT_MAX; count += 1) packer.add(fact());
    expect(() => packer.add(fact())).toThrow(RangeError);
    expect(readPackedFacts(packer.finish().bytes).count).toBe(FACTS_PER_COMMIT_MAX);
  });

  it('holds no facts, too', () => {
    expect(unpackFacts(new FactPacker().finish().bytes, nobody)).toEqual([]);
  });
});

describe('reading what former versions wrote', () => {
  const bytesOf = (base64: string) => Uint8Array.from(Buffer.from(base64, 'base64'));
  const known = (words: Uint32Array) => (words.length === 4 ? 'd-2' : undefined);
  const facts = goldenFacts.map((each, index) => ({ ...each, content: index + 1 }));

  it('finds the same facts in each version', () => {
    const events = unpackFacts(pack(...facts), known);
    // Kinds that came later are in no former commit.
    expect(events.map(({ type }) => type).toSorted()).toEqual(factKinds.slice(0, 8).toSorted());
    expect(unpackFacts(bytesOf(goldenCommits[1]), known)).toEqual(events);
    expect(unpackFacts(bytesOf(goldenCommits[2]), known)).toEqual(events);
  });

  it('knows what reports said only from version 2 on', () => {
    expect([...readPackedFacts(bytesOf(goldenCommits[1])).contents]).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
    expect([...readPackedFacts(bytesOf(goldenCommits[2])).contents]).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it('writes the present version, byte by byte', () => {
    expect(Buffer.from(pack(...facts)).toString('base64')).toBe(goldenCommits[2]);
  });
});

describe('reading damaged bytes', () => {
  const whole = pack(
    { said: { patchId: 'p', failureCode: 'E1' }, kind: 'PatchInstallFailed' },
    { device: 'd-2', occurredAt: 0, receivedAt: NOON },
    { kind: 'DeviceRetired' },
  );

  it('refuses every truncation', () => {
    for (let length = 0; length < whole.length; length += 1) {
      expect(() => readPackedFacts(whole.subarray(0, length))).toThrow(PackedFactsError);
    }
  });

  it('refuses an unknown version by its number', () => {
    expect(() => readPackedFacts(Uint8Array.from(whole, (byte, index) => (index === 0 ? 9 : byte)))).toThrow(
      /version 9/,
    );
  });

  it('either reads or refuses whatever byte is changed, and never does anything else', () => {
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), (place, change) => {
        const damaged = Uint8Array.from(whole, (byte, index) => (index === place ? byte ^ change : byte));
        try {
          unpackFacts(damaged, () => 'd-9');
        } catch (error) {
          expect(error).toBeInstanceOf(PackedFactsError);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('refuses a fact about a patch that names none', () => {
    expect(() => readPackedFacts(pack({ kind: 'PatchInstalled' }))).toThrow(PackedFactsError);
  });
});
