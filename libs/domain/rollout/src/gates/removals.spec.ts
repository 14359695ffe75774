import { type HealthBucketClosed, type RemovalRow } from '@sluice/domain-cohorts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { healthBucket, minute, removalRow } from '../examples.ts';
import { type RecallEvent } from '../recall.ts';
import { emptyRemovalLedger, foldRemovalLedger, removalsCounted, removalVerdictOn } from './removals.ts';

const recalled = (startedAt = minute(0), recallEpoch = 1): RecallEvent => {
  return { type: 'RecallStarted', patchId: 'a', recallEpoch, reason: 'it smokes', at: startedAt };
};
const resumed = (resumedAt: string): RecallEvent => {
  return { type: 'RecallResumed', patchId: 'a', recallEpoch: 1, evidenceSeen: 'a lab', at: resumedAt };
};
const removals = (minutes: number, rows: readonly Partial<RemovalRow>[], shard = 0) =>
  healthBucket(minute(minutes), { shard, removals: rows.map(removalRow) });
const begun = (minutes: number, started: number, failed: number, more: Partial<RemovalRow> = {}) =>
  removals(minutes, [{ started, failed, fine: started - failed, ...more }]);
const onModel = (model: string) => ({ slice: { platform: 'ios', model, base: '23D8133' } as const });
const hour = (hours: number) => ({ cohort: removalRow().cohort + hours });

const ledgerAfter = (events: readonly (RecallEvent | HealthBucketClosed)[]) =>
  events.reduce(foldRemovalLedger, emptyRemovalLedger());
const verdictAfter = (...events: readonly (RecallEvent | HealthBucketClosed)[]) =>
  removalVerdictOn(ledgerAfter(events), 'a');
const countedAfter = (...events: readonly (RecallEvent | HealthBucketClosed)[]) =>
  removalsCounted(ledgerAfter(events), 'a');

describe('testing the removals of a recall', () => {
  it('says nothing of a recall of which nothing was counted', () => {
    expect(verdictAfter()).toMatchObject({ says: 'go' });
    expect(verdictAfter(recalled())).toMatchObject({ says: 'go' });
  });

  it('goes on while removals fail as often as is tolerated', () => {
    expect(verdictAfter(recalled(), begun(5, 1000, 50))).toMatchObject({ says: 'go' });
  });

  it('pauses it when they fail more often, and says what it saw', () => {
    expect(verdictAfter(recalled(), begun(5, 40, 4), begun(10, 40, 16))).toMatchObject({
      says: 'pause',
      evidence: {
        rule: 'removals-sum/1',
        patchId: 'a',
        alpha: 0.001,
        since: minute(0),
        through: minute(10),
        words: 'removals fail: 20 of 80, on iPhone18,1 (23D8133)',
        tests: [{ test: 'removals', level: 'slice', trials: 80, failures: 20, toleratedRate: 0.05 }],
      },
    });
  });

  it('counts devices as failed whose outcome is missing', () => {
    expect(verdictAfter(recalled(), begun(5, 80, 0, { fine: 60 }), removals(300, [{ missing: 20 }]))).toMatchObject({
      says: 'pause',
    });
  });

  it('stops nothing for one device', () => {
    expect(verdictAfter(recalled(), begun(5, 1, 1))).toMatchObject({ says: 'go' });
    expect(verdictAfter(recalled(), begun(5, 4, 4))).toMatchObject({ says: 'pause' });
  });

  it('finds what no model shows by itself, and the one model among many', () => {
    const models = Array.from({ length: 40 }, (_, index) => onModel(`iPhone${String(index)},1`));
    const everywhere = models.map((slice) => ({ started: 10, failed: 2, ...slice }));
    expect(verdictAfter(recalled(), removals(5, everywhere))).toMatchObject({
      says: 'pause',
      evidence: { tests: [{ level: 'family', trials: 400, failures: 80 }] },
    });
    const onOne = models.map((slice, index) => ({ started: 200, failed: index === 7 ? 60 : 4, ...slice }));
    expect(verdictAfter(recalled(), removals(5, onOne))).toMatchObject({
      says: 'pause',
      evidence: { tests: [{ of: 'iPhone7,1 (23D8133)', trials: 200, failures: 60 }] },
    });
  });
});

describe('counting removals anew', () => {
  const harm = begun(5, 80, 20);

  it('begins with each recall epoch', () => {
    expect(verdictAfter(recalled(), harm, recalled(minute(6), 2))).toMatchObject({ says: 'go' });
    expect(verdictAfter(recalled(), harm, recalled(minute(6), 2), begun(9, 20, 16))).toMatchObject({ says: 'pause' });
  });

  it('begins with a resumption: those that may still fail stay in, without what had failed before', () => {
    expect(countedAfter(recalled(), harm, resumed(minute(6)))).toEqual({ n: 60, x: 0 });
    expect(countedAfter(recalled(), harm, resumed(minute(6)), removals(9, [{ failed: 3 }]))).toEqual({ n: 60, x: 3 });
  });

  it('drops removals of long ago, and what is still told of them', () => {
    const later = [resumed(minute(80 * 60)), removals(80 * 60 + 5, [{ failed: 3 }])] as const;
    expect(countedAfter(recalled(), harm, ...later)).toEqual({ n: 0, x: 0 });
  });

  it('leaves to the time before a resumption what was counted then, though it comes after it', () => {
    expect(countedAfter(recalled(), resumed(minute(6)), harm)).toEqual({ n: 60, x: 0 });
    expect(verdictAfter(recalled(), resumed(minute(6)), harm)).toMatchObject({ says: 'go' });
  });

  it('takes no notice of what it hears twice', () => {
    const events = [recalled(), harm, resumed(minute(6)), begun(9, 30, 9)];
    expect(verdictAfter(...events, recalled(), resumed(minute(6)))).toEqual(verdictAfter(...events));
  });

  it('comes to the same, to the bit, in whatever order the shards of an instant come', () => {
    const row = fc.record({
      started: fc.integer({ min: 0, max: 20 }),
      failed: fc.integer({ min: 0, max: 5 }),
      model: fc.constantFrom('iPhone18,1', 'iPhone17,1', 'iPad16,3'),
      hours: fc.integer({ min: 0, max: 2 }),
    });
    fc.assert(
      fc.property(fc.array(fc.array(row, { maxLength: 4 }), { minLength: 2, maxLength: 4 }), (shards) => {
        const buckets = shards.map((rows, shard) =>
          removals(
            200,
            rows.map(({ model, hours, ...counts }) => ({ ...counts, ...hour(hours), ...onModel(model) })),
            shard,
          ),
        );
        const history = (of: typeof buckets) => verdictAfter(recalled(), ...of, resumed(minute(201)), begun(210, 9, 4));
        expect(history(buckets.toReversed())).toEqual(history(buckets));
      }),
    );
  });
});
