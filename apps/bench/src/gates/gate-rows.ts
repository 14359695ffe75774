import { hash } from 'node:crypto';
import { median } from '../figure.ts';
import { Random } from '@sluice/simulation';
import { type GateOutcome, type GateWorld } from './gate-world.ts';
import { Tape } from './tape.ts';

/** One row of the tables: rollouts that are played, and what they come to. The same seed gives the same. */
export interface PlayedRow<Outcome = GateOutcome> {
  readonly name: string;
  readonly runs: number;
  readonly measure: (seed: number) => { readonly outcomes: readonly Outcome[]; readonly verdict: Verdict };
  /** What the gates folded and found in its first run. */
  readonly tape: (seed: number) => Tape;
}

/** A row that plays each of its runs with a source of chance of its own, and draws other numbers than the other rows. */
export function playedRow<Outcome>(
  name: string,
  runs: number,
  play: (random: Random, tape?: Tape) => Outcome,
  judge: (outcomes: readonly Outcome[]) => Verdict,
): PlayedRow<Outcome> {
  const randomOf = (seed: number) => Random.seeded(hash('sha256', `${String(seed)} ${name}`, 'buffer').readInt32BE());
  return {
    name,
    runs,
    tape: (seed) => {
      const tape = new Tape();
      play(randomOf(seed).split(), tape);
      return tape;
    },
    measure: (seed) => {
      const random = randomOf(seed);
      const outcomes = Array.from({ length: runs }, () => play(random.split()));
      return { outcomes, verdict: judge(outcomes) };
    },
  };
}

/** A row of worlds that the rules of others can be tried on, too. */
export interface GateRow {
  readonly name: string;
  readonly runs: number;
  readonly world: GateWorld;
  /** What is said of the outcomes, and whether it is as it has to be. */
  readonly judge: (outcomes: readonly GateOutcome[]) => Verdict;
}

export interface Verdict {
  readonly must: string;
  readonly found: string;
  readonly isReached: boolean;
}

const MINUTES: readonly [number, number] = [2, 20];
const HOURS: readonly [number, number] = [120, 360];
const A_DAY: readonly [number, number] = [24 * 60, 26 * 60];
/** Of the nulls, 2 of 400 runs of one cell may be stopped, and so many of all of them. */
const FALSE_STOPS_SHARE = 2 / 400;
const FALSE_STOPS_SHARE_OF_ALL = 0.001;
/** So many runs are asked where none of them may be stopped. */
export const NONE_RUNS = 100;
/** That no healthy slice is held is asked of so many times the runs of the other rows with harm. */
const HELD_TIMES = 5;
const SUM_SEEN = 20;
const SUM_SEEN_SHARE = 0.05;

/** The slice at fault, where it is one of many. */
export const FAULTY = 7;

const fleet: GateWorld = {
  devices: 20_000,
  slices: 1,
  tolerated: 0.01,
  failureRate: () => 0,
  failsAfter: MINUTES,
};

/** Nothing is wrong: installs fail exactly as often as tolerated. */
export function nullRows(runs: number): GateRow[] {
  const rows: GateRow[] = [];
  for (const tolerated of [0.001, 0.01, 0.05])
    for (const slices of [1, 36, 60])
      for (const devices of [20, 500, 20_000])
        for (const [when, failsAfter] of [
          ['minutes', MINUTES],
          ['2–6 h', HOURS],
          ['24 h', A_DAY],
        ] as const)
          rows.push({
            name: `${percent(tolerated)} fail, ${String(slices)} slices, ${String(devices)} devices, after ${when}`,
            world: { ...fleet, devices, slices, tolerated, failsAfter, failureRate: () => tolerated },
            runs,
            judge: judgeNull,
          });
  const none = Math.min(runs, NONE_RUNS);
  const never = (name: string, change: Partial<GateWorld>): GateRow => {
    return { name, world: { ...fleet, ...change }, runs: none, judge: neverStopped };
  };
  const atOnce = { failureRate: () => 0.01, rampMinutes: 240 };
  const late = (rate: number) => ({ failureRate: () => rate, failsAfter: [180, 1200] }) as const;
  const rates = [0.002, 0.005, 0.01];
  return [
    ...rows,
    never('agents without starts, in 4 h', { ...atOnce, agents: 'no-start' }),
    never('start and outcome together, in 4 h', { ...atOnce, agents: 'together' }),
    ...rates.map((rate) =>
      never(`resumed at 12 h, ${percent(rate)} fail 3–20 h late`, { ...late(rate), resumedAt: 720 }),
    ),
    ...rates.map((rate) =>
      never(`second rollout after a false alarm at 12 h, ${percent(rate)} fail 3–20 h late`, {
        ...late(rate),
        secondAt: 720,
      }),
    ),
  ];
}

