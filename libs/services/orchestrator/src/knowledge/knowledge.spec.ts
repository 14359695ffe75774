import { type ClockSoundness } from '@sluice/event-sourcing';
import { ManualClock, ManualTimers, Settings } from '@sluice/platform';
import { beforeEach, describe, expect, it } from 'vitest';
import { type SourceState, type Sources } from '../sources.ts';
import { Knowledge } from './knowledge.ts';

const START = Date.parse('2026-11-26T08:00:00Z');
const MINUTE = 60_000;
const SHARDS = 2;
/** Of the settings: a bucket is a minute, so health may be three minutes old. */
const settings = Settings.of({ healthBucketSeconds: 60, policyStaleSeconds: 30, blindOffersMinutes: 60 });

/** A clock that says of itself what a test wants. */
class Doubtful extends ManualClock {
  says: ClockSoundness = { sound: true, aheadMs: 0 };
  override soundness(): ClockSoundness {
    return this.says;
  }
}

type Name = 'catalog' | 'own' | 'telemetry';

let clock: Doubtful;
let timers: ManualTimers;
let states: Record<Name, SourceState>;
let applied: number[];
let knowledge: Knowledge;

const throughOf = (shard: number, throughMs: number, revision = 0) => ({ shard, shards: SHARDS, throughMs, revision });

beforeEach(() => {
  clock = new Doubtful(START);
  timers = new ManualTimers();
  const well = { isRead: true, failedBecause: undefined, parked: 0, contradiction: undefined, silentMs: 0 };
  const signs = { writable: true, through: [throughOf(0, START), throughOf(1, START)], stops: [] };
  states = { catalog: { ...well, signs }, own: { ...well, signs }, telemetry: { ...well, signs } };
  applied = [0, 0];
  const sources = {
    catalog: () => states.catalog,
    own: () => states.own,
    telemetry: () => states.telemetry,
    views: {
      policy: { policy: { stale: true }, applyStops: () => undefined },
      gates: { appliedRevision: (shard: number) => applied[shard] ?? -1 },
    },
  };
  knowledge = new Knowledge(sources as unknown as Sources, clock, timers, settings);
});

const set = (name: Name, change: Partial<SourceState>) => void (states[name] = { ...states[name], ...change });
const cannotWrite = (name: Name) => set(name, { signs: { writable: false, through: [], stops: [] } });
const say = (...through: ReturnType<typeof throughOf>[]) =>
  set('telemetry', { signs: { writable: true, through, stops: [] } });
const isStale = () => knowledge.currentPolicy().stale;
const blindFor = () => knowledge.doubts().map(({ for: code }) => code);

/** Both clocks, second by second, with health that keeps up unless a test says otherwise. */
async function wait(seconds: number, keepUp = true): Promise<void> {
  for (let passed = 0; passed < seconds; passed += 1) {
    await clock.advanceTo(clock.now() + 1000);
    timers.advance(1000);
    if (keepUp) say(throughOf(0, clock.now()), throughOf(1, clock.now()));
    knowledge.tick();
  }
}

