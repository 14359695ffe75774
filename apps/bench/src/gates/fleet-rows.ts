import { median } from '../figure.ts';
import { type FleetOutcome, type FleetWorld, playFleet } from './fleet-run.ts';
import { type PlayedRow, playedRow, share, type Verdict } from './gate-rows.ts';

type FleetRow = PlayedRow<FleetOutcome>;
type Judge = (outcomes: readonly FleetOutcome[]) => Verdict;

const HOUR = 60;
const DAY = 24 * HOUR;
const CHECK_IN = 4 * HOUR;
/** From an exposure to its proof at the latest: a check-in, an install, the hour of its cohort, and the maturity of an hour. */
const proofMinutes = (checkInMinutes: number) => checkInMinutes + 15 + 90 + HOUR + HOUR;
const FIRST = 300;
/** Of the fine ones, three times as many may be exposed beside them. */
const GROWTH = 4;
const OUTAGE = { from: 12 * HOUR, minutes: HOUR };
const BUCKETS_MAX = 2;

/** What is granted lasts two minutes, in which it widens by so much of the devices. */
const GRANT_SHARE = 2 / (2 * DAY);

const DEVICES = 5_000;
const fleet: FleetWorld = { devices: DEVICES, rampMinutes: 2 * DAY, bakeMinutes: HOUR, days: 10 };

const row = (name: string, runs: number, world: FleetWorld, judge: Judge): FleetRow =>
  playedRow(name, runs, (random, tape) => playFleet(world, random, tape), judge);

/** The package server answers nobody for an hour: nobody is to blame. */
export function outageRows(runs: number, devices = DEVICES): FleetRow[] {
  const out = { ...fleet, devices, slices: 4, outage: OUTAGE };
  // Whoever was told to install before has tried by the end of the outage.
  const asleep = { from: OUTAGE.from + OUTAGE.minutes - 16, minutes: 2 * DAY };
  return [
    row('package server out for 60 min', runs, out, waitedForSupply(OUTAGE.from + OUTAGE.minutes, devices)),
    row(
      'package server out for 60 min, then nobody tries for 2 days',
      runs,
      { ...out, asleep },
      waitedForSupply(asleep.from + asleep.minutes, devices),
    ),
  ];
}

/** Installs begin to fail when the rollout is completed: as many devices as before come within the hours of a check-in. */
export function watchRows(runs: number, devices = DEVICES): FleetRow[] {
  return [
    [5, devices],
    [1, devices],
    [5, devices / 10],
    [5, devices * 4],
  ].map(([bucketMinutes = 1, each = 0]) => {
    const name = `${String(each)} devices more come after completion, all fail, buckets of ${String(bucketMinutes)} min`;
    return row(name, runs, { ...fleet, devices: each, later: each, bucketMinutes }, haltedSoon(bucketMinutes));
  });
}

/** Nothing is wrong but what the fleet is like: the rollout goes on. */
export function liveRows(runs: number, devices = DEVICES): FleetRow[] {
  const worlds: readonly (readonly [string, Partial<FleetWorld>, proofMinutes?: number])[] = [
    ['check-ins every 4 h', {}],
    ['80 % of the known devices long dead', { deadShare: 0.8 }],
    ['all on the manual track, 20 % accept', { track: 'manual', acceptingShare: 0.2 }, proofMinutes(CHECK_IN) + DAY],
    ['check-ins and status once a week', { checkInMinutes: 7 * DAY, days: 30 }, proofMinutes(7 * DAY)],
    ['a ring of 3 with one off first', { ring: 3 }],
    ['agents tell nothing but the status with the new build', { tells: 'status' }, proofMinutes(CHECK_IN) + DAY],
    ['agents without starts', { tells: 'outcomes' }],
    ['ramp of 0 min', { rampMinutes: 0 }],
  ];
  return worlds.map(([name, change, proof = proofMinutes(CHECK_IN)]) => {
    const world = { ...fleet, devices, ...change };
    return row(name, runs, world, completedWithin(world, proof));
  });
}

/** Nothing proves that the patch is well: it goes no further than the first devices. */
export function stuckRows(runs: number, devices = DEVICES): FleetRow[] {
  const worlds: readonly (readonly [string, Partial<FleetWorld>])[] = [
    ['nobody reports', { tells: 'nothing' }],
    ['all boot-loop', { loops: true }],
    ['all boot-loop, agents without starts', { loops: true, tells: 'outcomes' }],
  ];
  return worlds.map(([name, change]) => row(name, runs, { ...fleet, devices, ...change }, neverPast(FIRST)));
}

