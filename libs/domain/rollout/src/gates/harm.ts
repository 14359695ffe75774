import { haveSameItems, PLACES, sum } from '@sluice/domain-cohorts';
import { logMean, logSumOfTwo } from './rates.ts';

/** How many times as often as the others the exposed devices may be harmed: the alternatives, each with the same weight. */
const RATIOS = [1.25, 1.5, 2, 3, 5, 10, 20] as const;
/** Harm may begin at any onset, one every so many minutes, so that the good days before do not hide it. */
const ONSET_MINUTES = 180;
/** A pool that is judged is looked at at least once in so many onsets with an event. */
const LOOKED_AT_ONSETS = 8;
/** Of the last three days the events since each onset are kept apart. */
const ONSETS_APART = 24;
const PACKED = 3 + RATIOS.length;
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

type Shares = Pick<HarmEvent, 'shareBegin' | 'shareEnd'>;

/** `left-out`: it was exposed within the bucket, or nobody is on the other side. */
export type Arm = 'treated' | 'control' | 'left-out';

/** Events that are summed up; `grains`: for each ratio, the sum of the logarithms of their likelihood ratios. */
interface EventSums {
  events: number;
  treated: number;
  readonly grains: number[];
}

interface HarmSums {
  /** By onset, of the last ones. */
  readonly byOnset: Map<number, EventSums>;
  /** Of all onsets up to this one together. */
  olderThrough: number;
  readonly older: EventSums;
}

/**
 * Events as evidence has them. `logByChance`: for each ratio, the logarithm of ratio^treated as it is expected where nothing harms.
 */
interface CountedEvents {
  readonly events: number;
  readonly treated: number;
  readonly logByChance: readonly number[];
}

/**
 * What the evidence of harm is made of: after how many onsets it was looked at, the events since each of the last ones that has
 * any, and all since the first up to the onset `through`, which count as since the first. `expected`: how many of all events would
 * be of exposed devices by chance; absent in evidence from before it was kept.
 */
export interface LotCounts {
  readonly by: 'lot';
  readonly onsets: number;
  readonly expected?: number;
  readonly since: readonly (CountedEvents & { readonly onset: number })[];
  readonly older: CountedEvents & { readonly through: number };
}

/** All that counted; `expected`: how many of them would be treated by chance, in grains. */
interface Totals {
  treated: number;
  control: number;
  expected: number;
}

/** What the events of one signal come to on one slice. */
export interface HarmTally extends Totals {
  /** Packed while nobody looks at them any more. */
  sums: HarmSums | Float64Array;
  /** The pools that were looked at with this slice in them; and those that begin with it, one of each size. */
  readonly pools: Set<Pool>;
  readonly begins: Map<number, Pool>;
}

/** Slices that are looked at together. Its sums are kept, because adding up its slices takes long. */
interface Pool {
  readonly tallies: readonly HarmTally[];
  readonly sums: HarmSums;
  /** A slice by itself has its own. */
  readonly totals: Totals;
  /** Of the last look: how many events there were, after how many onsets, and what was found. */
  events: number;
  onsets: number;
  logE: number;
  /** Its sums are kept no longer. */
  isLeft: boolean;
}

export function noHarm(): HarmTally {
  return { sums: noSums(), treated: 0, control: 0, expected: 0, pools: new Set(), begins: new Map() };
}

function noSums(): HarmSums {
  return { byOnset: new Map(), olderThrough: 0, older: noEvents() };
}

function noEvents(): EventSums {
  return { events: 0, treated: 0, grains: RATIOS.map(() => 0) };
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
  const total: Totals = { treated: 0, control: 0, expected: inGrains(thetaOf(event, 1)), [arm]: 1 };
  addTotals(tally, total);
  const onset = Math.max(1, onsetAt(event.minute));
  const grains = RATIOS.map((ratio) => inGrains(Math.log(likelihoodRatio(event, arm, ratio))));
  const one = { events: 1, treated: arm === 'treated' ? 1 : 0, grains };
  addEvents(sumsIn(tally), onset, one);
  for (const pool of tally.pools) {
    // Nobody asks for a pool any more that was not looked at for a while: it has other slices now.
    if (pool.onsets < onset - LOOKED_AT_ONSETS) pool.isLeft = true;
    if (pool.isLeft) tally.pools.delete(pool);
    else {
      addEvents(pool.sums, onset, one);
      addTotals(pool.totals, total);
    }
  }
}

function addTotals(totals: Totals, { treated, control, expected }: Totals): void {
  totals.treated += treated;
  totals.control += control;
  totals.expected += expected;
}

