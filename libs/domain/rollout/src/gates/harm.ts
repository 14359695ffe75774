import { PLACES, sum } from '@sluice/domain-cohorts';
import { levels } from './nodes.ts';
import { logMean, logSum } from './rates.ts';

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
  /** The events that count, by their period; those of one period in the order in which they came. */
  readonly events: CountedHarm[];
  treated: number;
  control: number;
  /** How many would be treated by chance, in grains. */
  expected: number;
  /** Masses are kept up to this period; counts up with each event that comes for one of the periods up to there. */
  keptThrough: number;
  late: number;
  /** Of the pools that begin with this slice. */
  readonly kept: KeptMasses[];
}

interface CountedHarm {
  readonly period: number;
  readonly arm: 'treated' | 'control';
  readonly shareBegin: number;
  readonly shareEnd: number;
}

/** The logarithms of the masses of a pool after so many periods, one for each alternative. */
interface KeptMasses {
  readonly tallies: readonly HarmTally[];
  readonly late: number;
  readonly periods: number;
  readonly logs: readonly number[];
}

/** A slice is the first one of a pool on each level at most. */
const POOLS_KEPT = levels.length;

export function noHarm(): HarmTally {
  return { events: [], treated: 0, control: 0, expected: 0, keptThrough: 0, late: 0, kept: [] };
}

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
  const before = tally.events.findLastIndex((each) => each.period <= period);
  tally.events.splice(before + 1, 0, { period, arm, shareBegin, shareEnd });
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
 * 1/(k(k+1)) enters, and from then on is multiplied with what happens (design §3.4). The masses before the last period are
 * kept with the first of the slices: from one look to the next, nothing but the last period changes.
 */
export function logHarmEvidence(tallies: readonly HarmTally[], periods: number): number {
  const [first] = tallies;
  const late = sum(tallies.map((tally) => tally.late));
  const isSame = (each: KeptMasses) =>
    each.late === late && each.periods < periods && areSame(each.tallies, tallies);
  const known = first?.kept.find(isSame);
  let logs: readonly number[] = known?.logs ?? RATIOS.map(() => -Infinity);
  for (let period = (known?.periods ?? 0) + 1; period < periods; period += 1) logs = nextMasses(logs, tallies, period);
  if (first !== undefined && (known?.periods ?? 0) < periods - 1) {
    for (const tally of tallies) tally.keptThrough = Math.max(tally.keptThrough, periods - 1);
    const others = first.kept.filter((each) => each !== known).slice(1 - POOLS_KEPT);
    first.kept.splice(0, Infinity, ...others, { tallies, late, periods: periods - 1, logs });
  }
  return logMean(periods > 0 ? nextMasses(logs, tallies, periods) : logs);
}

function areSame(left: readonly HarmTally[], right: readonly HarmTally[]): boolean {
  return left.length === right.length && left.every((tally, index) => tally === right[index]);
}

/** The masses after one more period. */
function nextMasses(logs: readonly number[], tallies: readonly HarmTally[], period: number): number[] {
  const grains = RATIOS.map(() => 0);
  for (const { events } of tallies) {
    for (let index = events.length - 1; index >= 0; index -= 1) {
      const event = events[index];
      if (event === undefined || event.period < period) break;
      if (event.period > period) continue;
      RATIOS.forEach((ratio, of) => {
        grains[of] = (grains[of] ?? 0) + inGrains(Math.log(likelihoodRatio(event, ratio)));
      });
    }
  }
  const enters = -Math.log(period * (period + 1));
  return logs.map((log, index) => logSum([log, enters]) + (grains[index] ?? 0) * GRAIN);
}

function likelihoodRatio(event: CountedHarm, ratio: number): number {
  const [theta, one] = [thetaOf(event, ratio), thetaOf(event, 1)];
  return event.arm === 'treated' ? theta / one : (1 - theta) / (1 - one);
}

/** The chance that an event is one of a treated device, where those have so many times as many. */
function thetaOf({ shareBegin, shareEnd }: Pick<HarmEvent, 'shareBegin' | 'shareEnd'>, ratio: number): number {
  return (shareBegin * ratio) / (shareBegin * ratio + 1 - shareEnd);
}

function inGrains(value: number): number {
  return Math.round(value / GRAIN);
}
