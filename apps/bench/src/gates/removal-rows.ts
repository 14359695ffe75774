import { median } from '../figure.ts';
import { falseStopsMax, type PlayedRow, playedRow, type Verdict } from './gate-rows.ts';
import { playRemovals, type RemovalOutcome, type RemovalWorld } from './removal-run.ts';

type RemovalRow = PlayedRow<RemovalOutcome>;

const TOLERATED = 0.05;
/** So slow that outcomes keep up with directions; whoever directs everybody at once has directed all before the first fails. */
const PACE_PER_HOUR = 30;

const paced: RemovalWorld = { holders: 2_000, slices: 1, failureRate: 0, removePerHour: PACE_PER_HOUR };
const atOnce: RemovalWorld = { holders: 20_000, slices: 1, failureRate: 0 };

/** Nothing is wrong: removals fail exactly as often as is tolerated. */
export function removalNullRows(runs: number): RemovalRow[] {
  const fails = { failureRate: TOLERATED };
  const worlds: readonly (readonly [string, RemovalWorld])[] = [
    ['20,000 holders at once', { ...atOnce, ...fails }],
    ['20,000 holders at once, 36 slices', { ...atOnce, ...fails, slices: 36 }],
    ['20,000 holders at once, 3 % fail and 2 % fall silent', { ...atOnce, failureRate: 0.03, lostRate: 0.02 }],
    ['20,000 holders at once, agents without starts', { ...atOnce, ...fails, agents: 'no-start' }],
    ['20,000 holders at once, start and outcome together', { ...atOnce, ...fails, agents: 'together' }],
    ['2,000 holders, 30 an hour', { ...paced, ...fails }],
    ['200 holders at once', { ...atOnce, ...fails, holders: 200 }],
  ];
  return worlds.map(([name, world]) => row(`removals fail at 5 %, ${name}`, world, runs, judgeNull));
}

/** Removals harm. */
export function removalHarmRows(runs: number): RemovalRow[] {
  return [
    ...(
      [
        [0.1, 600],
        [0.2, 100],
        [0.3, 50],
      ] as const
    ).map(([failureRate, directed]) => {
      const name = `removals fail at ${String(failureRate * 100)} %, 30 an hour`;
      return row(name, { ...paced, failureRate }, runs, pausedAt(directed));
    }),
    // An outcome is missing four hours after the quarter of an hour in which the removal began; until then it counts as a good one.
    row('30 % fall silent, 30 an hour', { ...paced, lostRate: 0.3 }, runs, pausedAt(300)),
    row(
      'removals fail at 30 %, 30 an hour, agents without starts',
      { ...paced, failureRate: 0.3, agents: 'no-start' },
      runs,
      // A failure without a start counts four hours later, the good ends meanwhile.
      pausedAt(100 + 4 * PACE_PER_HOUR),
    ),
    row('removals fail at 10 %, 20,000 holders at once', { ...atOnce, failureRate: 0.1 }, runs, pausedAt(6_000)),
  ];
}

function row(
  name: string,
  world: RemovalWorld,
  runs: number,
  judge: (outcomes: readonly RemovalOutcome[]) => Verdict,
): RemovalRow {
  return playedRow(name, runs, (random, tape) => playRemovals(world, random, tape), judge);
}

/** What was found over all nulls together. */
export function overAllRemovals(outcomes: readonly RemovalOutcome[]): Verdict {
  const pauses = outcomes.filter(({ isPaused }) => isPaused).length;
  return {
    must: 'paused ≤ 0.1 % of all',
    found: `${String(pauses)} of ${String(outcomes.length)}`,
    isReached: pauses <= 0.001 * outcomes.length,
  };
}

function judgeNull(outcomes: readonly RemovalOutcome[]): Verdict {
  const pauses = outcomes.filter(({ isPaused }) => isPaused).length;
  const most = falseStopsMax(outcomes.length);
  return {
    must: `paused ≤ ${String(most)}`,
    found: `${String(pauses)} paused`,
    isReached: pauses <= most,
  };
}

function pausedAt(most: number) {
  return (outcomes: readonly RemovalOutcome[]): Verdict => {
    const paused = outcomes.filter(({ isPaused }) => isPaused).length;
    const directed = median(outcomes.map((outcome) => outcome.directed));
    const counted = median(outcomes.map((outcome) => outcome.counted));
    const share = paused === outcomes.length ? 'all' : `${String(paused)} of ${String(outcomes.length)}`;
    return {
      must: `all pause, at ≤ ${String(most)} directed`,
      found: `${share} pause, at ${String(directed)} directed, ${String(counted)} counted`,
      isReached: paused === outcomes.length && directed <= most,
    };
  };
}
