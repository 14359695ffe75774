import { PLACES, sum } from '@sluice/domain-cohorts';
import { logMean, logSumOfTwo } from './rates.ts';

/** How many times as often as the others the exposed devices may be harmed: the alternatives, each with the same weight. */
const RATIOS = [1.25, 1.5, 2, 3, 5, 10, 20] as const;
/** Harm may begin at the begin of any period, so that the good days before do not hide it. */
const PERIOD_MINUTES = 180;
/** Logarithms are summed as whole numbers of this part, so that the order in which events come changes no bit of a sum. */
const GRAIN = 2 ** -36;

/** A device's first event of one signal. Shares are of all places, both of the device's own waves. */
export interface HarmEvent {
  /** When it happened, after the begin of the counting. */
  readonly minute: number;
  /** The place of its bucket, in millionths. */
  readonly place: number;
  /** Below the first the device is treated, from the other on it is control. */
  readonly shareBegin: number;
  readonly shareEnd: number;
}

/** `left-out`: it was exposed within the bucket, or nobody is on the other side. */
export type Arm = 'treated' | 'control' | 'left-out';

/** What the events of one signal come to. */
export interface HarmTally {
  /**
   * The events that count, ordered by their period. There are many, so each is a few numbers in a row: the period, negative for
   * the control group, and the two shares.
   */
  readonly events: number[];
  treated: number;
  control: number;
  /** How many would be treated by chance, in grains. */
  expected: number;
  /** Masses are kept up to this period; `late` counts up with each event that comes for one of the periods up to there. */
  keptThrough: number;
  late: number;
  /** Of the pools that begin with this slice, one of each size. */
  readonly kept: KeptMasses[];
  readonly found: FoundOnPool[];
}

/** A pool by its slices behind the first one. */
interface Pool {
  readonly others: readonly HarmTally[];
}

/** The logarithms of the masses of a pool after so many periods, one for each alternative. */
interface KeptMasses extends Pool {
  readonly late: number;
  readonly periods: number;
  readonly logs: readonly number[];
}

/** What the last look found on a pool, by so many events after so many periods. */
interface FoundOnPool extends Pool {
  readonly events: number;
  readonly periods: number;
  readonly logE: number;
}

/** So many of the last periods are gone through at each look, because events still come for them. */
const PERIODS_ANEW = 3;
const NUMBERS_PER_EVENT = 3;

export function noHarm(): HarmTally {
  return { events: [], treated: 0, control: 0, expected: 0, keptThrough: 0, late: 0, kept: [], found: [] };
}

type Shares = Pick<HarmEvent, 'shareBegin' | 'shareEnd'>;

/** On which side of the exposure the device was. At no effect its place is uniform, whatever it and the hour are like. */
export function armOf({ place, shareBegin, shareEnd }: HarmEvent): Arm {
  if (shareBegin === 0 || shareEnd === 1) return 'left-out';
  if (place < shareBegin * PLACES) return 'treated';
  return place >= shareEnd * PLACES ? 'control' : 'left-out';
}

/** Takes the event into a tally, in place. */
export function addHarm(tally: HarmTally, event: HarmEvent): void {
  const arm = armOf(event);
  if (arm === 'left-out') return;
  const { shareBegin, shareEnd } = event;
  tally[arm] += 1;
  tally.expected += inGrains(thetaOf(event, 1));
  const period = Math.max(1, periodOf(event.minute));
  if (period <= tally.keptThrough) tally.late += 1;
  const { events } = tally;
  let index = events.length;
  while (index > 0 && Math.abs(events[index - NUMBERS_PER_EVENT] ?? 0) > period) index -= NUMBERS_PER_EVENT;
  events.splice(index, 0, arm === 'treated' ? period : -period, shareBegin, shareEnd);
}

/** The number of the period that a minute lies in, from 1 on. */
export function periodOf(minute: number): number {
  return Math.floor(minute / PERIOD_MINUTES) + 1;
}

/** Events of devices that are exposed, of all that counted, and the share of them that chance would have put there. */
export function harmCounts(tallies: readonly HarmTally[]) {
  let [treated, events, expected] = [0, 0, 0];
  for (const tally of tallies) {
    treated += tally.treated;
    events += tally.treated + tally.control;
    expected += tally.expected;
  }
  return { treated, events, expectedShare: events === 0 ? 0 : (expected * GRAIN) / events };
}

