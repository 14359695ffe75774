import { type HealthBucketClosed, type InstallRow } from '@sluice/domain-cohorts';
import { fold } from '@sluice/event-sourcing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  evidence,
  granted,
  halted,
  healthBucket,
  installRow,
  minute,
  opened,
  paused,
  planned,
  resumed,
  started,
} from '../examples.ts';
import { type HoldEvent } from '../hold.ts';
import { rolloutDecider } from '../rollout.ts';
import { type RolloutEvent } from '../rollout-messages.ts';
import { type StartedRollout } from '../rollout-state.ts';
import { outcomesOf } from './counts.ts';
import { emptyGateLedger, foldGateLedger, type GateEvent, nextGateHold, restartDue, verdictOn } from './ledger.ts';

const HOUR = 60;
const rollout = fold(rolloutDecider, [planned(), started(), opened(1)]) as StartedRollout;
const FIRST_HOUR = installRow().cohort;

const installs = (minutes: number, rows: readonly Partial<InstallRow>[], shard = 0) =>
  healthBucket(minute(minutes), { shard, installs: rows.map(installRow) });
const trials = (minutes: number, begun: number, failed: number, more: Partial<InstallRow> = {}, shard = 0) =>
  installs(minutes, [{ started: begun, failed, ...more }], shard);
const onModel = (model: string) => ({ slice: { platform: 'ios', model, base: '23D8133' } as const });

function ledgerAfter(events: readonly GateEvent[]) {
  const ledger = events.reduce(foldGateLedger, emptyGateLedger());
  restartDue(ledger);
  return ledger;
}

const verdictAfter = (...events: GateEvent[]) => verdictOn(ledgerAfter(events), rollout);

const held = (model: string, holdId = 'gate-r1-1'): HoldEvent => ({
  type: 'HoldPlaced',
  holdId,
  patchId: 'a',
  slice: { model: [model], base: ['23D8133'] },
  reason: 'installs fail',
  owner: 'gate',
  evidence,
  at: minute(5),
});
const lifted = (at: string): HoldEvent => ({ type: 'HoldLifted', holdId: 'gate-r1-1', reason: 'a lab device', at });

describe('keeping the ledger of the gates', () => {
  it('sums the buckets and shards of a slice', () => {
    const verdict = verdictAfter(started(), trials(1, 20, 2), trials(1, 20, 3, {}, 1), trials(2, 10, 4));
    expect(verdict).toMatchObject({
      says: 'halt',
      evidence: {
        since: minute(0),
        through: minute(2),
        tests: [{ test: 'installs', level: 'slice', trials: 50, failures: 9 }],
      },
    });
  });

  it('restarts at the first start: what had failed before is no evidence', () => {
    expect(verdictAfter(trials(-5, 20, 10), trials(0, 20, 10), started()).says).toBe('go');
    expect(verdictAfter(started(), trials(1, 20, 10)).says).toBe('halt');
  });

  it('counts anew after a halt that somebody looked at, with the trials that may still fail', () => {
    const bad = [started(), trials(1, 20, 10), halted(minute(2))];
    expect(verdictAfter(...bad).says).toBe('halt');
    expect(verdictAfter(...bad, resumed(minute(3))).says).toBe('go');
    expect(verdictAfter(...bad, resumed(minute(3)), trials(4, 20, 10))).toMatchObject({
      evidence: { since: minute(3), tests: [{ trials: 30, failures: 10 }] },
    });
  });

  it('forgets nothing over a pause, nor with a second rollout of the patch, nor by the same event twice', () => {
    const bad = [started(), trials(1, 20, 10), paused(minute(2))];
    expect(verdictAfter(...bad, resumed(minute(3))).says).toBe('halt');
    expect(verdictAfter(...bad, started(minute(3), 'a', 'r2'), started()).says).toBe('halt');
    const again = [started(), trials(1, 20, 0), halted(minute(2)), resumed(minute(3)), trials(4, 0, 10)];
    expect(verdictAfter(...again, halted(minute(2)), resumed(minute(3))).says).toBe('halt');
  });

  it('restarts before the buckets that follow, also when all own events are told first', () => {
    const own = [started(), halted(minute(9)), resumed(minute(10)), halted(minute(19)), resumed(minute(20))];
    const health = [5, 10, 15, 20, 25, 30, 30].map((minutes, index) => trials(minutes, 20, 4, {}, index % 2));
    const byTime = [...own, ...health].sort((left, right) => timeOf(left) - timeOf(right));
    const expected = verdictAfter(...byTime);
    expect(expected).toMatchObject({ says: 'halt', evidence: { since: minute(20) } });
    expect(verdictAfter(...own, ...health)).toEqual(expected);
  });

  it('does not take late failures of trials from before a restart for a failure rate of 100 %', () => {
    const before = [started(), trials(1, 1000, 0), halted(minute(2)), resumed(minute(3))];
    expect(verdictAfter(...before, trials(4, 0, 5)).says).toBe('go');
    expect(verdictAfter(...before, trials(4, 0, 60)).says).toBe('halt');
  });

  it('drops bands that have passed, and what comes to them late', () => {
    const before = [started(), trials(1, 1000, 30), halted(minute(70)), resumed(minute(71))];
    const tests = (...events: GateEvent[]) => {
      const verdict = verdictAfter(...events);
      if (verdict.says === 'go') return [];
      return verdict.evidence.tests.map(({ test, trials: n, failures }) => [test, n, failures]);
    };
    // In the band in progress are those that had not failed; of the one that has passed nothing is left.
    expect(tests(...before, trials(75, 0, 70, { band: 1 }))).toEqual([['installs', 970, 70]]);
    expect(tests(...before, trials(72, 0, 40, { band: 0 }))).toEqual([['installs', 970, 40]]);
  });

  it('comes to the same whatever the order of the shards', () => {
    const rows = [0, 1, 2, 3].map((shard) => trials(5 + (shard % 2), 50, shard, { band: shard % 2 }, shard));
    const expected = verdictAfter(started(), ...rows);
    fc.assert(
      fc.property(fc.shuffledSubarray(rows, { minLength: 4 }), (shuffled) => {
        expect(verdictAfter(started(), ...shuffled)).toEqual(expected);
      }),
    );
  });

  it('lets go of old cohorts, and keeps their counts', () => {
    const old = [started(), trials(1, 50, 9)];
    const later = installs(90 * HOUR, [{ cohort: FIRST_HOUR + 90, started: 1 }]);
    expect(verdictAfter(...old, later)).toMatchObject({ evidence: { tests: [{ trials: 51, failures: 9 }] } });
  });

  it('reads nothing of what was counted before there were cohorts', () => {
    expect(verdictAfter(started(), trials(1, 50, 40, { cohort: 0 })).says).toBe('go');
  });
});

