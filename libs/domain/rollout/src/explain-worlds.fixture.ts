import { minute, minuteMs, MORNING } from './examples.ts';
import { type AskingDevice, decide, questionOf } from './decide.ts';
import { type Asked } from './explain.ts';
import { type Change } from './explain-changes.ts';
import { wavePercent } from './exposure.ts';
import { emptyPolicy, foldPolicy, holdUnstored, type Policy, type PolicyEvent } from './policy.ts';
import { type StartedRollout } from './rollout-state.ts';

/** A device and a policy, as events and what is set from outside; the same seed gives the same world. */
export interface World {
  readonly events: readonly PolicyEvent[];
  /** What is set in the policy from outside. */
  readonly settings: readonly ((policy: Policy) => void)[];
  readonly device: AskingDevice;
  readonly nowMs: number;
  readonly bucket: number;
  /** The patch whose fate is asked; none if not given. */
  readonly subject?: string;
}

export const PATCHES = ['a', 'b', 'c'] as const;
const MODELS = ['iPhone18,1', 'iPhone17,1', 'iPad16,3'];
const BASES = ['23D1', '23D2'];
const NOW_MINUTE = 500;

/** What `explain` and `decide` are asked in this world. */
export function askedIn({ events, settings, device, nowMs, bucket }: World): Asked {
  const policy = events.reduce(foldPolicy, emptyPolicy());
  for (const set of settings) set(policy);
  return { device, policy, nowMs, bucketOf: () => bucket };
}

export function worldOf(seed: number): World {
  const draw = drawer(seed);
  const events: PolicyEvent[] = [];
  const settings: World['settings'][number][] = [];
  for (const letter of PATCHES) if (draw.one(5) > 0) events.push(...patch(letter, draw));
  const rollouts = 1 + draw.one(6);
  for (let number = 1; number <= rollouts; number += 1) events.push(...rollout(`r${String(number)}`, draw));
  for (let number = draw.one(3) - 1; number > 0; number -= 1) {
    const hold = holdTerms(`h${String(number)}`, draw);
    if (draw.one(4) === 0) settings.push((policy) => void holdUnstored(policy, hold));
    else events.push({ type: 'HoldPlaced', ...hold, at: MORNING });
  }
  if (draw.one(20) === 0) settings.push((policy) => (policy.stale = true));
  if (draw.one(12) === 0) settings.push((policy) => policy.stoppedRollouts.add('r1'));
  const share = draw.part();
  if (draw.one(2) === 0) settings.push((policy) => policy.patches.forEach((each) => (each.removalShare ||= share)));
  return { events, settings, device: device(draw), nowMs: minuteMs(NOW_MINUTE), bucket: draw.part() };
}

function patch(letter: string, draw: Draw): PolicyEvent[] {
  const variants = BASES.filter(() => draw.one(8) > 0).map((base) => ({
    ...{ build: `${base}${letter}`, prerequisiteBuild: base },
    models: MODELS.filter(() => draw.one(8) > 0),
  }));
  const patchId = letter;
  const events: PolicyEvent[] = [
    { type: 'PatchPublished', patchId, platform: 'ios', baseVersion: '26.3', letter, variants, at: MORNING },
  ];
  if (draw.one(6) === 0) events.push({ type: 'PatchFoldedIn', patchId, version: '26.4', build: '23E1', at: MORNING });
  if (draw.one(6) > 0) return events;
  const mode = draw.one(3) > 0 ? 'recall' : 'withdraw';
  const more = { ...(draw.one(2) > 0 && { replacement: 'c' }), ...(draw.one(3) === 0 && { removePerHourMax: 10 }) };
  events.push({ type: 'PatchPulled', patchId, mode, reason: 'it smokes', recallEpoch: 1, ...more, at: MORNING });
  if (draw.one(4) === 0)
    events.push({ type: 'RecallPaused', patchId, recallEpoch: 1, reason: 'it hurts', at: MORNING });
  return events;
}

