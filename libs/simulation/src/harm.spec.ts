import { isInfrastructure } from '@sluice/domain-cohorts';
import { reportValidator, type Report } from '@sluice/contracts/device-protocol';
import { describe, expect, it } from 'vitest';
import { FakeWorld } from './fake-world.fixture.ts';
import { type Device, type FleetOptions, makeFleet } from './fleet.ts';
import { evenFleet } from './fleet-lines.ts';
import { FleetRun, type FleetRunOptions } from './fleet-run.ts';
import { type Habit } from './habits.ts';
import { type Harm } from './harm.ts';
import { plan, start } from './operator.ts';
import { Random } from './random.ts';
import { realPatch } from './real-patches.ts';
import { SCENARIO_START_MS } from './scenario.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const STEP = 5 * MINUTE;
const patch = realPatch('ios-26.3.1-a');
const { patchId } = patch;
const [FIRST = '', SECOND = '', ...others] = patch.variants.flatMap(({ models }) => models);

interface Course {
  readonly harms?: readonly Harm[];
  readonly habit?: Habit;
  readonly fleet?: Partial<FleetOptions>;
  readonly context?: Partial<FleetRunOptions>;
  readonly hours?: number;
}

/** Some devices of two models, which all may install at once; what they report, and when the fake hears it. */
async function live({ harms = [], habit, fleet = {}, context = {}, hours = 48 }: Course) {
  const world = new FakeWorld(SCENARIO_START_MS);
  world.haltAtFailures = Infinity;
  const lines = evenFleet([FIRST, SECOND]);
  const sizes = { seed: 1, devices: 200, lines, ringShare: 0, roamingShare: 0, isDealt: true, manualShare: 0 };
  const devices = makeFleet({ ...sizes, ...(habit !== undefined && { habits: [[habit, 1]] }), ...fleet });
  const random = Random.seeded(1);
  const faultOf = () => ({ patchId, harms });
  const run = new FleetRun(world, devices, { random, faultOf, run: 'test', ...context });
  const received = new Map<string, number>();
  await world.send({ method: 'POST', path: '/v1/patches', body: patch, as: 'admin' });
  await run.enrol(patch);
  const ramp = { fromPercent: 100, toPercent: 100, minutes: 0 };
  const waves = [
    { name: 'none', ramp, bakeMinutes: 0 },
    { name: 'all', ramp: { ...ramp, minutes: 1 }, bakeMinutes: 0 },
  ];
  const body = { rolloutId: 'r', patchId, holdBackPercent: 0, waves, gates: { installFailureRateMax: 0.01 } };
  await plan(world, body);
  await start(world, 'r');
  for (let step = 0; step < (hours * HOUR) / STEP; step += 1) {
    await run.tick();
    for (const { reportId } of world.reports.slice(received.size)) received.set(reportId, world.now());
    await world.advanceTo(world.now() + STEP);
  }
  expect(world.reports.filter((report) => !reportValidator.Check(report))).toEqual([]);
  return { devices, run, reports: world.reports, receivedAt: (report: Report) => received.get(report.reportId) ?? NaN };
}

const of = (reports: readonly Report[], kind: Report['kind']) => reports.filter((report) => report.kind === kind);

/** From one kind of report of each device to the first of another, in hours. */
function hoursBetween(reports: readonly Report[], from: Report['kind'], to: Report['kind']): number[] {
  const begins = new Map(of(reports, from).map(({ deviceId, occurredAt }) => [deviceId, Date.parse(occurredAt)]));
  return of(reports, to).map(
    ({ deviceId, occurredAt }) => (Date.parse(occurredAt) - (begins.get(deviceId) ?? NaN)) / HOUR,
  );
}