/** Something is wrong. */
export function harmRows(runs: number): GateRow[] {
  return [...failingAtOnce(runs), ...harmingLater(runs)];
}

function failingAtOnce(runs: number): GateRow[] {
  const models = { ...fleet, slices: 40 };
  const one = (rate: number) => (slice: number) => (slice === FAULTY ? rate : 0.002);
  return [
    {
      name: 'one slice of 20,000 fails at 5 %',
      world: { ...fleet, failureRate: () => 0.05 },
      judge: begunAtMost(330),
      runs,
    },
    {
      name: '40 models × 50 fail at 5 %',
      world: { ...models, devices: 2_000, failureRate: () => 0.05 },
      judge: stoodAt(1, 0.17),
      runs,
    },
    {
      name: '40 models × 200 fail at 3 %',
      world: { ...models, devices: 8_000, failureRate: () => 0.03 },
      judge: stoodAt(1, 0.15),
      runs,
    },
    ...(
      [
        [0.05, 0.75, 0.65],
        [0.1, 1, 0.22],
        [0.4, 1, 0.07],
      ] as const
    ).map(([rate, share, exposed]): GateRow => {
      const world = { ...models, failureRate: one(rate) };
      const name = `1 of 40 models × 500 fails at ${percent(rate)}`;
      return { name, world, runs: HELD_TIMES * runs, judge: heldAt(share, exposed) };
    }),
    ...[1, 2, 4].map((slices): GateRow => {
      const world = { ...fleet, devices: 4, slices, failureRate: () => 1 };
      return { name: `4 devices of ${String(slices)} models all fail`, world, runs, judge: begunAtMost(3) };
    }),
  ];
}

function harmingLater(runs: number): GateRow[] {
  const models = { ...fleet, slices: 40 };
  return [
    ...(
      [
        [20_000, 0.07],
        [100_000, 0.03],
      ] as const
    ).map(([devices, exposed]): GateRow => {
      const world = { ...fleet, devices, failureRate: () => 0.05, failsAfter: A_DAY, maturityHours: 24 };
      return {
        name: `5 % fail 24–26 h later, soak of 24 h, ${String(devices)} devices`,
        world,
        runs,
        judge: stoodAt(1, exposed),
      };
    }),
    {
      name: 'boot loop without a report, 5 % of all',
      world: { ...fleet, lostRate: () => 0.05 },
      judge: stoodAt(1, 0.14),
      runs,
    },
    {
      name: 'boot loop without a report, 50 % of one model of 40',
      world: { ...models, lostRate: (slice) => (slice === FAULTY ? 0.5 : 0) },
      judge: stoodAt(1, 0.15),
      runs,
    },
    ...(
      [
        [20_000, 0.09],
        [100_000, 0.04],
      ] as const
    ).map(([devices, exposed]): GateRow => {
      const world = { ...fleet, devices, failureRate: () => 0.05, failsAfter: [60, 180] } as const;
      return { name: `5 % fall back 1–3 h later, ${String(devices)} devices`, world, runs, judge: stoodAt(1, exposed) };
    }),
    {
      name: '25 % of the holders remove it within 1–6 h',
      world: { ...fleet, removed: { rate: 0.25, after: [60, 360] } },
      judge: stoodAt(1, 0.16),
      runs,
    },
  ];
}

/** What was found over all nulls together. */
export function overAll(outcomes: readonly GateOutcome[]): Verdict {
  const { stops, seen } = stopsOf(outcomes);
  const runs = outcomes.length;
  return {
    must: `stopped ≤ ${percent(FALSE_STOPS_SHARE_OF_ALL)}, sum ≥ ${String(SUM_SEEN)} in ≤ ${percent(SUM_SEEN_SHARE)}`,
    found: `${String(stops)} of ${String(runs)} stopped, sum ≥ ${String(SUM_SEEN)} in ${String(seen)}`,
    isReached: stops <= FALSE_STOPS_SHARE_OF_ALL * runs && seen <= SUM_SEEN_SHARE * runs,
  };
}