describe('a slice that a gate holds', () => {
  const both = [started(), trials(1, 300, 0), trials(1, 40, 20, onModel('iPhone17,1'))];

  it('leaves every count and pool, until somebody who has seen the evidence lifts the hold', () => {
    expect(verdictAfter(...both)).toMatchObject({ says: 'hold', slice: onModel('iPhone17,1').slice });
    expect(verdictAfter(...both, held('iPhone17,1')).says).toBe('go');
    expect(verdictAfter(...both, held('iPhone17,1'), lifted(minute(6))).says).toBe('go');
    const more = trials(7, 20, 10, onModel('iPhone17,1'));
    expect(verdictAfter(...both, held('iPhone17,1'), lifted(minute(6)), more).says).toBe('hold');
  });

  it('is left out only by a gate, whoever has its name', () => {
    const { evidence: _, ...byPerson } = held('iPhone17,1') as Extract<HoldEvent, { type: 'HoldPlaced' }>;
    expect(verdictAfter(...both, byPerson).says).toBe('hold');
  });

  it('gets an id that nobody has taken', () => {
    expect(nextGateHold(ledgerAfter([]), 'r1')).toBe('gate-r1-1');
    const { evidence: _, ...byPerson } = held('iPhone17,1', 'gate-r1-2') as Extract<HoldEvent, { type: 'HoldPlaced' }>;
    expect(nextGateHold(ledgerAfter([held('iPhone17,1'), byPerson]), 'r1')).toBe('gate-r1-3');
  });
});

describe('looking often', () => {
  const models = fc.constantFrom('iPhone18,1', 'iPhone17,1', 'iPad16,3').map(onModel);
  const happening = fc.oneof(
    fc.record({ does: fc.constant('install' as const), on: models, failed: fc.integer({ min: 0, max: 3 }) }),
    fc.record({ does: fc.constant('crash' as const), on: models, place: fc.integer({ min: 0, max: 999_999 }) }),
    fc.record({ does: fc.constantFrom('hold' as const, 'lift' as const, 'resume' as const) }),
  );
  const history = fc.array(fc.tuple(happening, fc.integer({ min: 1, max: 200 })), { maxLength: 40 });

  function eventsOf(each: Happening, minutes: number): GateEvent[] {
    const at = minute(minutes);
    switch (each.does) {
      case 'install': {
        const cohort = FIRST_HOUR + Math.floor(minutes / HOUR);
        return [trials(minutes, 3, each.failed, { ...each.on, cohort })];
      }
      case 'crash': {
        const place = { place: each.place, minute: minutes - 1, received: minutes - 1 };
        const harm = [{ rolloutId: 'r1', ...each.on, signal: 'crash', waves: 1, ...place }];
        return [healthBucket(at, { harm })];
      }
      case 'hold':
        return [held('iPhone17,1')];
      case 'lift':
        return [lifted(at)];
      case 'resume':
        return [halted(at), resumed(at)];
    }
  }
  type Happening = typeof happening extends fc.Arbitrary<infer Value> ? Value : never;

  it('says after each event what one look at all of them says', () => {
    const begin = [planned(), started(), opened(1), granted(1, 0, 100_000, { percents: [0, 90] })];
    fc.assert(
      fc.property(history, (all) => {
        const ledger = ledgerAfter(begin);
        let [minutes, before] = [0, begin as GateEvent[]];
        for (const [each, later] of all) {
          minutes += later;
          const events = eventsOf(each, minutes);
          before = [...before, ...events];
          for (const event of events) foldGateLedger(ledger, event);
          restartDue(ledger);
          expect(verdictOn(ledger, rollout)).toEqual(verdictAfter(...before));
        }
      }),
      { numRuns: 40 },
    );
  });
});

