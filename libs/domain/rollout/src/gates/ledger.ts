import {
  type HealthBucketClosed,
  HOUR_MS,
  type InstallRow,
  rowsOf,
  SETTLED,
  type Slice,
  sliceKey,
} from '@sluice/domain-cohorts';
import { toTimeText } from '@sluice/event-sourcing';
import { type HoldEvent } from '../hold.ts';
import { type RecallEvent } from '../recall.ts';
import { type RolloutEvent } from '../rollout-messages.ts';
import { evolve, type Rollout, type StartedRollout } from '../rollout-state.ts';
import { onsetAt } from './harm.ts';
import { countOutcomes, type HourlyOutcomes, noOutcomes, noteOpening, putHoursTogether } from './hourly-outcomes.ts';
import { RolloutHarm } from './rollout-harm.ts';
import {
  countTries,
  forgetTries,
  packageRule,
  packageVerdict,
  type Supply,
  triesIn,
  unknownSupply,
} from './infrastructure.ts';
import { Restarts } from './restarts.ts';
import { noHarms, byAppearance, periodOfHour, SliceTrials, trialPeriodAt } from './trials.ts';
import { type GateVerdict, judge, type JudgedSlice, type Judgement, withPending } from './verdict.ts';

/**
 * What the gates look at: the trials of each patch, counted anew from its first start and from every resumption after a
 * halt. The evidence belongs to the patch, over all its rollouts. No evidence goes away by time alone: of trials and of incidents
 * to which nothing comes any more the sums stay; only an abort, after which nobody looks, lets go of a rollout's incidents.
 */
export interface GateLedger {
  readonly patches: Map<string, PatchLedger>;
  readonly patchOfRollout: Map<string, string>;
  /** Rollouts that are planned and not started yet. */
  readonly planned: Map<string, Rollout>;
  readonly halted: Set<string>;
  /** Holds that a gate placed, in force or not, by their id. */
  readonly holds: Map<string, GateHold>;
  /** Ids that the holds of gates cannot have any more, whoever took them. */
  readonly takenIds: Set<string>;
  /** Patches with restarts that no bucket has come to yet. */
  readonly restarting: Set<PatchLedger>;
  /** The last hour, since 1970, in which it let go of what nothing comes to any more. */
  tidiedHour: number;
}

interface GateHold {
  readonly patchId: string;
  /** Of its evidence. */
  readonly rule: string;
  readonly slice: SliceName;
  isInForce: boolean;
}

/** A slice of a patch, which is for one platform. */
type SliceName = Pick<Slice, 'model' | 'base'>;

export interface PatchLedger {
  sinceMs: number;
  throughMs: number;
  /** Counts up with everything that may change what the gates say. */
  version: number;
  /** The last period in which a trial began. */
  lastPeriod: number;
  readonly slices: Map<string, SliceTrials>;
  readonly supply: Supply;
  /** Of all slices, for the evidence of a wave. */
  readonly outcomes: HourlyOutcomes;
  /** The harm that is judged against devices without the patch, of each of its rollouts. */
  readonly harm: Map<string, RolloutHarm>;
  /** Of all slices, or of one. */
  readonly restarts: Restarts<SliceName>;
}

/** What the ledger is folded from; of most events it takes nothing. */
export type GateEvent = RolloutEvent | HoldEvent | RecallEvent | HealthBucketClosed;

export const GATE_OWNER = 'gate';
/** So many periods before the last one in which trials began are kept apart. */
const PERIODS_KEPT = 14;
const ID_START = 'gate-';

export function emptyGateLedger(): GateLedger {
  return {
    patches: new Map(),
    patchOfRollout: new Map(),
    planned: new Map(),
    halted: new Set(),
    holds: new Map(),
    takenIds: new Set(),
    restarting: new Set(),
    tidiedHour: -Infinity,
  };
}

/**
 * Takes the event into the ledger, in place. Own events come before the buckets that follow them; heard of twice, they count
 * once. A plain pause is no reason to forget: the counting restarts with a first start, and where evidence was named.
 */
