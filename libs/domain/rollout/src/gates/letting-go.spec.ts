import { type HealthBucketClosed, sliceKey } from '@sluice/domain-cohorts';
import { fold } from '@sluice/event-sourcing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  aborted,
  completed,
  evidence,
  granted,
  healthBucket,
  installRow,
  minute,
  minuteMs,
  opened,
  paused,
  phonesWave,
  planned,
  started,
} from '../examples.ts';
import { type HoldEvent } from '../hold.ts';
import { rolloutDecider } from '../rollout.ts';
import { type RolloutEvent } from '../rollout-messages.ts';
import { type StartedRollout } from '../rollout-state.ts';
import { outcomesOf } from './counts.ts';
import { type HarmTally } from './harm.ts';
import { emptyGateLedger, foldGateLedger, type GateEvent, type GateLedger, restartDue, verdictOn } from './ledger.ts';

const HOUR = 60;
const DAY = 24 * HOUR;
const toAll = { ...phonesWave, ramp: { fromPercent: 0, toPercent: 100, minutes: DAY } };
const begin: RolloutEvent[] = [
  planned({ waves: [toAll], holdBackPercent: 2 }),
  started(),
  opened(1),
  granted(1, 0, DAY, { percents: [0, 100] }),
];
const completion: RolloutEvent[] = [completed(minute(2 * DAY))];
const letIn: RolloutEvent[] = [
  { ...granted(1, 5 * DAY, 5 * DAY + 1, { percents: [98, 100] }), because: 'hold-back' } as RolloutEvent,
];
const rollout = fold(rolloutDecider, begin) as StartedRollout;
const onModel = (model: string) => ({ slice: { platform: 'ios', model, base: '23D8133' } as const });
const cohortAt = (minutes: number) => installRow().cohort + Math.floor(minutes / HOUR);

/** An hour of installs and crashes on all models. */
function hour(minutes: number, failed = 0): HealthBucketClosed {
  const models = Array.from({ length: 10 }, (_, index) => onModel(`iPhone1,${String(index)}`));
  const counts = { started: 10, fine: 10 - failed, failed, due: 10, cohort: cohortAt(minutes) };
  const harm = models.map((slice, index) => {
    const times = { minute: minutes, received: minutes };
    return { rolloutId: 'r1', ...slice, signal: 'crash', waves: 1, place: index * 99_000, ...times };
  });
  const installs = models.map((slice) => installRow({ ...slice, ...counts }));
  return { ...healthBucket(minute(minutes + 1), { installs, harm }), from: minute(minutes) };
}
/** A bucket that tells of the patch, and counts nothing. */
const nothingNew = (minutes: number) =>
  healthBucket(minute(minutes), { pending: [{ patchId: 'a', ...onModel('iPhone1,0'), count: 0 }] });
/** Nothing but time. */
const quiet = (minutes: number) => healthBucket(minute(minutes), {});
const hours = (count: number, failed = 0) => Array.from({ length: count }, (_, index) => hour(index * HOUR, failed));
const ledgerAfter = (events: readonly GateEvent[]) => events.reduce(foldGateLedger, emptyGateLedger());

/** How many numbers, texts and objects are kept. */
function sizeOf(value: unknown, seen = new Set<unknown>()): number {
  if (typeof value !== 'object' || value === null) return 1;
  if (seen.has(value)) return 0;
  seen.add(value);
  const inside = value instanceof Map || value instanceof Set ? [...value.entries()].flat() : Object.values(value);
  return inside.reduce((size: number, each: unknown) => size + sizeOf(each, seen), 1);
}
const look = (ledger: GateLedger) => verdictOn(ledger, rollout);
const timeOf = (event: GateEvent) => Date.parse(event.type === 'HealthBucketClosed' ? event.to : event.at);
const patchIn = ({ patches }: GateLedger) => patches.get('a') ?? expect.unreachable();