describe('what is not known well enough', () => {
  it('is nothing while all are heard', async () => {
    await wait(120);
    expect(blindFor()).toEqual([]);
    expect(isStale()).toBe(false);
  });

  it.each<[string, () => void, string, boolean | 'when it lasts']>([
    ['a catalog that is not read', () => set('catalog', { isRead: false }), 'catalog', true],
    ['a catalog that cannot be read', () => set('catalog', { failedBecause: new Error('bad') }), 'catalog', true],
    ['a catalog of another past', () => set('catalog', { contradiction: 'another p-a' }), 'catalog', true],
    ['a parked event of the catalog', () => set('catalog', { parked: 1 }), 'catalog', true],
    ['a silent catalog', () => set('catalog', { silentMs: 30_001 }), 'catalog', true],
    ['a catalog that was never heard', () => set('catalog', { silentMs: Infinity }), 'catalog', true],
    ['a catalog that cannot write', () => cannotWrite('catalog'), 'catalog', 'when it lasts'],
    ['an own store that is not read', () => set('own', { isRead: false }), 'own-store', true],
    ['an own store that cannot be read', () => set('own', { failedBecause: 'bad' }), 'own-store', true],
    ['an own store that cannot write', () => cannotWrite('own'), 'own-store', 'when it lasts'],
    [
      'a clock that jumped',
      () => (clock.says = { sound: false, because: 'jumped', wallMs: 0, differenceMs: -START }),
      'clock',
      'when it lasts',
    ],
    ['telemetry that cannot be read', () => set('telemetry', { failedBecause: 'bad' }), 'health', false],
    ['telemetry of another past', () => set('telemetry', { contradiction: 'another shard 1' }), 'health', false],
    ['a parked event of telemetry', () => set('telemetry', { parked: 2 }), 'health', false],
  ])('%s widens nothing', async (_, happens, code, stale) => {
    await wait(5);
    happens();
    expect(blindFor()).toContain(code);
    expect(isStale()).toBe(stale === true);
    const keepUp = code !== 'health';
    await wait(30, keepUp);
    expect(isStale()).toBe(stale === true);
    await wait(1, keepUp);
    expect(isStale()).toBe(stale !== false);
  });

  it('that lasted is over as soon as it is known again', async () => {
    cannotWrite('own');
    await wait(40);
    expect(isStale()).toBe(true);
    set('own', { signs: { writable: true, through: [], stops: [] } });
    expect(isStale()).toBe(false);
  });

  it('for an hour of domain time offers nothing either', async () => {
    set('telemetry', { parked: 1 });
    await wait(60 * 60 + 1);
    expect(isStale()).toBe(false);
    await wait(1);
    expect(isStale()).toBe(true);
    set('telemetry', { parked: 0 });
    expect(isStale()).toBe(false);
  });
});

describe('how long a pass takes', () => {
  const tick = async (...gapsMs: number[]) => {
    for (const gapMs of gapsMs) {
      await clock.advanceTo(clock.now() + gapMs);
      knowledge.tick();
    }
    return knowledge.passMs;
  };

  it('is a second before anything is known', () => {
    expect(knowledge.passMs).toBe(1_000);
  });

  it('is as long as the last two ticks lay apart', async () => {
    expect(await tick(1, 10 * MINUTE, 10 * MINUTE)).toBe(10 * MINUTE);
  });

  it('is not the time in which the process stood still', async () => {
    expect(await tick(1_000, 1_000, 2 * MINUTE)).toBe(1_000);
    expect(await tick(1_000)).toBe(1_000);
  });
});

describe('health that is known through an instant', () => {
  it('is what all shards have said', () => {
    say(throughOf(0, START + 5), throughOf(1, START + 3));
    expect(knowledge.healthThroughMs()).toBe(START + 3);
    say(throughOf(0, START + 5));
    expect(knowledge.healthThroughMs()).toBeUndefined();
  });

  it('is of no use while one shard has never said anything, or nobody has', () => {
    say();
    expect(knowledge.doubts()).toMatchObject([
      { for: 'health', words: 'telemetry has not said up to when the health is known' },
    ]);
    say(throughOf(0, START));
    expect(knowledge.doubts()).toMatchObject([{ for: 'health', words: 'the health of 1 of 2 shards is not known' }]);
  });

  it('counts once what it covers is applied, and until then as before', () => {
    say(throughOf(0, START + MINUTE, 1), throughOf(1, START + MINUTE, 0));
    expect(knowledge.healthThroughMs()).toBeUndefined();
    say(throughOf(0, START), throughOf(1, START));
    expect(knowledge.healthThroughMs()).toBe(START);
    say(throughOf(0, START + MINUTE, 1), throughOf(1, START + MINUTE, 0));
    expect(knowledge.healthThroughMs()).toBe(START);
    applied[0] = 1;
    expect(knowledge.healthThroughMs()).toBe(START + MINUTE);
  });

  it('is too old after two buckets and a minute', async () => {
    say(throughOf(0, START), throughOf(1, START + MINUTE));
    await wait(180, false);
    expect(blindFor()).toEqual([]);
    await wait(1, false);
    expect(blindFor()).toEqual(['health']);
    expect(isStale()).toBe(false);
  });
});