export function foldGateLedger(ledger: GateLedger, event: GateEvent): GateLedger {
  if ('rolloutId' in event) foldExposure(ledger, event);
  switch (event.type) {
    case 'HealthBucketClosed':
      foldBucket(ledger, event);
      break;
    case 'RolloutStarted': {
      const { rolloutId, patchId, at, evidenceSeen } = event;
      const isFirst = ![...ledger.patchOfRollout.values()].includes(patchId);
      ledger.patchOfRollout.set(rolloutId, patchId);
      watchHarm(ledger, rolloutId, patchOf(ledger, patchId), at);
      if (isFirst || evidenceSeen !== undefined) restart(ledger, patchId, at);
      break;
    }
    case 'RolloutHalted':
      ledger.halted.add(event.rolloutId);
      break;
    case 'RolloutResumed': {
      const patchId = ledger.patchOfRollout.get(event.rolloutId);
      if (ledger.halted.delete(event.rolloutId) && patchId !== undefined) restart(ledger, patchId, event.at);
      break;
    }
    case 'HoldPlaced':
      placeHold(ledger, event);
      break;
    case 'HoldLifted':
      liftHold(ledger, event);
      break;
    default:
  }
  return ledger;
}

/** Restarts what was heard of, though no bucket that follows has come: once all buckets so far are in. */
export function restartDue({ restarting }: GateLedger): void {
  for (const patch of restarting) restartThrough(patch, Infinity);
  restarting.clear();
}

/** Beside the counts: whether the pending failures are to count as any, and how many devices of a slice are known. */
interface Looking {
  readonly pendingToo?: boolean;
  readonly devicesOf?: (slice: Slice) => number;
}

/** What the gates say of a rollout now, or what they would say if the pending failures counted. */
export function verdictOn(ledger: GateLedger, rollout: StartedRollout, looking: Looking = {}): GateVerdict {
  const judgement = judgementOn(ledger, rollout, looking);
  const verdict = judge(judgement);
  if (verdict.says === 'hold' || verdict.says === 'halt') return verdict;
  const { supply } = patchOf(ledger, rollout.plan.patchId);
  return packageVerdict(supply, { patchId: rollout.plan.patchId, through: judgement.through }) ?? verdict;
}

/** What the verdict on a rollout is made of now. */
export function judgementOn(
  ledger: GateLedger,
  { rolloutId, plan, startedAt, known }: StartedRollout,
  { pendingToo = false, devicesOf }: Looking,
): Judgement {
  const patch = patchOf(ledger, plan.patchId);
  const [harm, held] = [patch.harm.get(rolloutId), heldSlices(ledger, plan.patchId)];
  const slices = [...patch.slices.values()].sort(byAppearance).map((trials): JudgedSlice => {
    const { slice, key } = trials;
    const counted = withPending(trials.counts(patch.throughMs), pendingToo ? trials.pending : 0);
    const counts = devicesOf === undefined ? counted : trials.withWaiting(counted, devicesOf);
    return {
      ...{ slice, key },
      counts: harm?.countsWith(counts, key) ?? { ...counts, harm: noHarms },
      isHeld: held.some((each) => isSame(each, slice)),
    };
  });
  const [since, through] = [instantText(patch.sinceMs, startedAt), instantText(patch.throughMs, startedAt)];
  return {
    plan,
    // Streams from before this was recorded: all that was counted, alike.
    known: known ?? slices.map(({ slice }) => ({ ...slice, devices: 1 })),
    slices,
    onsets: harm === undefined ? 0 : onsetAt(harm.minutesAt(patch.throughMs)),
    firstPeriod: trialPeriodAt(Date.parse(since)),
    ...{ since, through },
  };
}

/** Counts up whenever the verdict on rollouts of the patch may be another one. */
export function versionOf({ patches }: GateLedger, patchId: string): number {
  return patches.get(patchId)?.version ?? 0;
}