describe('letting go of what nothing comes to any more', () => {
  it('keeps no table of the trials of a patch that is rolled out, though no bucket tells of it', () => {
    const ledger = ledgerAfter([...begin, ...hours(48)]);
    look(ledger);
    const full = sizeOf(ledger);
    for (const event of [...completion, ...letIn]) foldGateLedger(ledger, event);
    foldGateLedger(ledger, quiet(7 * DAY));
    const left = sizeOf(ledger);
    expect(left).toBeLessThan(full / 2);
    for (let day = 8; day < 100; day += 1) foldGateLedger(ledger, quiet(day * DAY));
    expect(sizeOf(ledger)).toBe(left);
  });

  it('stays as large as it was, however long a rollout goes on', () => {
    const ledger = ledgerAfter(begin);
    const sizes = [7, 14, 28].map((day, index, days) => {
      for (let minutes = (days[index - 1] ?? 0) * DAY; minutes < day * DAY; minutes += HOUR)
        foldGateLedger(ledger, hour(minutes));
      return sizeOf(ledger);
    });
    expect(sizes[1]).toBeLessThan(1.05 * (sizes[0] ?? 0));
    expect(sizes[2]).toBeLessThan(1.05 * (sizes[0] ?? 0));
  });

  it('counts the outcomes of a wave as before, also when its hours are put together', () => {
    const ledger = ledgerAfter([...begin, ...hours(30)]);
    const later = { ...rollout, waveOpenedAt: minute(20 * HOUR) };
    foldGateLedger(ledger, { ...opened(1), at: minute(20 * HOUR) });
    const before = [rollout, later].map((each) => outcomesOf(ledger, each, Infinity));
    expect(before).toMatchObject([{ trialsOfWave: 3000 }, { trialsOfWave: 1000 }]);
    foldGateLedger(ledger, quiet(9 * DAY));
    expect(patchIn(ledger).outcomes.hours.size).toBe(2);
    expect([rollout, later].map((each) => outcomesOf(ledger, each, Infinity))).toEqual(before);
  });
});