function rollout(rolloutId: string, draw: Draw): PolicyEvent[] {
  const waves = Array.from({ length: 1 + draw.one(3) }, (_, index) => ({
    name: `w${String(index)}`,
    ...(draw.one(3) === 0 && { ring: draw.of(['beta', 'staff']) }),
    ...(draw.one(3) === 0 && {
      audience: draw.of([{ family: ['iPhone'] }, { base: ['23D1'] }, { model: ['iPad16,3'] }]),
    }),
    ramp: { fromPercent: 0, toPercent: draw.of([10, 60, 100, 100]), minutes: draw.of([0, 300, 600, 3000]) },
    bakeMinutes: 60,
  }));
  const patchId = draw.of(PATCHES);
  const gates = { installFailureRateMax: 0.01 };
  const plan = { patchId, waves, holdBackPercent: draw.of([0, 2, 40]), gates, salt: rolloutId };
  const at = minute(10 + draw.one(300));
  const events: PolicyEvent[] = [{ type: 'RolloutPlanned', rolloutId, plan, at: MORNING }];
  if (draw.one(6) === 0) return events;
  const isGranted = draw.one(3) > 0;
  events.push({ type: 'RolloutStarted', rolloutId, patchId, slices: 1, ...(isGranted && { exposure: 'granted' }), at });
  const last = 1 + draw.one(waves.length);
  for (let wave = 1; wave <= last; wave += 1) {
    events.push({ type: 'WaveOpened', rolloutId, wave, at });
    if (isGranted) events.push(grant(rolloutId, wave, draw.of([draw.one(101), 100]), at));
  }
  const end = draw.one(12);
  if (end === 0) events.push({ type: 'RolloutPaused', rolloutId, reason: 'lunch', at: minute(400) });
  if (end === 1) events.push({ type: 'RolloutAborted', rolloutId, reason: 'not wanted', at: minute(400) });
  if (end < 5 && end > 1) events.push({ type: 'RolloutCompleted', rolloutId, patchId, at: minute(400) });
  return events;
}

function grant(rolloutId: string, wave: number, percent: number, at: string): PolicyEvent {
  const between = { fromPercent: percent, toPercent: percent, from: at, to: at, ranMinutes: 0 };
  return { type: 'ExposureGranted', rolloutId, wave, ...between, because: 'ramp', at };
}

function holdTerms(holdId: string, draw: Draw) {
  const slice = draw.of([{}, { model: ['iPhone18,1'] }, { family: ['iPhone'] }, { base: ['23D2'] }]);
  const expiresAt = draw.of([undefined, minute(400), minute(900)]);
  return {
    ...{ holdId, slice, reason: 'it smokes', owner: 'ann', removals: draw.one(3) === 0 },
    ...(draw.one(2) > 0 && { patchId: draw.of(PATCHES) }),
    ...(expiresAt !== undefined && { expiresAt }),
  };
}

function device(draw: Draw): AskingDevice {
  const some = (part: number) => PATCHES.filter(() => draw.one(part) === 0);
  const attempts = (part: number) => some(part).map((patchId) => ({ patchId, attempts: 1 + draw.one(4) }));
  const base = draw.of(BASES);
  const ring = draw.of([undefined, 'beta', 'staff']);
  return {
    ...{ deviceId: 'd-1', platform: draw.one(30) === 0 ? 'macos' : 'ios', model: draw.of(MODELS) },
    osBuild: draw.one(16) === 0 ? '23E1' : draw.of([base, base, base, `${base}${draw.of(PATCHES)}`]),
    osVersion: draw.of(['26.3', '26.3', '26.5']),
    track: draw.one(3) > 0 ? 'automatic' : 'manual',
    installed: draw.one(3) === 0 ? some(3) : [],
    ...(ring !== undefined && { ring }),
    ...{ removed: some(6), failed: attempts(4), removeFailed: attempts(4) },
  };
}

/** The world in which what a change names is as it says. */
export function changed(world: World, change: Change): World {
  const { device: its, events, settings } = world;
  const { of, to } = change;
  const withDevice = (fields: Partial<AskingDevice>): World => ({ ...world, device: { ...its, ...fields } });
  const happens = (...more: PolicyEvent[]): World => ({ ...world, events: [...events, ...more] });
  const set = (setting: World['settings'][number]): World => ({ ...world, settings: [...settings, setting] });
  const at = minute(NOW_MINUTE);
  const id = of ?? '';
  switch (change.field) {
    case 'device.osBuild':
      return withDevice({ osBuild: String(to) });
    case 'device.installed':
      return withDevice({ installed: to as readonly string[] });
    case 'device.ring':
      return withDevice({ ring: String(to) });
    case 'device.track':
      return withDevice({ track: to as AskingDevice['track'] });
    case 'device.removed':
      return withDevice({ removed: (its.removed ?? []).filter((each) => each !== of) });
    case 'device.failed':
      return withDevice({ failed: (its.failed ?? []).filter((each) => each.patchId !== of) });
    case 'device.removeFailed':
      return withDevice({ removeFailed: (its.removeFailed ?? []).filter((each) => each.patchId !== of) });
    case 'policy':
      return set((policy) => (policy.stale = false));
    case 'patch':
      return happens(patchEvent(world, change));
    case 'hold':
      return { ...happens({ type: 'HoldLifted', holdId: id, reason: 'fine', at }), settings: [...settings, lift(id)] };
    case 'recall':
      return happens({ type: 'RecallResumed', patchId: id, recallEpoch: 1, at });
    case 'recall-share':
      return set((policy) => {
        const recalled = policy.patches.get(id);
        if (recalled !== undefined) recalled.removalShare = Number(to) / 100;
      });
    case 'rollout':
      return rolloutChanged(world, change);
    case 'wave':
      return happens({ type: 'WaveOpened', rolloutId: id, wave: Number(to), at });
    case 'hold-back':
      return happens({ ...(grant(id, 1, 100, at) as object), because: 'hold-back' } as PolicyEvent);
    case 'exposure':
      return set((policy) => exposeTo(policy, change));
  }
}

