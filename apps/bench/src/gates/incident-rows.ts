import { ALPHA, CAUTION } from '@sluice/domain-rollout';
import { median } from '../figure.ts';
import {
  judgeNull,
  neverStopped,
  NONE_RUNS,
  percent,
  type PlayedRow,
  playedRow,
  share,
  stoodAt,
  type Verdict,
} from './gate-rows.ts';
import { type IncidentOutcome, type IncidentWorld, playIncidents } from './incident-run.ts';
import { playSilence, type SilenceWorld } from './silence-run.ts';

/** Of all devices, so many crash for the first time on a day without the patch. */
const RATE_PER_DAY = 0.05;
/** Of what is only beside. */
const BESIDE_RUNS = 20;

const DEVICES = 20_000;

const fleet: IncidentWorld = { devices: DEVICES, ratePerDay: RATE_PER_DAY, ratio: 1, holdBackPercent: 2 };
const daily: SilenceWorld = {
  ...{ devices: DEVICES, tells: 'installs', catchesUp: true, offAtNight: 0.2, offOverWeekends: 0.3, fallSilent: 0 },
};
const row = (
  name: string,
  runs: number,
  change: Partial<IncidentWorld>,
  judge: (outcomes: readonly IncidentOutcome[]) => Verdict,
): PlayedRow => playedRow(name, runs, (random, tape) => playIncidents({ ...fleet, ...change }, random, tape), judge);

/** Devices crash with the patch as often as without it: by their own rates, more by day than by night. */
export function incidentNulls(runs: number): PlayedRow[] {
  const none = Math.min(runs, NONE_RUNS);
  const huge = { devices: 100_000, besides: 99 };
  return [
    ...[2, 0].map((holdBackPercent) =>
      row(`crashes, ${percent(holdBackPercent / 100)} held back`, runs, { holdBackPercent }, judgeNull),
    ),
    row(
      'crashes, 0.15 % of 10 million held back, of which 1 in 100 can crash',
      runs,
      { ...huge, holdBackPercent: 0.15 },
      judgeNull,
    ),
    row('two audiences, one at 100 % crashes twice as often', none, { otherAudience: 2 }, neverStopped),
    row('crashes are told with the next contact, which an install is', none, { keepsIncidents: true }, neverStopped),
    ...[6, 60, 600, 2_000].map((devices) =>
      row(`30 % flaky of ${String(devices)} crash 20 times as often`, runs, { devices, flakyShare: 0.3 }, judgeNull),
    ),
  ];
}

/** Devices report their status once a day, and are off at night or over the weekend: one in five, three in ten. */
export function silenceNulls(runs: number, devices = DEVICES): PlayedRow<IncidentOutcome>[] {
  const none = Math.min(runs, NONE_RUNS);
  const silenceRow = silenceRows(devices);
  return [
    silenceRow('daily status alone', none, { tells: 'status' }, neverStopped),
    silenceRow('daily status alone, never late', none, { tells: 'status', catchesUp: false }, neverStopped),
    silenceRow('daily status, and installs', none, {}, neverStopped),
    silenceRow('daily status, and one after each install', none, { tells: 'status-at-install' }, neverStopped),
    // Of the installs of the last hours before a night or a weekend up to three in ten are cut: no plan may tolerate less than that.
    silenceRow(
      'switched off for the night or the weekend in the midst of an install too, where 30 % may be missing',
      runs,
      { isSwitchedOff: true, outcomeMissingRateMax: 0.3 },
      judgeNull,
    ),
  ];
}

/** Some of the devices fall silent within a day after the install. */
export function silenceHarms(runs: number, devices = DEVICES): PlayedRow<IncidentOutcome>[] {
  const silenceRow = silenceRows(devices);
  return [
    silenceRow('5 % fall silent 1–24 h later, a day and a half to tell', runs, { fallSilent: 0.05 }, stoodAt(1, 1)),
    silenceRow(
      '5 % fall silent 1–24 h later, told by daily status alone',
      runs,
      { fallSilent: 0.05, tells: 'status' },
      stoodAt(1, 1),
    ),
  ];
}

function silenceRows(devices: number) {
  return (
    name: string,
    runs: number,
    change: Partial<SilenceWorld>,
    judge: (outcomes: readonly IncidentOutcome[]) => Verdict,
  ): PlayedRow<IncidentOutcome> =>
    playedRow(name, runs, (random, tape) => playSilence({ ...daily, devices, ...change }, random, tape), judge);
}

/** Devices crash three times as often with the patch. */
export function incidentHarms(runs: number): PlayedRow[] {
  const size = (devices: number) => `${String(devices)} devices`;
  return [
    ...(
      [
        [100_000, 240, 0.14],
        [10_000, 240, 0.28],
        [100_000, 60, 0.1],
        [10_000, 60, 0.2],
      ] as const
    ).map(([devices, checkInMinutes, exposed]) =>
      row(
        `crash × 3, ${size(devices)}, check-ins every ${String(checkInMinutes / 60)} h`,
        runs,
        { devices, ratio: 3, checkInMinutes },
        stoodAt(1, exposed),
      ),
    ),
    ...(
      [
        [25, 0.6],
        [98, 7],
      ] as const
    ).flatMap(([toPercent, hours]) => lateHarmRows(toPercent, hours, runs)),
  ];
}

/** Harm that begins after two good days, and beside it the same without onsets. */
function lateHarmRows(toPercent: number, hours: number, runs: number): PlayedRow[] {
  const world = { devices: 100_000, ratio: 3, toPercent, beginsAt: 48 * 60, days: 5 } as const;
  const name = `crash × 3 from 48 h on, 100000 devices, standing at ${percent(toPercent / 100)}`;
  return [
    row(name, runs, world, foundWithin(hours)),
    row(`${name}, without onsets`, Math.min(runs, BESIDE_RUNS), { ...world, withoutOnsets: true }, foundAfter(hours)),
  ];
}

export function foundWithin(hours: number) {
  return (outcomes: readonly IncidentOutcome[]): Verdict => {
    const found = outcomes.filter(({ stood }) => stood !== 'go').length;
    const after = median(outcomes.map(({ stoodAfter }) => stoodAfter / 60));
    return {
      must: `all stand, within ${String(hours)} h`,
      found: `${share(found, outcomes.length)} stand, after ${String(Number(after.toPrecision(2)))} h`,
      isReached: found === outcomes.length && after <= hours,
    };
  };
}

/** What onsets are there for: without them harm that the gates see in the same history is found later than it may, or never. */
export function foundAfter(hours: number) {
  return (outcomes: readonly IncidentOutcome[]): Verdict => {
    const { found } = foundWithin(hours)(outcomes);
    const after = median(outcomes.map(({ stoodAfter }) => stoodAfter / 60));
    const seen = outcomes.filter(({ largestLogSum }) => largestLogSum >= Math.log(CAUTION / ALPHA)).length;
    return {
      must: `later than ${String(hours)} h, where the gates see it`,
      found: `${found}; the gates see it in ${share(seen, outcomes.length)}`,
      isReached: after > hours && seen === outcomes.length,
    };
  };
}
