import { type HealthBucketClosed } from '@sluice/domain-cohorts';
import { fold } from '@sluice/event-sourcing';
import { describe, expect, it } from 'vitest';
import {
  aborted,
  completed,
  granted,
  healthBucket,
  installRow,
  minute,
  minuteMs,
  opened,
  phonesWave,
  planned,
  started,
} from '../examples.ts';
import { rolloutDecider } from '../rollout.ts';
import { type RolloutEvent } from '../rollout-messages.ts';
import { type StartedRollout } from '../rollout-state.ts';
import { outcomesOf } from './counts.ts';
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
const patchIn = ({ patches }: GateLedger) => patches.get('a') ?? expect.unreachable();

describe('letting go of what nothing comes to any more', () => {
  it('keeps no table of a patch whose watch is over, though no bucket tells of it', () => {
    const ledger = ledgerAfter([...begin, ...hours(48)]);
    const full = sizeOf(ledger);
    for (const event of [...completion, ...letIn]) foldGateLedger(ledger, event);
    foldGateLedger(ledger, quiet(5 * DAY));
    expect(patchIn(ledger).harm.size).toBe(1);
    foldGateLedger(ledger, quiet(5 * DAY + 2 * HOUR));
    expect(patchIn(ledger).harm.size).toBe(0);
    foldGateLedger(ledger, quiet(7 * DAY));
    const left = sizeOf(ledger);
    expect(left).toBeLessThan(full / 4);
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

  it('keeps the incidents while there are devices without the patch to compare with', () => {
    const half = { ...toAll, ramp: { ...toAll.ramp, toPercent: 50 } };
    const partly = [planned({ waves: [half], holdBackPercent: 2 }), started(), opened(1)];
    const ramp = granted(1, 0, DAY, { percents: [0, 50] });
    const ledger = ledgerAfter([...partly, ramp, ...hours(24), ...completion, ...letIn, quiet(90 * DAY)]);
    expect(patchIn(ledger).harm.get('r1')?.minutesAt(minuteMs(0))).toBe(0);
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
    const timeOf = (event: GateEvent) => Date.parse(event.type === 'HealthBucketClosed' ? event.to : event.at);
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