describe('harming devices', () => {
  it.each([
    ['minutes', [2, 20]],
    ['hours', [120, 360]],
    ['a day', [1440, 1560]],
  ] as const)('lets installs fail after %s', async (_, after) => {
    const { reports } = await live({ harms: [{ kind: 'fails', share: 1, after }], hours: 30 });
    const starts = new Map<string, Report>();
    for (const each of of(reports, 'install-started')) if (!starts.has(each.deviceId)) starts.set(each.deviceId, each);
    const failures = of(reports, 'install-failed').filter(
      (each, index, all) => all.findIndex(({ deviceId }) => deviceId === each.deviceId) === index,
    );
    const hours = hoursBetween([...starts.values(), ...failures], 'install-started', 'install-failed');
    expect(hours.length).toBeGreaterThan(100);
    expect(Math.min(...hours) * 60).toBeGreaterThanOrEqual(after[0]);
    // A device that is off when it would fail does so when it is on again.
    expect(hours.filter((each) => each * 60 <= after[1]).length).toBeGreaterThan(hours.length * 0.9);
  });

  it('lets devices of one model boot-loop without a word, a share of them', async () => {
    const { devices, reports, run } = await live({ harms: [{ kind: 'boot-loops', share: 0.5, models: [FIRST] }] });
    const dead = devices.filter(({ isDead }) => isDead);
    expect(new Set(dead.map(({ model }) => model))).toEqual(new Set([FIRST]));
    expect(dead.length).toBeGreaterThan(30);
    expect(dead.length).toBeLessThan(70);
    expect(run.begun(patchId)).toBeGreaterThan(dead.length);
    for (const { deviceId } of dead)
      expect(reports.findLast((report) => report.deviceId === deviceId)?.kind).toBe('install-started');
  });

  it('lets devices fall back by themselves, and count it as a failed attempt', async () => {
    const { devices, reports } = await live({ harms: [{ kind: 'falls-back', share: 1, after: [60, 180] }], hours: 60 });
    const falls = of(reports, 'rolled-back');
    expect(falls.length).toBeGreaterThan(50);
    expect(falls.every(({ cause }) => cause === 'failure')).toBe(true);
    const hours = hoursBetween(reports.slice(0, 700), 'installed', 'rolled-back');
    expect(hours.filter((each) => each <= 3).length).toBeGreaterThan(hours.length * 0.9);
    // After the third time it is not asked again.
    expect(devices.filter(({ held }) => held !== undefined).length).toBeLessThan(devices.length / 10);
    expect(Math.max(...devices.flatMap(({ failed }) => failed.map(({ attempts }) => attempts)))).toBe(3);
  });

  it('lets users take it off within hours, and for good', async () => {
    const { reports } = await live({ harms: [{ kind: 'removed-by-user', share: 0.25, after: [60, 360] }] });
    const removals = of(reports, 'rolled-back');
    expect(removals.length / of(reports, 'installed').length).toBeCloseTo(0.25, 1);
    expect(removals.every(({ cause }) => cause === 'user')).toBe(true);
    const hours = hoursBetween(reports, 'installed', 'rolled-back');
    expect(Math.min(...hours)).toBeGreaterThanOrEqual(1);
    expect(Math.max(...hours)).toBeLessThanOrEqual(6);
  });

  it('lets devices crash at rates of their own, with the hour, and more often with the patch', async () => {
    const fleet = { crashesPerDay: 2, devices: 400 };
    const plain = await live({ fleet, hours: 96 });
    const worse = await live({ fleet, hours: 96, harms: [{ kind: 'crashes', factor: 3 }] });
    const crashes = of(plain.reports, 'incident');
    expect(crashes.length / 400 / 4).toBeGreaterThan(1.5);
    expect(crashes.length / 400 / 4).toBeLessThan(2.5);
    const counts = new Map<string, number>();
    for (const { deviceId } of crashes) counts.set(deviceId, (counts.get(deviceId) ?? 0) + 1);
    // Of this gamma distribution, the tenth that crashes most has about half of the crashes.
    const most = [...counts.values()].sort((left, right) => right - left).slice(0, 40);
    expect(most.reduce((sum, count) => sum + count) / crashes.length).toBeGreaterThan(0.35);
    const isDay = ({ occurredAt }: Report) => new Date(occurredAt).getUTCHours() < 12;
    expect(crashes.filter(isDay).length).toBeGreaterThan(crashes.length * 0.55);
    const ratio = of(worse.reports, 'incident').length / crashes.length;
    expect(ratio).toBeGreaterThan(2);
    expect(ratio).toBeLessThan(3.2);
  });

  it('finds no package while its server is away, and tries again', async () => {
    const isServerOut = (atMs: number) => atMs < SCENARIO_START_MS + HOUR;
    const { devices, reports } = await live({ context: { isServerOut }, hours: 12 });
    const failures = of(reports, 'install-failed').filter(({ failureCode }) => isInfrastructure(failureCode));
    expect(new Set(failures.map(({ failureCode }) => failureCode)).size).toBe(4);
    const tried = new Set(failures.map(({ deviceId }) => deviceId));
    const again = devices.filter(({ deviceId }) => tried.has(deviceId));
    expect(again.filter(({ held }) => held === patchId).length).toBeGreaterThan(again.length * 0.9);
  });
});

