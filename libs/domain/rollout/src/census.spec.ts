import { type Population } from '@sluice/domain-cohorts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Census, emptyCensus, foldCensus, populationsOf, previewRollout, slicesOf } from './census.ts';
import { healthBucket, minute, phonesWave, plan, policyOf, published as publication } from './examples.ts';
import { type PublishedPatch } from './catalog-events.ts';

const published = policyOf(publication('a')).patches.get('a')?.published as PublishedPatch;

const population = (model: string, devices: number, change: Partial<Population> = {}): Population => {
  return { platform: 'ios', model, base: '23D8133', track: 'automatic', devices, ...change };
};
const bucket = (shard: number, ...populations: Population[]) => ({
  ...healthBucket(minute(1), { shard, shards: 2 }),
  populations,
});

const census = [
  bucket(0, population('iPhone18,1', 10), population('iPad16,3', 5), population('iPhone18,1', 70, { base: '23X1' })),
  bucket(1, population('iPhone18,1', 50), population('iPhone17,1', 30, { ring: 'beta', track: 'manual' })),
  // Only what changed comes again, as an absolute count.
  bucket(0, population('iPhone18,1', 70)),
].reduce(foldCensus, emptyCensus());

describe('previewing a rollout', () => {
  it('counts per wave and slice who would get it', () => {
    expect(previewRollout(plan, published, census)).toEqual([
      {
        wave: 1,
        name: 'beta',
        ring: 'beta',
        eligible: 30,
        expected: 30,
        slices: [{ platform: 'ios', model: 'iPhone17,1', base: '23D8133', eligible: 30, expected: 30 }],
      },
      {
        wave: 2,
        name: 'phones',
        eligible: 150,
        expected: 147,
        slices: [
          { platform: 'ios', model: 'iPhone18,1', base: '23D8133', eligible: 120, expected: 118 },
          { platform: 'ios', model: 'iPhone17,1', base: '23D8133', eligible: 30, expected: 29 },
        ],
      },
    ]);
  });

  it('expects as many as the end of the ramp reaches', () => {
    const half = { ...phonesWave, ramp: { fromPercent: 0, toPercent: 50, minutes: 10 } };
    expect(previewRollout({ ...plan, waves: [half] }, published, census)).toMatchObject([
      { eligible: 150, expected: 75 },
    ]);
  });
});

describe('asking between buckets', () => {
  it('gives the same populations, in the same order, as asking once', () => {
    const line = fc.record({
      shard: fc.integer({ min: 0, max: 2 }),
      model: fc.constantFrom('iPhone18,1', 'iPhone17,1', 'iPad16,3'),
      devices: fc.integer({ min: 0, max: 3 }),
      awake: fc.integer({ min: 0, max: 3 }),
    });
    const listed = (known: Census) => [...populationsOf(published, known)].map((each) => ({ ...each }));
    fc.assert(
      fc.property(fc.array(line), (all) => {
        const buckets = all.map(({ shard, model, devices, awake }) =>
          bucket(shard, population(model, devices, { awake: Math.min(awake, devices) })),
        );
        const asked = emptyCensus();
        for (const [index, each] of buckets.entries()) {
          foldCensus(asked, each);
          const once = buckets.slice(0, index + 1).reduce(foldCensus, emptyCensus());
          expect(listed(asked)).toEqual(listed(once));
        }
      }),
    );
  });
});

describe('counting the slices that a gate tests', () => {
  it('takes models and bases of the patch that some wave is for', () => {
    expect(slicesOf(plan, published)).toHaveLength(3);
    const models = slicesOf({ ...plan, waves: [phonesWave] }, published).map(({ model }) => model);
    expect(models).toEqual(['iPhone18,1', 'iPhone17,1']);
  });
});