function patchEvent(world: World, { of, to }: Change): PolicyEvent {
  const { device: its, policy, nowMs, bucketOf } = askedIn(world);
  const { base } = questionOf(its, policy, nowMs, bucketOf);
  const at = MORNING;
  const patchId = of ?? 'later';
  const variants = [{ build: `${base}${patchId}x`, prerequisiteBuild: base, models: [its.model] }];
  if (to === 'on-hold')
    return { type: 'HoldPlaced', holdId: `on-${patchId}`, patchId, slice: {}, reason: 'spec', owner: 'ann', at };
  if (to === 'amended') return { type: 'PatchAmended', patchId, variants, at };
  const { platform } = its;
  return { type: 'PatchPublished', patchId, platform, baseVersion: '26.3', letter: 'zz', variants, at };
}

function rolloutChanged(world: World, { of, to }: Change): World {
  const { events, settings } = world;
  const at = minute(NOW_MINUTE);
  if (to === 'resumed') {
    const rolloutId = of ?? '';
    const unstop = (policy: Policy) => policy.stoppedRollouts.delete(rolloutId);
    const more: PolicyEvent[] = [{ type: 'RolloutResumed', rolloutId, at }];
    return { ...world, events: [...events, ...more], settings: [...settings, unstop] };
  }
  const { policy } = askedIn(world);
  const planned = of === null ? undefined : policy.rollouts.get(of)?.state;
  const patchId = planned?.status === 'planned' ? planned.plan.patchId : explainedPatch(world);
  const rolloutId = of ?? 'another';
  const wave = { name: 'all', ramp: { fromPercent: 100, toPercent: 100, minutes: 0 }, bakeMinutes: 60 };
  const gates = { installFailureRateMax: 0.01 };
  const plan = { patchId, waves: [wave], holdBackPercent: 0, gates, salt: rolloutId };
  const plans: PolicyEvent[] = of === null ? [{ type: 'RolloutPlanned', rolloutId, plan, at }] : [];
  const starts: PolicyEvent[] = [
    { type: 'RolloutStarted', rolloutId, patchId, slices: 1, at },
    { type: 'WaveOpened', rolloutId, wave: 1, at },
  ];
  return { ...world, events: [...events, ...plans, ...starts] };
}

/** The patch that the answer is about. */
function explainedPatch(world: World): string {
  return world.subject ?? decide(...argumentsOf(askedIn(world))).patchId ?? '';
}

function argumentsOf({ device: its, policy, nowMs, bucketOf }: Asked): Parameters<typeof decide> {
  return [its, policy, nowMs, bucketOf];
}

function lift(holdId: string) {
  return ({ unstoredHolds }: Policy) => {
    const index = unstoredHolds.findIndex((each) => each.holdId === holdId);
    if (index >= 0) unstoredHolds.splice(index, 1);
  };
}

function exposeTo(policy: Policy, { of, to, wave = 1 }: Change): void {
  const rolloutOf = policy.rollouts.get(of ?? '');
  if (rolloutOf === undefined || !('exposure' in rolloutOf.state)) return;
  const state: StartedRollout = rolloutOf.state;
  const [percent, nowMs] = [Number(to), minuteMs(NOW_MINUTE)];
  const its = state.plan.waves.map((_, index) => wavePercent(state, index + 1, nowMs));
  const given = { fromPercent: percent, toPercent: percent, fromMs: nowMs, toMs: nowMs, ranMs: 0 };
  const isOpen = wave === state.wave && state.status !== 'completed';
  const closed = isOpen ? its.slice(0, wave - 1) : its.with(wave - 1, percent);
  const exposure = { by: 'grants', closed, grant: isOpen ? given : undefined, notBeforeMs: nowMs } as const;
  rolloutOf.state = { ...state, exposure };
}

interface Draw {
  /** A whole number from 0 to below `below`. */
  one(below: number): number;
  of<Value>(values: readonly Value[]): Value;
  /** In [0, 1). */
  part(): number;
}

/** The numbers of mulberry32, a small generator that is even enough for specs. */
function drawer(seed: number): Draw {
  let state = seed | 0;
  const part = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const one = (below: number) => Math.floor(part() * below);
  const of = <Value>(values: readonly Value[]) => values[one(values.length)] as Value;
  return { one, of, part };
}
