import { haveSameItems, type Slice, sliceKey, sum } from '@sluice/domain-cohorts';
import { type Plan } from '../plan.ts';
import { type KnownSlice } from '../rollout-messages.ts';
import { type Asked, type EvidenceRule, type Found, type MadeOf, type Test } from './gate.ts';
import { ALPHA, type Level, type Node, nodesAmong } from './nodes.ts';
import { PooledTrials } from './pooled-trials.ts';
import { logSum, type RateCounts } from './rates.ts';
import { tests } from './registry.ts';
import { noHarms, type SliceCounts } from './trials.ts';

/** The name and version of the rule, kept in the evidence; its words belong to it, too. */
export const evidenceRule: EvidenceRule = {
  name: 'evidence-sum/4',
  decides: ['wait', 'hold', 'halt'],
  tests,
  words: (strongest) => wordsOf(strongest, tests),
};

/** From this part of its limit on, the evidence lets nothing widen. */
export const CAUTION = 0.1;

/**
 * So many tests are listed at most, beside those of a slice that is held: what is stored stays below EVIDENCE_BYTES_MAX, however
 * evenly the evidence is spread.
 */
export const LISTED_MAX = 20;
export const EVIDENCE_BYTES_MAX = 128 * 1024;

/** One device with the event stops nothing. */
const EVENTS_MIN = 2;

/**
 * What one test found on one node. The evidence is the weighted sum of all. Of a signal of harm, `trials` are the devices with
 * an incident, `failures` those of them that were exposed, and `toleratedRate` is the share of them that chance would give.
 */
export interface TestEvidence {
  readonly test: string;
  readonly level: Level;
  /** The family, the model, or model and base; absent for all devices together. */
  readonly of?: string;
  readonly trials: number;
  readonly failures: number;
  readonly toleratedRate: number;
  readonly logE: number;
  readonly weight: number;
  /** Absent in evidence from before it was kept, which cannot be recomputed. */
  readonly madeOf?: MadeOf;
}

/**
 * What the decision is recomputed from (design §3.4): the strongest tests, as many as reach by themselves the limit, or, of a wait,
 * what nothing may widen from; LISTED_MAX of them at most. Of a hold those of its slice, too.
 */
export interface SumEvidence {
  readonly rule: string;
  readonly patchId: string;
  readonly alpha: number;
  /** Of the sum over all tests, and of what it has to reach. */
  readonly logSum: number;
  readonly logLimit: number;
  readonly since: string;
  readonly through: string;
  readonly words: string;
  readonly tests: readonly TestEvidence[];
  /** The logarithm of what all other tests come to in the sum; absent where there are none. */
  readonly logOthers?: number;
}

/** What the gates say: nothing against it; grants wait; a slice is to be held; all of it is to halt. */
export type GateVerdict =
  | { readonly says: 'go'; readonly logSum: number }
  | { readonly says: 'wait'; readonly evidence: SumEvidence }
  | { readonly says: 'hold'; readonly slice: Slice; readonly evidence: SumEvidence }
  | { readonly says: 'halt'; readonly evidence: SumEvidence };

/** One slice as it is judged: its counts, and whether a gate holds it already. */
export interface JudgedSlice {
  readonly slice: Slice;
  /** That of the slice. */
  readonly key: string;
  readonly counts: SliceCounts;
  readonly isHeld: boolean;
}

export interface Judgement {
  readonly plan: Plan;
  /** Slices with devices known when the rollout started, and those that appeared later, in the order in which they did. */
  readonly known: readonly KnownSlice[];
  readonly slices: readonly JudgedSlice[];
  /** How many onsets of harm there were. */
  readonly onsets: number;
  /** The period in which the counting began. */
  readonly firstPeriod: number;
  readonly since: string;
  readonly through: string;
}

interface NodeEvidence {
  readonly node: Node;
  readonly tests: readonly TestEvidence[];
  /** The logarithm of its part of the sum. */
  readonly logPart: number;
}

/** The part that a node has in the sum, and what that was made of. */
interface KeptPart extends Asked {
  readonly members: readonly SliceCounts[];
  readonly logPart: number;
}

/** From look to look most slices have not changed: their counts are the same objects. */
const partsKept = new WeakMap<Node, KeptPart>();
const pooledKept = new WeakMap<Node, PooledTrials>();