describe('counting outcomes', () => {
  it('counts those of trials since the hour in which the wave opened, and all there are', () => {
    const later = { ...rollout, waveOpenedAt: minute(150) };
    const ledger = ledgerAfter([
      started(),
      trials(1, 10, 1, { fine: 5 }),
      trials(125, 10, 2, { cohort: FIRST_HOUR + 2, fine: 3 }),
      trials(185, 10, 1, { cohort: FIRST_HOUR + 3, relapsed: 1 }),
    ]);
    const counted = { trialsOfWave: 20, knownOfWave: 5, known: 11, pending: 0 };
    expect(outcomesOf(ledger, later, Date.parse(minute(0)))).toEqual({ ...counted, dueOfWave: 0, knownOfDue: 0 });
    expect(outcomesOf(ledger, later, Infinity)).toEqual({ ...counted, dueOfWave: 20, knownOfDue: 5 });
  });
});

function timeOf(event: RolloutEvent | HealthBucketClosed): number {
  return Date.parse(event.type === 'HealthBucketClosed' ? event.to : event.at);
}

describe('a slice that gets no package', () => {
  const unreached = (minutes: number, model: string, count: number) =>
    healthBucket(minute(minutes), { unreached: [{ patchId: 'a', ...onModel(model), count }] });
  const others = (minutes: number) => trials(minutes, 20, 0, onModel('iPhone17,1'));

  it('is held while the others go on, once, and counts anew when the hold is lifted', () => {
    const before = [started(), others(1), unreached(2, 'iPhone18,1', 20)];
    expect(verdictAfter(...before)).toMatchObject({
      says: 'hold',
      slice: { model: 'iPhone18,1' },
      evidence: { rule: 'package/1', words: 'of the last 20 tries 20 got no package, on iPhone18,1 (23D8133) only' },
    });
    const after = [...before, held('iPhone18,1'), unreached(6, 'iPhone18,1', 20)];
    expect(verdictAfter(...after)).toMatchObject({ says: 'go' });
    const again = [...after, lifted(minute(7)), others(8), unreached(9, 'iPhone18,1', 20)];
    expect(verdictAfter(...again)).toMatchObject({ says: 'hold', slice: { model: 'iPhone18,1' } });
  });
});

describe('failures whose start came too late', () => {
  const waiting = (count: number) =>
    healthBucket(minute(2), { pending: [{ patchId: 'a', ...onModel('iPhone18,1'), count }] });
  const says = (devices: number, ...events: GateEvent[]) =>
    verdictOn(ledgerAfter([started(), ...events]), rollout, { devicesOf: () => devices });

  it('count at once where it is harm even if all other known devices turn out well', () => {
    expect(says(34, trials(1, 34, 0), waiting(30))).toMatchObject({
      says: 'halt',
      evidence: {
        words: 'installs fail, and their starts come too late: 30 of 34 devices, on iPhone18,1 (23D8133)',
        tests: [{ test: 'installs-waiting', trials: 34, failures: 30 }],
      },
    });
    expect(says(20_000, trials(1, 34, 0), waiting(30))).toMatchObject({ says: 'go' });
    expect(says(20_000, waiting(1000))).toMatchObject({ says: 'halt' });
  });

  it('count no more once a person has resumed, but for further ones', () => {
    const resumedAfter = [halted(minute(3)), resumed(minute(4)), trials(5, 1, 0)];
    expect(says(34, trials(1, 34, 0), waiting(30), ...resumedAfter)).toMatchObject({ says: 'go' });
    const more = healthBucket(minute(6), { pending: [{ patchId: 'a', ...onModel('iPhone18,1'), count: 60 }] });
    expect(says(100, trials(1, 34, 0), waiting(30), ...resumedAfter, more)).toMatchObject({ says: 'halt' });
  });
});