/** It waited for the package until somebody tried again, blamed nobody, widened by no more than what was granted, and went on. */
function waitedForSupply(triedFrom: number, devices: number): Judge {
  return (outcomes) => {
    const waited = outcomes.map(({ waits }) => waits.get('infrastructure'));
    const isSeen = (each: (typeof waited)[number]) =>
      each !== undefined &&
      each.firstAt <= OUTAGE.from + OUTAGE.minutes &&
      // Looked up every ten minutes, it is seen until the last time before.
      each.lastAt >= triedFrom - 20 &&
      each.lastAt <= triedFrom + CHECK_IN &&
      each.lastExposed - each.firstExposed <= Math.ceil(GRANT_SHARE * devices);
    const seen = waited.filter(isSeen).length;
    const held = outcomes.filter(({ heldModels }) => heldModels.length > 0).length;
    const done = outcomes.filter(({ completedAt }) => completedAt < Infinity).length;
    const [from, to] = [
      median(waited.map((each) => (each?.firstAt ?? Infinity) - OUTAGE.from)),
      median(waited.map((each) => (each?.lastAt ?? Infinity) - triedFrom)),
    ];
    return {
      must: 'all wait for infrastructure alone, hold nothing, then complete',
      found: `${share(seen, outcomes.length)} wait, from ${minutes(from)} after its begin to ${minutes(to)} after the first tries; ${String(held)} hold; ${share(done, outcomes.length)} complete, after ${hours(median(outcomes.map(({ completedAt }) => completedAt)))}`,
      isReached: seen === outcomes.length && held === 0 && done === outcomes.length,
    };
  };
}

/** All halt, and that soon after the failure by which the later installs prove it by themselves: where none did, nothing was asked. */
export function haltedSoon(bucketMinutes: number): Judge {
  return (outcomes) => {
    const halted = outcomes.filter(({ haltedAt }) => haltedAt < Infinity).length;
    const proven = outcomes.filter(({ provenAt }) => provenAt < Infinity).length;
    const lags = outcomes.map(({ haltedAt, provenAt }) => (haltedAt - provenAt) / bucketMinutes);
    const since = median(outcomes.map(({ haltedAt, firstFailureAt }) => haltedAt - firstFailureAt));
    const failures = median(outcomes.map((outcome) => outcome.failures));
    const most = Math.max(...lags);
    return {
      must: `all halt, ≤ ${String(BUCKETS_MAX)} buckets after the failure that proves it`,
      found: `${share(halted, outcomes.length)} halt, ${share(proven, outcomes.length)} are proven, after ≤ ${String(Number(most.toPrecision(2)))} buckets, ${String(Number(median(lags).toPrecision(2)))} as the median; ${minutes(since)} after the first failure, at ${String(failures)} failed`,
      isReached: halted === outcomes.length && proven === outcomes.length && most <= BUCKETS_MAX,
    };
  };
}

function completedWithin({ devices, rampMinutes, bakeMinutes, ring }: FleetWorld, proof: number): Judge {
  // The first wave needs a proof to end; where nothing is ramped, each growth needs one.
  const waves = ring === undefined ? 1 : 2;
  const proofs = rampMinutes === 0 ? Math.ceil(Math.log(devices / FIRST) / Math.log(GROWTH)) : waves;
  const planned = rampMinutes + waves * bakeMinutes;
  const most = planned + proofs * proof;
  return (outcomes) => {
    const after = outcomes.map(({ completedAt }) => completedAt);
    const done = after.filter((minute) => minute < Infinity).length;
    return {
      must: `all complete, within ${hours(most)}: ramp and bake ${hours(planned)}, ${String(proofs)} × ${hours(proof)} to a proof`,
      found: `${share(done, outcomes.length)} complete, after ${hours(median(after))}, at most ${hours(Math.max(...after))}`,
      isReached: Math.max(...after) <= most,
    };
  };
}

export function neverPast(most: number): Judge {
  return (outcomes) => {
    const exposed = Math.max(...outcomes.map(({ mostExposed }) => mostExposed));
    const done = outcomes.filter(({ completedAt }) => completedAt < Infinity).length;
    const reasons = outcomes.map(({ words }) => words.filter((word) => !/^(?:ramp|bake):/.test(word)));
    const silent = reasons.filter((words) => words.length === 0).length;
    return {
      must: `some, and ≤ ${String(most)} exposed in ${String(fleet.days)} days, and says why`,
      found: `≤ ${String(exposed)} exposed, ${String(done)} complete; ${reasons[0]?.join('; ') ?? ''}`,
      isReached: outcomes.every(({ mostExposed }) => mostExposed > 0) && exposed <= most && done === 0 && silent === 0,
    };
  };
}

function hours(minute: number): string {
  return `${String(Number((minute / HOUR).toPrecision(3)))} h`;
}

function minutes(minute: number): string {
  return `${String(minute)} min`;
}