/** What the gates say of the counts of a rollout's patch. */
export function judge(judgement: Judgement): GateVerdict {
  const { known, slices } = judgement;
  const counted = new Map(slices.filter(({ isHeld }) => !isHeld).map((each) => [each.key, each]));
  const nodes = nodesAmong(known, slices).map((node) => ({ node, members: membersOf(node, counted) }));
  const parts = nodes.map(({ node, members }) => partOf(node, members, judgement));
  const total = logSum(parts);
  const logLimit = -Math.log(ALPHA);
  if (total < logLimit + Math.log(CAUTION)) return { says: 'go', logSum: total };
  // What a test is made of is asked for where it is listed, which few are.
  const madeOf = new Map<TestEvidence, () => MadeOf | undefined>();
  const found = nodes.map(({ node, members }, index): NodeEvidence => {
    const its = foundOn(members, judgement, pooledOn(node)).map(({ test, found: each }) => {
      const evidence = evidenceOn(test, node, each);
      madeOf.set(evidence, () => test.madeOf?.(members, judgement));
      return evidence;
    });
    return { node, tests: its, logPart: parts[index] ?? -Infinity };
  });
  const all = found.flatMap((each) => each.tests);
  const evidence = (listed: readonly TestEvidence[]): SumEvidence => {
    const tests = listed.map((each) => {
      const its = madeOf.get(each)?.();
      return its === undefined ? each : { ...each, madeOf: its };
    });
    return { ...sumOf(judgement, tests, { logSum: total, logLimit }), ...othersThan(listed, all) };
  };
  const logCaution = logLimit + Math.log(CAUTION);
  if (total < logLimit) return { says: 'wait', evidence: evidence(strongestOf(all, logCaution)) };
  const strongest = strongestOf(all, logLimit);
  const blamed = blame(found, logCaution);
  const slice = counted.get(blamed?.node.slices[0] ?? '')?.slice;
  if (blamed === undefined || slice === undefined || wouldHoldMost(judgement, slice))
    return { says: 'halt', evidence: evidence(strongest) };
  const its = new Set([...strongest, ...strongestOf(blamed.tests, logCaution)]);
  return { says: 'hold', slice, evidence: evidence([...its]) };
}

/** What every test finds now on every node, the strongest first; and the slice that is blamed, where harm is on one. */
export interface EvidenceNow {
  readonly logSum: number;
  readonly logLimit: number;
  readonly since: string;
  readonly through: string;
  readonly tests: readonly TestEvidence[];
  readonly blamed?: Slice;
}

/** All evidence of now, whatever it comes to. */
export function evidenceNow(judgement: Judgement): EvidenceNow {
  const { known, slices, since, through } = judgement;
  const counted = new Map(slices.filter(({ isHeld }) => !isHeld).map((each) => [each.key, each]));
  const found = nodesAmong(known, slices).map((node): NodeEvidence => {
    const members = membersOf(node, counted);
    const its = foundOn(members, judgement).map((each) => evidenceOn(each.test, node, each.found));
    return { node, tests: its, logPart: logSum(its.map(logPartOf)) };
  });
  const logLimit = -Math.log(ALPHA);
  const slice = counted.get(blame(found, logLimit + Math.log(CAUTION))?.node.slices[0] ?? '')?.slice;
  return {
    ...{ logSum: logSum(found.map(({ logPart }) => logPart)), logLimit, since, through },
    tests: found.flatMap((each) => each.tests).sort((left, right) => logPartOf(right) - logPartOf(left)),
    ...(slice !== undefined && { blamed: slice }),
  };
}

function membersOf({ slices }: Node, counted: ReadonlyMap<string, JudgedSlice>): SliceCounts[] {
  return slices.flatMap((key) => counted.get(key)?.counts ?? []);
}

function partOf(node: Node, members: readonly SliceCounts[], { plan, onsets, firstPeriod }: Asked): number {
  const before = partsKept.get(node);
  const isSame = before?.plan === plan && before.onsets === onsets && before.firstPeriod === firstPeriod;
  if (isSame && haveSameItems(before.members, members)) return before.logPart;
  const asked = { plan, onsets, firstPeriod };
  const found = foundOn(members, asked, pooledOn(node));
  const logPart = logSum(found.map((each) => logCounted(each.found) + Math.log(node.weight * each.test.weight)));
  partsKept.set(node, { ...asked, members, logPart });
  return logPart;
}

function foundOn(members: readonly SliceCounts[], asked: Asked, pooled = new PooledTrials()) {
  if (members.length === 0) return [];
  const trials = members.length === 1 ? members : [{ ...pooled.of(members), harm: noHarms }];
  return tests.flatMap((test) => {
    const found = test.find(test.by === 'lot' ? members : trials, asked);
    return found === undefined ? [] : [{ test, found }];
  });
}

