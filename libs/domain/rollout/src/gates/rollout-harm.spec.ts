import { type HarmRow, sliceKey } from '@sluice/domain-cohorts';
import { describe, expect, it } from 'vitest';
import { fold } from '@sluice/event-sourcing';
import {
  aborted,
  granted,
  healthBucket,
  installRow,
  minute,
  minuteMs,
  opened,
  phonesWave,
  planned,
  resumed,
  started,
} from '../examples.ts';
import { rolloutDecider } from '../rollout.ts';
import { type RolloutEvent } from '../rollout-messages.ts';
import { type StartedRollout } from '../rollout-state.ts';
import { harmCounts } from './harm.ts';
import { emptyGateLedger, foldGateLedger, verdictOn } from './ledger.ts';
import { RolloutHarm } from './rollout-harm.ts';
import { ShareHistory } from './share-history.ts';

const { slice } = installRow();
const wide = { ...phonesWave, ramp: { fromPercent: 0, toPercent: 100, minutes: 1000 } };
const plan = { waves: [wide], holdBackPercent: 2 };
const begin: RolloutEvent[] = [planned(plan), started(), opened(1)];
/** From 0 to 100 % in 1000 minutes. */
const ramp = granted(1, 0, 1000, { percents: [0, 100] });

function crash(place: number, minutes: number, change: Partial<HarmRow> = {}): HarmRow {
  return {
    rolloutId: 'r1',
    slice,
    signal: 'crash',
    waves: 1,
    place: place * 10_000,
    minute: minutes,
    received: minutes,
    ...change,
  };
}

describe('the share of buckets over time', () => {
  it('is kept in as few knots as a steady ramp needs, and is what was granted', () => {
    const history = new ShareHistory();
    for (let from = 0; from < 1000; from += 1)
      history.goes({ atMs: from, percent: from / 10 }, { atMs: from + 1, percent: (from + 1) / 10 });
    expect(JSON.stringify(history).match(/atMs/g)).toHaveLength(2);
    for (const ms of [0, 1, 333.5, 999, 1000]) expect(history.at(ms)).toBeCloseTo(ms / 10, 9);
    expect([history.at(-1), history.at(2000)]).toEqual([0, 100]);
  });

  it('jumps, stands, is cut short, and goes on', () => {
    const history = new ShareHistory();
    history.goes({ atMs: 10, percent: 20 }, { atMs: 20, percent: 20 });
    history.goes({ atMs: 20, percent: 20 }, { atMs: 40, percent: 40 });
    history.cut(30);
    history.goes({ atMs: 60, percent: 50 }, { atMs: 70, percent: 60 });
    expect([5, 10, 15, 25, 30, 45, 59, 60, 65, 80].map((ms) => history.at(ms))).toEqual([
      0, 20, 20, 25, 30, 30, 30, 50, 55, 60,
    ]);
    history.cut(30);
    history.cut(90);
    expect([29, 45, 95].map((ms) => history.at(ms))).toEqual([29, 30, 30]);
  });
});

describe('harm against devices without the patch', () => {
  const watch = () => {
    const harm = new RolloutHarm(fold(rolloutDecider, begin), minuteMs(0));
    harm.apply(ramp);
    return harm;
  };
  const bucket = (from: number) => ({ fromMs: minuteMs(from), toMs: minuteMs(from + 1) });
  /** Enough incidents of the control group to tell that they are told at once, or that they are not. */
  const control = (harm: RolloutHarm, delay: number, count = 12) => {
    for (let index = 0; index < count; index += 1)
      harm.add(crash(90, 500, { received: 500 + delay }), bucket(500 + delay));
  };
  const counted = (harm: RolloutHarm) => harmCounts([...harm.tallies(sliceKey(slice)).values()]);

  it('is treated below the share at the begin of the bucket, control above it at its end', () => {
    const harm = watch();
    control(harm, 0);
    for (const place of [10, 49.9, 50.05, 50.2, 99]) harm.add(crash(place, 500), bucket(500));
    expect(counted(harm)).toMatchObject({ treated: 2, events: 12 + 4 });
    expect(counted(harm).expectedShare).toBeCloseTo(0.5, 2);
  });

  it('waits for what an install flushes where incidents are kept, of connectivity always, and while too few are known', () => {
    // At 500 minutes half is exposed; five hours before it was a fifth.
    const events = (harm: RolloutHarm, change: Partial<HarmRow> = {}) => {
      for (const place of [10, 30]) harm.add(crash(place, 500, change), bucket(500));
      return harmCounts([harm.tallies(sliceKey(slice)).get(change.signal ?? 'crash') ?? fail()]).treated;
    };
    const late = watch();
    control(late, 30);
    expect(events(late)).toBe(1);
    const soon = watch();
    control(soon, 0);
    expect(events(soon)).toBe(2);
    expect(events(watch(), { signal: 'connectivity' })).toBe(1);
    expect(events(watch())).toBe(1);
  });

  // It befalls devices an hour after their exposure, and those without the patch never.
  it('sees what only devices with the patch report, at once, and waits where they had kept it', () => {
    const treated = (change: Partial<HarmRow>) => {
      const harm = watch();
      for (let each = 0; each < 12; each += 1)
        harm.add(crash(40 + each / 2, 500, change), bucket(change.received ?? 500));
      return counted(harm).treated;
    };
    expect(treated({ signal: 'compatibility' })).toBe(12);
    expect(treated({ signal: 'compatibility', received: 510 })).toBe(0);
    expect(treated({ signal: 'connectivity' })).toBe(0);
  });

  it('judges silence by who was exposed hours before, however soon it is told', () => {
    const harm = watch();
    for (let each = 0; each < 12; each += 1) harm.add(crash(90, 500, { signal: 'silent' }), bucket(500));
    for (const place of [10, 30]) harm.add(crash(place, 500, { signal: 'silent' }), bucket(500));
    expect(counted(harm)).toMatchObject({ treated: 1, events: 13 });
  });

  it('begins anew with a resumption, and for a slice whose hold was lifted', () => {
    const harm = watch();
    control(harm, 0);
    harm.forget(slice, minuteMs(0));
    expect(harm.tallies(sliceKey(slice)).size).toBe(0);
    control(harm, 0);
    harm.restart(minuteMs(600));
    expect(harm.tallies(sliceKey(slice)).size).toBe(0);
    // A shard that is slow tells what was before: in a replay that comes before the restart.
    harm.add(crash(10, 590), bucket(590));
    expect(harm.tallies(sliceKey(slice)).size).toBe(0);
    harm.add(crash(10, 620), bucket(620));
    expect(harm.tallies(sliceKey(slice)).size).toBe(1);
    expect(harm.minutesAt(minuteMs(660))).toBe(60);
  });
});