function addEvents(sums: HarmSums, onset: number, more: EventSums): void {
  // No look will be at an earlier onset than this.
  putTogether(sums, onset - ONSETS_APART);
  if (onset <= sums.olderThrough) return addTo(sums.older, more);
  const known = sums.byOnset.get(onset);
  if (known === undefined) sums.byOnset.set(onset, { ...more, grains: [...more.grains] });
  else addTo(known, more);
}

/**
 * Lets go of the pools, which are made anew where they are asked for, puts together what a look after so many onsets does, and packs
 * the rest.
 */
export function compactTally(tally: HarmTally, onsets: number): void {
  tally.pools.clear();
  tally.begins.clear();
  const through = onsets - ONSETS_APART;
  if (tally.sums instanceof Float64Array && (tally.sums[0] ?? 0) >= through) return;
  const sums = sumsIn(tally);
  putTogether(sums, through);
  tally.sums = packed(sums);
}

function sumsIn(tally: HarmTally): HarmSums {
  if (tally.sums instanceof Float64Array) tally.sums = unpacked(tally.sums);
  return tally.sums;
}

/** An onset and its sums, in a row of PACKED numbers; the older ones are the first row. */
function packed({ byOnset, olderThrough, older }: HarmSums): Float64Array {
  const rows = [[olderThrough, older] as const, ...byOnset];
  return Float64Array.from(rows.flatMap(([onset, { events, treated, grains }]) => [onset, events, treated, ...grains]));
}

function unpacked(numbers: Float64Array): HarmSums {
  const sums = noSums();
  for (let row = 0; row < numbers.length; row += PACKED) {
    const [onset = 0, events = 0, treated = 0, ...grains] = numbers.subarray(row, row + PACKED);
    if (row > 0) sums.byOnset.set(onset, { events, treated, grains });
    else addTo(sums.older, { events, treated, grains });
    if (row === 0) sums.olderThrough = onset;
  }
  return sums;
}

/** The number of the last onset at a minute, from 1 on. */
export function onsetAt(minute: number): number {
  return Math.floor(minute / ONSET_MINUTES) + 1;
}

/** Events of devices that are exposed, of all that counted, and the share of them that chance would have put there. */
export function harmCounts(tallies: readonly HarmTally[]) {
  return countsOf(totalsOf(tallies));
}

function totalsOf(tallies: readonly HarmTally[]): Totals {
  const totals = { treated: 0, control: 0, expected: 0 };
  for (const tally of tallies) addTotals(totals, tally);
  return totals;
}

function countsOf({ treated, control, expected }: Totals) {
  const events = treated + control;
  return { treated, events, expectedShare: events === 0 ? 0 : (expected * GRAIN) / events };
}

/**
 * What is found on some slices together. `logE`: the natural logarithm of their evidence, after so many onsets: at the begin of the k-th the mass
 * 1/(k(k+1)) enters, and from then on is multiplied with what happens (design §3.4). The onsets before the last ONSETS_APART
 * are one, which all of their mass enters at its begin. To be asked for no fewer onsets than before.
 */
export function harmFound(tallies: readonly HarmTally[], onsets: number) {
  const [first] = tallies;
  if (first === undefined) return { ...countsOf(totalsOf([])), logE: logEvidence(noSums(), onsets) };
  const pool = poolOf(first, tallies);
  const counts = countsOf(pool.totals);
  const { events } = counts;
  if (pool.events !== events || pool.onsets !== onsets)
    Object.assign(pool, { events, onsets, logE: logEvidence(pool.sums, onsets) });
  return { ...counts, logE: pool.logE };
}

function poolOf(first: HarmTally, tallies: readonly HarmTally[]): Pool {
  const before = first.begins.get(tallies.length);
  if (before?.isLeft === false && haveSameItems(before.tallies, tallies)) return before;
  if (before !== undefined) before.isLeft = true;
  const totals = tallies.length === 1 ? first : totalsOf(tallies);
  const pool = { tallies, sums: sumsOf(tallies), totals, events: -1, onsets: 0, logE: 0, isLeft: false };
  first.begins.set(tallies.length, pool);
  // A slice by itself has its own sums.
  if (tallies.length > 1) for (const tally of tallies) tally.pools.add(pool);
  return pool;
}

function sumsOf(tallies: readonly HarmTally[]): HarmSums {
  const [first, ...others] = tallies;
  if (first !== undefined && others.length === 0) return sumsIn(first);
  const through = Math.max(...tallies.map((tally) => sumsIn(tally).olderThrough));
  const all = noSums();
  putTogether(all, through);
  for (const sums of tallies.map(sumsIn)) {
    putTogether(sums, through);
    addTo(all.older, sums.older);
    for (const [onset, events] of sums.byOnset) addEvents(all, onset, events);
  }
  return all;
}