describe('speaking in a way of its own', () => {
  it('leaves out the start, or tells it together with the outcome', async () => {
    const without = await live({ habit: 'tells-no-start', hours: 8 });
    expect(of(without.reports, 'install-started')).toEqual([]);
    expect(of(without.reports, 'installed').length).toBeGreaterThan(100);
    const { reports, receivedAt } = await live({ habit: 'tells-in-one-batch', hours: 8 });
    for (const installed of of(reports, 'installed')) {
      const begin = of(reports, 'install-started').findLast(({ deviceId }) => deviceId === installed.deviceId);
      expect(begin && receivedAt(begin)).toBe(receivedAt(installed));
      expect(Date.parse(begin?.occurredAt ?? '')).toBeLessThan(Date.parse(installed.occurredAt));
    }
  });

  it('keeps incidents until the next contact', async () => {
    const { reports, receivedAt } = await live({ habit: 'keeps-incidents', fleet: { crashesPerDay: 2 } });
    const late = of(reports, 'incident').filter((report) => receivedAt(report) > Date.parse(report.occurredAt) + HOUR);
    expect(late.length).toBeGreaterThan(of(reports, 'incident').length / 4);
  });

  it.each([
    ['reports-daily', ['status'], 2],
    ['reports-weekly', ['status'], 0.3],
    ['comes-weekly', ['status', 'install-started', 'installed'], 0.3],
    ['reports-never', [], 0],
    ['falls-silent', ['status'], 0],
    ['is-dead', ['status'], 0],
  ] as const)('%s', async (habit, kinds, statusesAfterTheFirst) => {
    const { devices, reports } = await live({ habit });
    expect(new Set(reports.map(({ kind }) => kind).filter((kind) => kind !== 'install-failed'))).toEqual(
      new Set(kinds),
    );
    const statuses = of(reports, 'status').length / devices.length - (kinds.length === 0 ? 0 : 1);
    expect(statuses).toBeCloseTo(statusesAfterTheFirst, 0);
    const rhythm = new Set(of(reports, 'status').map(({ statusEveryHours }) => statusEveryHours));
    if (habit.endsWith('weekly')) expect(rhythm).toEqual(new Set([168]));
    if (habit === 'is-dead') expect(devices.every(({ held }) => held === undefined)).toBe(true);
    else expect(devices.some(({ held }) => held === patchId)).toBe(true);
  });

  it('tells its status each day at the same time, whatever else happens', async () => {
    const { reports } = await live({ hours: 96 });
    const times = new Map<string, Set<number>>();
    for (const { deviceId, occurredAt } of of(reports, 'status').slice(200)) {
      const time = Date.parse(occurredAt) % (24 * HOUR);
      times.set(deviceId, (times.get(deviceId) ?? new Set()).add(time));
    }
    const moved = [...times.values()].filter((each) => each.size > 1).length;
    // Now and then a device is off when its time comes, and tells it later, once.
    expect(moved).toBeLessThan(40);
  });
});

describe('making a fleet', () => {
  it('deals out models, fills a ring of so many, and may be all manual', async () => {
    const models = [FIRST, SECOND, ...others].slice(0, 40);
    const sizes = { seed: 1, devices: 2000, lines: evenFleet(models), ringShare: 0.5, roamingShare: 0 };
    const fleet = makeFleet({ ...sizes, isDealt: true, ringDevices: 3, manualShare: 1 });
    const count = (fits: (device: Device) => boolean) => fleet.filter(fits).length;
    expect(models.map((model) => count((device) => device.model === model))).toEqual(models.map(() => 50));
    expect(count(({ ring }) => ring !== undefined)).toBe(3);
    expect(count(({ track }) => track === 'manual')).toBe(2000);
    const manual = { fleet: { manualShare: 1 }, context: { acceptingShare: 0.2 }, hours: 72 };
    const { devices } = await live(manual);
    expect(devices.filter(({ held }) => held === patchId).length / devices.length).toBeCloseTo(0.2, 1);
  });
});