function pooledOn(node: Node): PooledTrials {
  const pooled = pooledKept.get(node) ?? new PooledTrials();
  pooledKept.set(node, pooled);
  return pooled;
}

/** What a test found on a node, with its part of the α, as if made of nothing but its own counts; one device by itself stops nothing. */
export function evidenceOn(
  test: Pick<Test, 'name' | 'weight'>,
  { level, of, weight }: Node,
  found: Found,
): TestEvidence {
  const { trials, failures, toleratedRate } = found;
  return {
    ...{ test: test.name, level, ...(of !== '' && { of }), trials, failures, toleratedRate },
    logE: logCounted(found),
    weight: weight * test.weight,
    madeOf: { by: 'rate' },
  };
}

/** The logarithm of the evidence as it counts. */
export function logCounted({ failures, logE }: Pick<Found, 'failures' | 'logE'>): number {
  return failures < EVENTS_MIN ? Math.min(0, logE) : logE;
}

/** The slice whose own part of the sum is the largest, where it is a tenth of the limit by itself. */
function blame(found: readonly NodeEvidence[], logMin: number): NodeEvidence | undefined {
  const own = found.filter(({ node, logPart }) => node.slices.length === 1 && logPart >= logMin);
  return own.sort((left, right) => right.logPart - left.logPart)[0];
}

/** True when more than half of the devices that it is for would be on hold. */
function wouldHoldMost({ known, slices }: Judgement, blamed: Slice): boolean {
  const held = new Set(slices.filter(({ isHeld }) => isHeld).map(({ key }) => key));
  held.add(sliceKey(blamed));
  // Where nobody was known at the start, the slices that were met count alike.
  const audience = known.length > 0 ? known : slices.map(({ slice }) => ({ ...slice, devices: 1 }));
  const all = sum(audience.map(({ devices }) => devices));
  const onHold = sum(audience.filter((slice) => held.has(sliceKey(slice))).map(({ devices }) => devices));
  return onHold * 2 > all;
}

function sumOf(
  { plan, since, through }: Judgement,
  listed: readonly TestEvidence[],
  sums: { readonly logSum: number; readonly logLimit: number },
): SumEvidence {
  const words = listed[0] === undefined ? '' : evidenceRule.words(listed[0]);
  return {
    rule: evidenceRule.name,
    patchId: plan.patchId,
    alpha: ALPHA,
    ...sums,
    since,
    through,
    words,
    tests: listed,
  };
}

/** What the tests that are not listed come to in the sum. */
export function othersThan(listed: readonly TestEvidence[], found: readonly TestEvidence[]) {
  const logOthers = logSum(found.filter((each) => !listed.includes(each)).map(logPartOf));
  return logOthers === -Infinity ? {} : { logOthers };
}

/** The strongest tests, as many as reach the limit by themselves. */
export function strongestOf(found: readonly TestEvidence[], logLimit: number): readonly TestEvidence[] {
  const strongest = [...found].sort((left, right) => logPartOf(right) - logPartOf(left));
  let count = 0;
  for (let reached = -Infinity; reached < logLimit && count < Math.min(LISTED_MAX, strongest.length); count += 1) {
    reached = logSum([reached, ...strongest.slice(count, count + 1).map(logPartOf)]);
  }
  return strongest.slice(0, Math.max(1, count));
}

/** The logarithm of the part that a test has in the sum. */
export function logPartOf({ logE, weight }: TestEvidence): number {
  return logE + Math.log(weight);
}

/** The strongest test in words; `among`: the tests that it is one of. */
export function wordsOf(
  strongest: Parameters<EvidenceRule['words']>[0],
  among: readonly Pick<Test, 'name' | 'words'>[],
): string {
  const { test, of } = strongest;
  const words = among.find(({ name }) => name === test)?.words(strongest) ?? test;
  return of === undefined ? words : `${words}, on ${of}`;
}

/** The counts with failures that wait for their start as if they had failed. */
export function withPending<Counts extends Omit<SliceCounts, 'harm'>>(counts: Counts, pending: number): Counts {
  if (pending === 0) return counts;
  const more = ({ n, x }: RateCounts): RateCounts => ({ n: n + pending, x: x + pending });
  return {
    ...counts,
    all: more(counts.all),
    bands: counts.bands.map((band, index) => (index === 1 ? more(band) : band)),
    // They may be of an older one: then it only waits.
    periods: counts.periods.map((each, index) =>
      index === counts.periods.length - 1 ? { ...each, all: more(each.all) } : each,
    ),
  };
}