function logEvidence(sums: HarmSums, onsets: number): number {
  const through = Math.max(0, onsets - ONSETS_APART);
  putTogether(sums, through);
  const logs = sums.older.grains.map((grains) => GRAIN * grains + Math.log(through / (through + 1)));
  let first = through + 1;
  const eventful = [...sums.byOnset].filter(([onset]) => onset <= onsets).sort(([left], [right]) => left - right);
  for (const [onset, { grains }] of eventful) {
    const enters = logMassOf(first, onset);
    for (let index = 0; index < logs.length; index += 1)
      logs[index] = logSumOfTwo(logs[index] ?? 0, enters) + GRAIN * (grains[index] ?? 0);
    first = onset + 1;
  }
  const enters = logMassOf(first, onsets);
  return logMean(first > onsets ? logs : logs.map((log) => logSumOfTwo(log, enters)));
}

/** The logarithm of the mass that enters from the begin of one onset to that of another. */
function logMassOf(first: number, last: number): number {
  return Math.log(1 / first - 1 / (last + 1));
}

/** Puts the onsets up to this one together, in place. */
function putTogether(sums: HarmSums, through: number): void {
  if (through <= sums.olderThrough) return;
  sums.olderThrough = through;
  for (const [onset, events] of sums.byOnset) {
    if (onset > through) continue;
    sums.byOnset.delete(onset);
    addTo(sums.older, events);
  }
}

function addTo(sums: EventSums, { events, treated, grains }: EventSums): void {
  sums.events += events;
  sums.treated += treated;
  for (let index = 0; index < grains.length; index += 1)
    sums.grains[index] = (sums.grains[index] ?? 0) + (grains[index] ?? 0);
}

/** What the evidence of some slices together is made of, so that it can be recomputed. */
export function lotCounts(tallies: readonly HarmTally[], onsets: number): LotCounts {
  const [first] = tallies;
  const { older, olderThrough, byOnset } = first === undefined ? noSums() : poolOf(first, tallies).sums;
  const since = [...byOnset].sort(([left], [right]) => left - right);
  return {
    ...{ by: 'lot', onsets, expected: sum(tallies.map(({ expected }) => expected)) * GRAIN },
    since: since.map(([onset, sums]) => ({ onset, ...countedOf(sums) })),
    older: { through: olderThrough, ...countedOf(older) },
  };
}

/** The evidence of harm anew, by nothing but what it says to be made of. Undefined where that is not all of it. */
export function lotEvidence({ onsets, expected, since, older }: LotCounts) {
  if (expected === undefined) return undefined;
  const byOnset = new Map(since.map(({ onset, ...events }) => [onset, sumsOfCounted(events)]));
  const all = [older, ...since];
  const trials = sum(all.map(({ events }) => events));
  return {
    trials,
    toleratedRate: trials === 0 ? 0 : expected / trials,
    failures: sum(all.map(({ treated }) => treated)),
    logE: logEvidence({ byOnset, olderThrough: older.through, older: sumsOfCounted(older) }, onsets),
  };
}

function countedOf({ events, treated, grains }: EventSums): CountedEvents {
  const logByChance = RATIOS.map((ratio, index) => treated * Math.log(ratio) - GRAIN * (grains[index] ?? 0));
  return { events, treated, logByChance };
}

function sumsOfCounted({ events, treated, logByChance }: CountedEvents): EventSums {
  const logOf = (ratio: number, index: number) => treated * Math.log(ratio) - (logByChance[index] ?? NaN);
  return { events, treated, grains: RATIOS.map((ratio, index) => logOf(ratio, index) / GRAIN) };
}

/**
 * The same for so many events under one exposure from the begin of the counting on: `share` of all events are treated by chance.
 * Half of the mass is there from the first onset on.
 */
export function logHarmRatioEvidence(
  { treated, control }: { readonly treated: number; readonly control: number },
  share: number,
): number {
  const shares = { shareBegin: share, shareEnd: share };
  const logOf = (arm: 'treated' | 'control', ratio: number) => Math.log(likelihoodRatio(shares, arm, ratio));
  const logs = RATIOS.map((ratio) => treated * logOf('treated', ratio) + control * logOf('control', ratio));
  return logMean(logs) - Math.log(2);
}

function likelihoodRatio(shares: Shares, arm: 'treated' | 'control', ratio: number): number {
  const [theta, one] = [thetaOf(shares, ratio), thetaOf(shares, 1)];
  return arm === 'treated' ? theta / one : (1 - theta) / (1 - one);
}

/** The chance that an event is one of a treated device, where those have so many times as many. */
function thetaOf({ shareBegin, shareEnd }: Shares, ratio: number): number {
  return (shareBegin * ratio) / (shareBegin * ratio + 1 - shareEnd);
}

function inGrains(value: number): number {
  return Math.round(value / GRAIN);
}
