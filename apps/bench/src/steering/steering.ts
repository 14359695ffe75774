import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { sum } from '@sluice/domain-cohorts';
import { type Figure, inWords, median, quantile } from '../figure.ts';
import { type FleetSize } from './made-up-fleet.ts';
import { type PassTimes, SteeredFleet } from './steered-fleet.ts';

export interface SteeringSize extends FleetSize {
  readonly days: number;
  /** How many rollouts each bucket changes. */
  readonly changed: number;
  readonly passes: number;
  readonly resumes: number;
}

const TARGET_PASS_MS = 5;
const TARGET_RESUME_MS = 50;
/** Flat: what is kept after the last day, to what was kept once trials had settled and every slice had had an incident. */
const TARGET_GROWTH = 1.05;
const DAYS_PER_HEAP = 5;
/** The trials of the first days are in the tables until they are settled; incidents are kept from a slice's first one on. */
const SETTLED_DAYS = 10;
const HOURS_PER_DAY = 24;
/** While days are played there is a pass every so many hours, and grants are as long as two of them. */
const HOURS_PER_PASS = 12;
/** Before it counts: the grants of the rollouts are shifted apart within a minute, and the code is warm. */
const SECONDS_TO_SHIFT = 60;
const MIB = 2 ** 20;

/** What a pass of the steering takes, a resume, and what is kept from day to day. */
export async function measureSteering(size: SteeringSize): Promise<Figure[]> {
  const fleet = new SteeredFleet(size);
  await fleet.begin();
  const heaps = await playDays(fleet, size.days);
  await fleet.playSecond(0, []);
  // As after a time without health: the next grants of all are due with the same pass.
  fleet.shift(Array.from({ length: size.rollouts }, (_, index) => index));
  const aligned = await fleet.playSecond(0, []);
  const times = await playSeconds(fleet, size);
  const resumes = Array.from({ length: size.resumes }, (_, index) => fleet.resume(index % size.rollouts));
  const { rollouts, slices, shards, recalls, days, changed } = size;
  const { running = 0, completed = 0 } = fleet.statuses();
  const counts = `${inWords(running)} of ${inWords(rollouts)} rollouts run, with ${inWords(slices)} slices each; ${inWords(shards)} shards, ${inWords(days)} days, ${inWords(completed)} of ${inWords(recalls)} recalls completed`;
  return [
    ...passFigures(times, {
      changed,
      counts,
      alignedMs: aligned.bucketMs + aligned.tickMs,
      alignedCommands: aligned.commands,
    }),
    {
      what: 'steering: the fold of a resume, and the verdict after it',
      value: median(resumes),
      unit: 'ms',
      target: TARGET_RESUME_MS,
      beside: `slowest of ${inWords(resumes.length)}: ${inWords(Math.max(...resumes))} ms`,
      limitedBy: 'the cohorts of all slices of the patch',
    },
    ...heapFigure(heaps),
  ];
}

function passFigures(
  times: readonly PassTimes[],
  {
    changed,
    counts,
    alignedMs,
    alignedCommands,
  }: {
    readonly changed: number;
    readonly counts: string;
    readonly alignedMs: number;
    readonly alignedCommands: number;
  },
): Figure[] {
  const buckets = times.map(({ bucketMs }) => bucketMs);
  const ticks = times.map(({ tickMs }) => tickMs);
  const commands = sum(times.map((each) => each.commands));
  const commandsMs = sum(times.map((each) => each.commandsMs));
  const mean = (of: (each: PassTimes) => number) =>
    `on average ${inWords(sum(times.map(of)) / times.length)} ms of the processor's time`;
  const ofBucket = `${mean((each) => each.bucketProcessorMs)}; ${counts}`;
  const what = `steering: a bucket that changes ${inWords(changed)} rollouts, and the pass after it`;
  const shared = { unit: 'ms', target: TARGET_PASS_MS } as const;
  const ofTick = {
    beside: `${mean((each) => each.tickProcessorMs)}; ${inWords(commands / times.length)} commands a second, ${inWords(commandsMs / Math.max(1, commands))} ms each without the store; when the grants of ${inWords(alignedCommands)} rollouts were due at once: ${inWords(alignedMs)} ms`,
    limitedBy: 'the rollouts whose grant is due',
  };
  return [
    { ...shared, what: `${what}, p50`, value: median(buckets), beside: ofBucket, limitedBy: 'the verdicts anew' },
    { ...shared, what: `${what}, p99`, value: quantile(buckets, 0.99), beside: ofBucket, limitedBy: 'the same' },
    { ...shared, what: 'steering: the pass of a tick, p50', value: median(ticks), ...ofTick },
    { ...shared, what: 'steering: the pass of a tick, p99', value: quantile(ticks, 0.99), ...ofTick },
  ];
}

function heapFigure(heaps: readonly { readonly day: number; readonly bytes: number }[]): Figure[] {
  const first = heaps.find(({ day }) => day >= SETTLED_DAYS);
  const last = heaps.at(-1);
  if (first === undefined || last === undefined || first === last) return [];
  const byDay = heaps.map(({ day, bytes }) => `day ${String(day)}: ${inWords(bytes / MIB)} MiB`);
  return [
    {
      what: `steering: heap after day ${String(last.day)} to that after day ${String(first.day)}`,
      value: last.bytes / first.bytes,
      unit: 'times',
      target: TARGET_GROWTH,
      beside: byDay.join(', '),
      limitedBy: 'the trials and outcomes by hour that the evidence of a wave is counted from',
    },
  ];
}

async function playDays(fleet: SteeredFleet, days: number) {
  const heaps: { readonly day: number; readonly bytes: number }[] = [];
  for (let day = 1; day <= days; day += 1) {
    for (let hour = 0; hour < HOURS_PER_DAY; hour += HOURS_PER_PASS) await fleet.playHours(HOURS_PER_PASS);
    if (day % DAYS_PER_HEAP === 0) heaps.push({ day, bytes: heapBytes() });
  }
  return heaps;
}

async function playSeconds(
  fleet: SteeredFleet,
  { rollouts, shards, changed, passes }: SteeringSize,
): Promise<PassTimes[]> {
  const times: PassTimes[] = [];
  const all = Array.from({ length: rollouts }, (_, index) => index);
  for (let second = 0; second < SECONDS_TO_SHIFT * 2 + passes; second += 1) {
    if (second < SECONDS_TO_SHIFT) fleet.shift(all.filter((index) => index % SECONDS_TO_SHIFT === second));
    const first = (second * changed) % rollouts;
    const its = Array.from({ length: changed }, (_, index) => (first + index) % rollouts);
    const took = await fleet.playSecond(second % shards, its);
    if (second >= SECONDS_TO_SHIFT * 2) times.push(took);
  }
  return times;
}

/** What the program keeps: after a collection of all that it does not. */
function heapBytes(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  return process.memoryUsage().heapUsed;
}