describe('the evidence of incidents after the watch', () => {
  const WATCH_ENDS = 5 * DAY;
  /** Incidents in the minute before, in the bucket of a shard; places in percent. */
  function crashes(minutes: number, places: readonly number[], { shard = 0, model = 'iPhone1,0' } = {}) {
    const at = { minute: minutes - 1, received: minutes - 1 };
    const harm = places.map((place) => {
      return { rolloutId: 'r1', ...onModel(model), signal: 'crash', waves: 1, place: place * 10_000, ...at };
    });
    return { ...healthBucket(minute(minutes), { harm, shard, shards: 2 }), from: minute(minutes - 1) };
  }
  const evenly = (count: number, from: number, to: number) =>
    Array.from({ length: count }, (_, index) => from + ((index + 0.5) * (to - from)) / count);
  /** Devices with the patch crash at half of the ramp: enough to wait, too little to stop. Incidents are told at once. */
  const good = Array.from({ length: 12 }, (_, index) => crashes(index + 2, [90]));
  const harm = [crashes(DAY / 2, evenly(9, 0, 49)), crashes(DAY / 2 + 1, evenly(9, 0, 49))];
  const waiting: GateEvent[] = [...begin, ...good, ...harm];
  const over: GateEvent[] = [...completion, ...letIn];
  const logSumAfter = (...events: GateEvent[]) => {
    const ledger = ledgerAfter(events);
    const verdict = verdictOn(ledger, rollout);
    expect(verdict.says).toBe('wait');
    return 'evidence' in verdict ? verdict.evidence.logSum : NaN;
  };

  it.each([
    ['nothing more comes', [] as GateEvent[]],
    ['it was paused meanwhile', [paused(minute(5 * DAY + 5)) as GateEvent]],
    [
      'its devices are told of',
      Array.from({ length: 30 }, (_, index) => nothingNew(WATCH_ENDS + (index + 1) * 12 * HOUR)),
    ],
    ['devices crash, with none left to compare with', [6, 7, 8].map((day) => crashes(day * DAY, evenly(40, 0, 99)))],
  ])('is what it was when it waited, where %s', (_what, more) => {
    const watched = [...waiting, ...over, nothingNew(WATCH_ENDS)];
    const before = logSumAfter(...watched);
    const events = [...watched, quiet(WATCH_ENDS + 2), quiet(WATCH_ENDS + HOUR), ...more, quiet(60 * DAY)];
    expect(Math.abs(logSumAfter(...events) - before)).toBeLessThan(1e-9);
  });

  it('takes what a slow shard tells of the time before, also in the bucket that lets go', () => {
    const [first, ...rest] = harm.map((bucket) => ({ ...bucket, shard: 1 }));
    if (first === undefined) expect.unreachable();
    const inTime = logSumAfter(...begin, ...good, first, ...rest, ...over, quiet(WATCH_ENDS + HOUR));
    const behind = logSumAfter(...begin, ...good, ...over, quiet(WATCH_ENDS + HOUR), first, ...rest);
    expect(Math.abs(behind - inTime)).toBeLessThan(1e-9);
  });

  it.each([
    ['all have the patch', 100, true],
    ['half are left without it', 50, false],
  ])('is over where %s', (_what, toPercent, isOver) => {
    const wave = { ...toAll, ramp: { ...toAll.ramp, toPercent } };
    const ramp = granted(1, 0, DAY, { percents: [0, toPercent] });
    const partly = [planned({ waves: [wave], holdBackPercent: 2 }), started(), opened(1), ramp, ...over];
    const harmOf = (events: GateEvent[]) => patchIn(ledgerAfter(events)).harm.get('r1');
    expect(harmOf(partly)?.isOver(minuteMs(90 * DAY))).toBe(isOver);
    expect(harmOf(partly.slice(0, -1))?.isOver(minuteMs(90 * DAY))).toBe(false);
  });

  it('is what it was, whatever happened, however long nothing more does', () => {
    const happening = fc.record({
      later: fc.integer({ min: 1, max: 400 }),
      model: fc.constantFrom('iPhone1,0', 'iPhone1,1', 'iPad1,1'),
      shard: fc.integer({ min: 0, max: 1 }),
      places: fc.array(fc.integer({ min: 0, max: 99 }), { minLength: 1, maxLength: 8 }),
    });
    fc.assert(
      fc.property(fc.array(happening, { minLength: 1, maxLength: 20 }), (all) => {
        const ledger = ledgerAfter([...begin, ...good]);
        let minutes = 20;
        for (const { later, places, ...of } of all) foldGateLedger(ledger, crashes((minutes += later), places, of));
        for (const event of over) foldGateLedger(ledger, event);
        const before = look(ledger);
        for (let day = 5; day < 40; day += 5) foldGateLedger(ledger, quiet(day * DAY));
        expect(look(ledger)).toEqual(before);
      }),
      { numRuns: 60, seed: 1 },
    );
  });

  it('is pooled anew without a slice that is held after the watch', () => {
    const others = [crashes(DAY / 2, evenly(12, 0, 49), { model: 'iPhone1,1' })];
    const heldAfter: HoldEvent = {
      ...{ type: 'HoldPlaced', holdId: 'gate-r1-1', patchId: 'a', reason: 'they crash', owner: 'gate', evidence },
      ...{ slice: { model: ['iPhone1,1'], base: ['23D8133'] }, at: minute(20 * DAY) },
    };
    const ended = [...over, quiet(WATCH_ENDS), quiet(WATCH_ENDS + HOUR)];
    const without = logSumAfter(...waiting, ...others, heldAfter, ...over);
    expect(Math.abs(logSumAfter(...waiting, ...others, ...ended, heldAfter) - without)).toBeLessThan(1e-9);
  });

  it('is the same to the bit in a replay, and where all own events come first', () => {
    const health = [...good, ...harm, quiet(WATCH_ENDS), quiet(WATCH_ENDS + HOUR), nothingNew(9 * DAY)];
    const own = [...begin, ...over];
    const inTime = [...own, ...health].sort((left, right) => timeOf(left) - timeOf(right));
    const live = emptyGateLedger();
    const verdicts = inTime.map((event) => verdictOn(foldGateLedger(live, event), rollout));
    inTime.forEach((_, index) => {
      expect(verdictOn(ledgerAfter(inTime.slice(0, index + 1)), rollout)).toEqual(verdicts[index]);
    });
    expect(verdictOn(ledgerAfter([...own, ...health]), rollout)).toEqual(verdicts.at(-1));
    expect(verdicts.at(-1)?.says).toBe('wait');
  });

  it('keeps of a slice and signal the last onsets and one sum, and of pools nothing', () => {
    const ledger = ledgerAfter([...begin, ...hours(120), ...over]);
    look(ledger);
    const talliesIn = () => [...Array(10).keys()].flatMap((model) => [...talliesOf(ledger, model).values()]);
    expect(talliesIn().some(({ begins }) => begins.size > 1)).toBe(true);
    for (let day = 5; day < 60; day += 1) foldGateLedger(ledger, quiet(day * DAY));
    expect(talliesIn().length).toBe(10);
    for (const { sums, pools, begins } of talliesIn()) {
      expect(sums).toBeInstanceOf(Float64Array);
      // At most 24 onsets and all before them, of ten numbers each.
      expect((sums as Float64Array).length).toBeLessThanOrEqual(250);
      expect([pools.size, begins.size]).toEqual([0, 0]);
    }
    const left = sizeOf(ledger);
    for (let minutes = 60 * DAY; minutes < 70 * DAY; minutes += HOUR) foldGateLedger(ledger, hour(minutes));
    foldGateLedger(ledger, quiet(90 * DAY));
    // The installs of the last periods came to it, and no incident.
    for (const { sums } of talliesIn()) expect((sums as Float64Array).length).toBeLessThanOrEqual(250);
    expect(sizeOf(ledger)).toBeLessThan(1.5 * left);
  });

  const talliesOf = (ledger: GateLedger, model: number): ReadonlyMap<string, HarmTally> =>
    patchIn(ledger)
      .harm.get('r1')
      ?.tallies(sliceKey(onModel(`iPhone1,${String(model)}`).slice)) ?? new Map();
});