/** The id of the next hold by a gate: the same for everybody who finds it. */
export function nextGateHold({ takenIds }: GateLedger, rolloutId: string): string {
  for (let number = 1; ; number += 1) {
    const holdId = `${ID_START}${rolloutId}-${String(number)}`;
    if (!takenIds.has(holdId)) return holdId;
  }
}

/** Keeps how far each rollout was at each instant: what incidents are judged by. */
function foldExposure({ patches, patchOfRollout, planned }: GateLedger, event: RolloutEvent): void {
  const { rolloutId } = event;
  const patchId = patchOfRollout.get(rolloutId);
  const patch = patchId === undefined ? undefined : patches.get(patchId);
  if (event.type === 'RolloutAborted') {
    // It offers nothing any more, and is looked at no more.
    planned.delete(rolloutId);
    patch?.harm.delete(rolloutId);
    return;
  }
  if (event.type === 'WaveOpened' && patch !== undefined) noteOpening(patch.outcomes, event.at);
  const harm = patch?.harm.get(rolloutId);
  if (harm !== undefined) return harm.apply(event);
  const state = evolve(planned.get(rolloutId) ?? { status: 'absent' }, event);
  if (state.status !== 'absent') planned.set(rolloutId, state);
}

function foldBucket(ledger: GateLedger, bucket: HealthBucketClosed): void {
  const toMs = Date.parse(bucket.to);
  const { installs, pending, unreached, harm } = rowsOf(bucket);
  const touched = new Set<PatchLedger>();
  const touch = (patchId: string) => {
    const patch = patchOf(ledger, patchId);
    if (!touched.has(patch)) restartThrough(patch, toMs);
    touched.add(patch);
    return patch;
  };
  for (const row of installs) if (row.cohort !== SETTLED) addRow(touch(row.patchId), row, toMs);
  const ends = { fromMs: Date.parse(bucket.from), toMs };
  for (const row of harm) {
    const patchId = ledger.patchOfRollout.get(row.rolloutId);
    if (patchId === undefined) continue;
    const patch = touch(patchId);
    // A slice without installs is looked at for its harm.
    trialsOf(patch, row.slice, toMs);
    patch.harm.get(row.rolloutId)?.add(row, ends);
  }
  for (const { patchId, slice, count } of pending)
    trialsOf(touch(patchId), slice, toMs).setPending(bucket.shard, count);
  for (const { patchId, ...tries } of triesIn(installs, unreached)) {
    const isHeld = heldSlices(ledger, patchId).some((each) => isSame(each, tries.slice));
    if (!isHeld) countTries(touch(patchId).supply, { ...tries, toMs });
  }
  for (const patch of touched) {
    patch.version += 1;
    patch.throughMs = Math.max(patch.throughMs, toMs);
    for (const slice of patch.slices.values()) {
      slice.settle(patch.throughMs);
      // Of all slices alike, so that pools lose the same ones.
      slice.forgetPeriods(patch.lastPeriod - PERIODS_KEPT);
    }
  }
  tidy(ledger, toMs);
}

/** Once an hour lets go of what nothing comes to any more, also of patches that no bucket tells of. */
function tidy(ledger: GateLedger, toMs: number): void {
  const hour = Math.floor(toMs / HOUR_MS);
  if (hour <= ledger.tidiedHour) return;
  ledger.tidiedHour = hour;
  for (const patch of ledger.patches.values()) {
    restartThrough(patch, toMs);
    let isChanged = false;
    for (const slice of patch.slices.values()) if (slice.settle(toMs)) isChanged = true;
    for (const harm of patch.harm.values()) if (harm.isOver(toMs)) harm.compact(patch.throughMs);
    putHoursTogether(patch.outcomes, toMs);
    if (isChanged) patch.version += 1;
  }
}

function addRow(patch: PatchLedger, row: InstallRow, toMs: number): void {
  trialsOf(patch, row.slice, toMs).add(row, toMs);
  if (row.started > 0) patch.lastPeriod = Math.max(patch.lastPeriod, periodOfHour(row.cohort));
  countOutcomes(patch.outcomes, row);
}