/**
 * The natural logarithm of the evidence of some slices together, after so many periods: at the begin of the k-th the mass
 * 1/(k(k+1)) enters, and from then on is multiplied with what happens (design §3.4). The masses before the last periods are
 * kept with the first of the slices: from one look to the next they change only by an event that comes very late.
 */
export function logHarmEvidence(tallies: readonly HarmTally[], periods: number): number {
  const events = sum(tallies.map(({ treated, control }) => treated + control));
  const before = tallies[0]?.found.find((each) => isPool(each, tallies));
  if (before?.events === events && before.periods === periods) return before.logE;
  const logE = logEvidence(tallies, periods);
  keepOne(tallies, (first, others) => [first.found, { others, events, periods, logE }]);
  return logE;
}

function logEvidence(tallies: readonly HarmTally[], periods: number): number {
  const known = keptOf(tallies, periods);
  const keptPeriods = known?.periods ?? 0;
  const grains = grainsAfter(tallies, keptPeriods);
  let logs: readonly number[] = known?.logs ?? RATIOS.map(() => -Infinity);
  for (let period = keptPeriods + 1; period <= periods; period += 1) {
    const enters = -Math.log(period * (period + 1));
    const its = grains.get(period);
    logs = logs.map((log, index) => logSumOfTwo(log, enters) + (its?.[index] ?? 0) * GRAIN);
    if (period === periods - PERIODS_ANEW) keepMasses(tallies, period, logs);
  }
  return logMean(logs);
}

function keptOf(tallies: readonly HarmTally[], periods: number): KeptMasses | undefined {
  const kept = tallies[0]?.kept.find((each) => isPool(each, tallies));
  return kept !== undefined && kept.periods <= periods && kept.late === lateOf(tallies) ? kept : undefined;
}

function keepMasses(tallies: readonly HarmTally[], periods: number, logs: readonly number[]): void {
  for (const tally of tallies) tally.keptThrough = Math.max(tally.keptThrough, periods);
  keepOne(tallies, (first, others) => [first.kept, { others, late: lateOf(tallies), periods, logs }]);
}

/** Keeps one of each size of a pool with its first slice. */
function keepOne<Kept extends Pool>(
  tallies: readonly HarmTally[],
  what: (first: HarmTally, others: readonly HarmTally[]) => readonly [Kept[], Kept],
): void {
  const [first, ...others] = tallies;
  if (first === undefined) return;
  const [list, next] = what(first, others);
  const index = list.findIndex((each) => each.others.length === others.length);
  list[index === -1 ? list.length : index] = next;
}

function isPool({ others }: Pool, tallies: readonly HarmTally[]): boolean {
  return others.length === tallies.length - 1 && others.every((tally, index) => tally === tallies[index + 1]);
}

function lateOf(tallies: readonly HarmTally[]): number {
  return sum(tallies.map(({ late }) => late));
}

/** What the events of each period behind another one add to the logarithms, one for each alternative. */
function grainsAfter(tallies: readonly HarmTally[], periods: number): Map<number, number[]> {
  const grains = new Map<number, number[]>();
  for (const { events } of tallies) {
    for (let index = events.length - NUMBERS_PER_EVENT; index >= 0; index -= NUMBERS_PER_EVENT) {
      const [its = 0, shareBegin = 0, shareEnd = 0] = [events[index], events[index + 1], events[index + 2]];
      const period = Math.abs(its);
      if (period <= periods) break;
      const event = { isTreated: its > 0, shareBegin, shareEnd };
      const before = grains.get(period);
      const added = RATIOS.map((ratio, of) => (before?.[of] ?? 0) + inGrains(Math.log(likelihoodRatio(event, ratio))));
      grains.set(period, added);
    }
  }
  return grains;
}

function likelihoodRatio(event: Shares & { readonly isTreated: boolean }, ratio: number): number {
  const [theta, one] = [thetaOf(event, ratio), thetaOf(event, 1)];
  return event.isTreated ? theta / one : (1 - theta) / (1 - one);
}

/** The chance that an event is one of a treated device, where those have so many times as many. */
function thetaOf({ shareBegin, shareEnd }: Shares, ratio: number): number {
  return (shareBegin * ratio) / (shareBegin * ratio + 1 - shareEnd);
}

function inGrains(value: number): number {
  return Math.round(value / GRAIN);
}