/** So many incidents of devices inside and outside the exposure, in the bucket of a minute. */
function incidents(minutes: number, inside: number, outside: number, shard = 0) {
  const rows = [
    ...Array.from({ length: inside }, (_, index) => crash((index % 40) + 0.5, minutes)),
    ...Array.from({ length: outside }, (_, index) => crash(60 + (index % 40), minutes)),
  ];
  return { ...healthBucket(minute(minutes + 1), { harm: rows, shard }), from: minute(minutes) };
}

describe('what the gates say of harm', () => {
  const rollout = fold(rolloutDecider, [...begin, ramp]) as StartedRollout;
  const ledgerOf = (...more: Parameters<typeof foldGateLedger>[1][]) =>
    [...begin, ramp, ...more].reduce(foldGateLedger, emptyGateLedger());

  it('is nothing where it is the same on both sides, and a halt where it is three times as much', () => {
    expect(verdictOn(ledgerOf(incidents(500, 60, 60)), rollout).says).toBe('go');
    const verdict = verdictOn(ledgerOf(incidents(500, 90, 30)), rollout);
    expect(verdict).toMatchObject({
      says: 'halt',
      evidence: { tests: [{ test: 'crash', trials: 120, failures: 90 }] },
    });
    expect('evidence' in verdict && verdict.evidence.words).toBe(
      'devices crash: of 120 that do, 90 were exposed, 60 would be by chance, on iPhone18,1 (23D8133)',
    );
  });

  it('is the same to the bit in whatever order the shards tell of it', () => {
    const buckets = Array.from({ length: 20 }, (_, index) => incidents(480 + index, 3, 1 + (index % 2), index % 4));
    const one = verdictOn(ledgerOf(...buckets), rollout);
    const other = verdictOn(ledgerOf(...buckets.toReversed()), rollout);
    expect(other).toEqual(one);
    expect(JSON.stringify(other)).toBe(JSON.stringify(one));
  });

  it('is nothing again after it was resumed with the evidence named, but of new harm', () => {
    const ledger = ledgerOf(incidents(500, 90, 30), {
      ...{ type: 'RolloutHalted', rolloutId: 'r1', wave: 1, by: 'responder', reason: 'r', exposurePercent: 50 },
      at: minute(510),
    });
    foldGateLedger(ledger, resumed(minute(520)));
    foldGateLedger(ledger, incidents(530, 1, 1));
    expect(verdictOn(ledger, rollout).says).toBe('go');
    foldGateLedger(ledger, incidents(540, 90, 10));
    expect(verdictOn(ledger, rollout).says).toBe('halt');
  });

  it('is forgotten with a rollout that is aborted', () => {
    const ledger = ledgerOf(incidents(500, 90, 30), aborted(minute(510)), incidents(520, 90, 30));
    expect(verdictOn(ledger, rollout).says).toBe('go');
    expect([ledger.planned.size, ledger.patches.get('a')?.harm.size]).toEqual([0, 0]);
  });

  it('takes nothing for rollouts that are not known, or not under way', () => {
    const strangers = incidents(500, 90, 30);
    const ledger = [planned(plan), strangers].reduce(foldGateLedger, emptyGateLedger());
    expect(ledger.patches.size).toBe(0);
  });
});

function fail(): never {
  throw new Error('there is no tally');
}