function watchHarm({ planned }: GateLedger, rolloutId: string, patch: PatchLedger, at: string): void {
  const state = planned.get(rolloutId);
  if (state === undefined || patch.harm.has(rolloutId)) return;
  planned.delete(rolloutId);
  patch.harm.set(rolloutId, new RolloutHarm(state, Date.parse(at)));
}

function patchOf({ patches }: GateLedger, patchId: string): PatchLedger {
  const patch = patches.get(patchId) ?? {
    sinceMs: -Infinity,
    throughMs: -Infinity,
    version: 0,
    lastPeriod: -Infinity,
    slices: new Map<string, SliceTrials>(),
    supply: unknownSupply(),
    outcomes: noOutcomes(),
    harm: new Map<string, RolloutHarm>(),
    restarts: new Restarts<SliceName>(),
  };
  patches.set(patchId, patch);
  return patch;
}

function trialsOf({ slices, sinceMs }: PatchLedger, slice: Slice, toMs: number): SliceTrials {
  const key = sliceKey(slice);
  const trials = slices.get(key) ?? new SliceTrials(slice, sinceMs);
  trials.appearedMs = Math.min(trials.appearedMs, toMs);
  slices.set(key, trials);
  return trials;
}

function restart(ledger: GateLedger, patchId: string, at: string, slice?: SliceName): void {
  const patch = patchOf(ledger, patchId);
  if (!patch.restarts.add(at, slice)) return;
  patch.version += 1;
  ledger.restarting.add(patch);
}

/** Restarts what is due before a bucket that ends then. */
function restartThrough(patch: PatchLedger, toMs: number): void {
  for (const { atMs, what: slice } of patch.restarts.through(toMs)) {
    if (slice === undefined) {
      patch.sinceMs = Math.max(patch.sinceMs, atMs);
      for (const trials of patch.slices.values()) trials.restart(atMs);
      for (const harm of patch.harm.values()) harm.restart(atMs);
      continue;
    }
    for (const trials of patch.slices.values()) {
      if (!isSame(trials.slice, slice)) continue;
      trials.restart(atMs);
      for (const harm of patch.harm.values()) harm.forget(trials.slice, atMs);
    }
  }
}

function placeHold(ledger: GateLedger, event: Extract<HoldEvent, { type: 'HoldPlaced' }>): void {
  const { holdId, patchId, evidence } = event;
  if (holdId.startsWith(ID_START)) ledger.takenIds.add(holdId);
  const [model, base] = [event.slice.model?.[0], event.slice.base?.[0]];
  // Only a gate says what it has found; a person may have its name.
  if (evidence === undefined || patchId === undefined || model === undefined || base === undefined) return;
  ledger.holds.set(holdId, { patchId, rule: evidence.rule, slice: { model, base }, isInForce: true });
  const patch = patchOf(ledger, patchId);
  patch.version += 1;
  forgetTries(patch.supply, (slice) => isSame(slice, { model, base }));
}

/** Whoever lifts a hold of a gate has seen its evidence: what follows is counted anew. */
function liftHold(ledger: GateLedger, { holdId, at }: Extract<HoldEvent, { type: 'HoldLifted' }>): void {
  const hold = ledger.holds.get(holdId);
  if (hold === undefined) return;
  hold.isInForce = false;
  patchOf(ledger, hold.patchId).version += 1;
  // Of such a one nobody has seen more than the tries, which were forgotten with the hold.
  if (hold.rule !== packageRule.name) restart(ledger, hold.patchId, at, hold.slice);
}

/** The slices of a patch that gates hold. */
export function heldSlices({ holds }: GateLedger, patchId: string): SliceName[] {
  return [...holds.values()].flatMap((hold) => (hold.patchId === patchId && hold.isInForce ? [hold.slice] : []));
}

export function isSame(left: SliceName, right: SliceName): boolean {
  return left.model === right.model && left.base === right.base;
}

function instantText(ms: number, otherwise: string): string {
  return Number.isFinite(ms) ? toTimeText(ms) : otherwise;
}
