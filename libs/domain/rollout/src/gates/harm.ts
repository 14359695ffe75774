import { logMean, logSum } from './rates.ts';

/** How many times as often as the others the exposed devices may be harmed: the alternatives, each with the same weight. */
const RATIOS = [1.25, 1.5, 2, 3, 5, 10, 20] as const;
/** Harm may begin at the begin of any period, so that the good days before do not hide it. */
const PERIOD_MINUTES = 180;
const MILLION = 1_000_000;

/** A device's first event of one signal. Shares are of all places, both of the device's own waves. */
export interface HarmEvent {
  /** When it happened, after the start of the rollout. */
  readonly minute: number;
  /** The place of its bucket, in millionths. */
  readonly place: number;
  /** What was exposed at the begin of the counting bucket in which it happened, and at its end. */
  readonly shareBegin: number;
  readonly shareEnd: number;
}

/** `left-out`: it was exposed within the bucket, or nobody is on the other side. */
export type Arm = 'treated' | 'control' | 'left-out';

/** Sums of the logarithms of likelihood ratios, one for each alternative, by the period in which the events happened. */
export type HarmTally = Map<number, number[]>;

/** On which side of the exposure the device was. At no effect its place is uniform, whatever it and the hour are like. */
export function armOf({ place, shareBegin, shareEnd }: HarmEvent): Arm {
  if (shareBegin === 0 || shareEnd === 1) return 'left-out';
  if (place < shareBegin * MILLION) return 'treated';
  return place >= shareEnd * MILLION ? 'control' : 'left-out';
}

/** Takes the event into the tally of its slice, in place. */
export function addHarm(tally: HarmTally, event: HarmEvent): void {
  const arm = armOf(event);
  if (arm === 'left-out') return;
  const period = periodOf(event.minute);
  const logs = tally.get(period) ?? RATIOS.map(() => 0);
  tally.set(
    period,
    logs.map((log, index) => log + Math.log(likelihoodRatio(event, arm, RATIOS[index] ?? 1))),
  );
}

/** The number of the period that a minute lies in, from 1 on. */
export function periodOf(minute: number): number {
  return Math.floor(minute / PERIOD_MINUTES) + 1;
}

/**
 * The natural logarithm of the evidence of some slices together, after so many periods: at the begin of the k-th the mass
 * 1/(k(k+1)) enters, and from then on is multiplied with what happens (design §3.4).
 */
export function logHarmEvidence(tallies: readonly HarmTally[], periods: number): number {
  const masses = RATIOS.map((_, index) => {
    let logMass = -Infinity;
    for (let period = 1; period <= periods; period += 1) {
      logMass = logSum([logMass, -Math.log(period * (period + 1))]);
      for (const tally of tallies) logMass += tally.get(period)?.[index] ?? 0;
    }
    return logMass;
  });
  return logMean(masses);
}

function likelihoodRatio({ shareBegin, shareEnd }: HarmEvent, arm: 'treated' | 'control', ratio: number): number {
  const [treated, control] = [shareBegin, 1 - shareEnd];
  const theta = (times: number) => (treated * times) / (treated * times + control);
  return arm === 'treated' ? theta(ratio) / theta(1) : (1 - theta(ratio)) / (1 - theta(1));
}