/** One cell: how many of its runs may be stopped, and how many may come near it. */
export function judgeNull(outcomes: readonly GateOutcome[]): Verdict {
  return judgeStops(outcomes, falseStopsMax(outcomes.length));
}

/** No run is stopped. */
export function neverStopped(outcomes: readonly GateOutcome[]): Verdict {
  return judgeStops(outcomes, 0);
}

/** Of so many runs of one null, so many may be stopped. */
export function falseStopsMax(runs: number): number {
  return Math.floor(FALSE_STOPS_SHARE * runs);
}

function judgeStops(outcomes: readonly GateOutcome[], stopsMax: number): Verdict {
  const { stops, seen } = stopsOf(outcomes);
  const most = Math.floor(SUM_SEEN_SHARE * outcomes.length);
  return {
    must: `stopped ${stopsMax === 0 ? '0' : `≤ ${String(stopsMax)}`}, sum ≥ ${String(SUM_SEEN)} in ≤ ${String(most)}`,
    found: `${String(stops)} stopped, sum ≥ ${String(SUM_SEEN)} in ${String(seen)}`,
    isReached: stops <= stopsMax && seen <= most,
  };
}

function stopsOf(outcomes: readonly GateOutcome[]) {
  const seen = outcomes.filter(({ largestLogSum }) => largestLogSum >= Math.log(SUM_SEEN)).length;
  return { stops: outcomes.filter(isStopped).length, seen };
}

function isStopped({ ended }: GateOutcome): boolean {
  return ended === 'hold' || ended === 'halt';
}

function begunAtMost(devices: number) {
  return (outcomes: readonly GateOutcome[]): Verdict => {
    const found = outcomes.filter(({ stood }) => stood !== 'go').length;
    const begun = median(outcomes.map(({ startedThen }) => startedThen));
    return {
      must: `all stand, at ≤ ${String(devices)} begun`,
      found: `${share(found, outcomes.length)} stand, at ${String(begun)} begun`,
      isReached: found === outcomes.length && begun <= devices,
    };
  };
}

export function stoodAt(leastFound: number, exposed: number) {
  return (outcomes: readonly GateOutcome[]): Verdict => {
    const found = outcomes.filter(({ stood }) => stood !== 'go').length;
    const then = median(outcomes.map(({ exposedThen }) => exposedThen));
    return {
      must: `${percent(leastFound)} stand, at ≤ ${percent(exposed)} exposed`,
      found: `${share(found, outcomes.length)} stand, at ${percent(then)} exposed`,
      isReached: found >= leastFound * outcomes.length && then <= exposed,
    };
  };
}

/** The slice at fault is held; no healthy one is held in any run, and nothing halts. That the rollout waits for it is told beside. */
export function heldAt(leastFound: number, exposed: number) {
  return (outcomes: readonly GateOutcome[]): Verdict => {
    const holds = outcomes.filter(({ held }) => held.includes(FAULTY)).length;
    const waits = outcomes.filter(
      ({ ended, held, suspected }) => !held.includes(FAULTY) && ended === 'wait' && suspected === FAULTY,
    ).length;
    const wrong = outcomes.filter(({ held }) => held.some((slice) => slice !== FAULTY)).length;
    const halts = outcomes.filter(({ ended }) => ended === 'halt').length;
    const then = median(outcomes.map(({ exposedThen }) => exposedThen));
    return {
      must: `it is held in ≥ ${percent(leastFound)}, stands at ≤ ${percent(exposed)} exposed; a healthy one held in 0, halted 0`,
      found: `it is held in ${share(holds, outcomes.length)}, waited for in ${String(waits)}; stands at ${percent(then)} exposed; a healthy one held in ${String(wrong)}, halted ${String(halts)}`,
      isReached: holds >= leastFound * outcomes.length && then <= exposed && wrong === 0 && halts === 0,
    };
  };
}

export function percent(rate: number): string {
  return `${String(Number((rate * 100).toPrecision(3)))} %`;
}

export function share(count: number, of: number): string {
  return count === of ? 'all' : percent(count / of);
}