describe('the evidence of trials to which nothing comes any more', () => {
  const cohorts = [0, 30, 60].map((hours) => hour(hours * HOUR, 1));
  const begun: GateEvent[] = [...begin, ...cohorts];

  it('is what it was when all of their ages had passed', () => {
    const ledger = ledgerAfter(begun);
    foldGateLedger(ledger, nothingNew(6 * DAY));
    const before = look(ledger);
    expect(before.says).not.toBe('go');
    for (let day = 7; day < 60; day += 1) foldGateLedger(ledger, nothingNew(day * DAY));
    const after = look(ledger);
    expect('evidence' in after && { ...after.evidence, through: '' }).toEqual(
      'evidence' in before && { ...before.evidence, through: '' },
    );
  });

  it('begins anew for a slice whose hold is lifted, and stays for the others', () => {
    const held: HoldEvent = {
      ...{ type: 'HoldPlaced', holdId: 'gate-r1-1', patchId: 'a', reason: 'they fail', owner: 'gate', evidence },
      ...{ slice: { model: ['iPhone1,0'], base: ['23D8133'] }, at: minute(8 * DAY) },
    };
    const lifted: HoldEvent = { type: 'HoldLifted', holdId: 'gate-r1-1', reason: 'a lab', at: minute(9 * DAY) };
    const ledger = ledgerAfter([...begun, quiet(7 * DAY), held, lifted, quiet(10 * DAY)]);
    const of = (model: number) =>
      patchIn(ledger)
        .slices.get(sliceKey(onModel(`iPhone1,${String(model)}`).slice))
        ?.counts(minuteMs(10 * DAY)).all;
    expect([of(0), of(1)]).toEqual([
      { n: 0, x: 0 },
      { n: 30, x: 3 },
    ]);
  });
});

describe('another rollout of a patch whose ledger has let go', () => {
  const bad = [...begin, ...hours(4, 3), aborted(minute(5 * HOUR))];
  const again = (evidenceSeen?: string): RolloutEvent[] => [
    { ...planned({ waves: [toAll] }), rolloutId: 'r2' },
    { ...started(minute(20 * DAY), 'a', 'r2'), ...(evidenceSeen && { evidenceSeen }) },
  ];
  const second = { ...rollout, rolloutId: 'r2' };
  const verdictAfter = (events: readonly GateEvent[]) => {
    const ledger = ledgerAfter(events);
    restartDue(ledger);
    return verdictOn(ledger, second);
  };

  it('begins with the counts of the patch, unless somebody has named them', () => {
    expect(verdictAfter([...bad, quiet(15 * DAY), ...again(), quiet(20 * DAY + 2)])).toMatchObject({
      says: 'hold',
      evidence: {
        tests: [
          { test: 'installs', trials: 400, failures: 120 },
          { trials: 40, failures: 12 },
        ],
      },
    });
    expect(verdictAfter([...bad, quiet(15 * DAY), ...again('the first ones'), quiet(20 * DAY + 2)]).says).toBe('go');
  });

  it('is judged the same in a replay, also when all own events come first', () => {
    const health = [...hours(30, 1), quiet(4 * DAY), ...[6, 7, 12].map((day) => hour(day * DAY, 1)), quiet(15 * DAY)];
    const own = [...begin, ...completion, ...letIn, ...again()];
    const inTime = [...own, ...health].sort((left, right) => timeOf(left) - timeOf(right));
    const live = emptyGateLedger();
    for (const [index, event] of inTime.entries()) {
      foldGateLedger(live, event);
      restartDue(live);
      const now = [rollout, second].map((each) => verdictOn(live, each));
      const replayed = ledgerAfter(inTime.slice(0, index + 1));
      restartDue(replayed);
      expect([rollout, second].map((each) => verdictOn(replayed, each))).toEqual(now);
    }
    const ownFirst = ledgerAfter([...own, ...health]);
    restartDue(ownFirst);
    expect([rollout, second].map((each) => verdictOn(ownFirst, each))).toEqual(
      [rollout, second].map((each) => verdictOn(live, each)),
    );
  });
});
