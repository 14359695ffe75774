import { type Directive } from '@sluice/contracts/device-protocol';
import {
  about,
  type Act,
  type AgentContext,
  fall,
  type Outcome,
  report,
  status,
  statusEveryHours,
  type TimedAct,
} from './device-reports.ts';
import { infrastructureCodes } from '@sluice/domain-cohorts';
import { type Device, type Order } from './fleet.ts';
import { countFailure, fallBack, habitualActs, restart, spoken, wipe } from './habits.ts';
import { crashesNow, harmOf, nextCrash } from './harm.ts';
import { type Random } from './random.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const CHECK_IN_EVERY = 4 * HOUR;
const CHECK_IN_JITTER = 3 * MINUTE;
/** A user is busy with the device, and the install waits until it lies idle. */
const POSTPONED_SHARE = 0.05;
const ACCEPTING_SHARE = 0.4;
const REMOVING_SHARE = 0.001;
const REMOVE_FAILURE_RATE = 0.003;
const OFFLINE_CHANCE = 0.01;
const OFFLINE_CHANCE_ROAMING = 0.3;
const DAY = 24 * HOUR;
const WEEK = 7 * DAY;
const FAILS_AFTER = [2, 20] as const;

const nothing: Outcome = { reports: [], acts: [] };

/** The first acts of a device that joins: its place in the check-in rhythm and in the day of status reports. */
export function firstActs(device: Device, nowMs: number, random: Random): readonly TimedAct[] {
  return [
    { at: nowMs + Math.floor(device.phase * checkInEvery(device)), act: { kind: 'check-in' } },
    nextStatus(device, nowMs),
    ...crashActs(device, nowMs, random),
    ...habitualActs(device, nowMs),
  ];
}

function checkInEvery({ habit }: Device): number {
  return habit === 'comes-weekly' ? WEEK : CHECK_IN_EVERY;
}

/** Status comes at a phase of the device's own, which nothing moves: neither an install nor an absence. */
function nextStatus(device: Device, atMs: number): TimedAct {
  const every = statusEveryHours(device) * HOUR;
  const passed = (atMs - Math.floor(device.phase * every)) % every;
  return { at: atMs + every - passed, act: { kind: 'status' } };
}

function crashActs(device: Device, atMs: number, random: Random): readonly TimedAct[] {
  const at = nextCrash(device, atMs, random);
  return at === undefined ? [] : [{ at, act: { kind: 'crash' } }];
}

/** When to check in next. Now and then a device is switched off after a check-in; one that roams for days, once. */
export function nextCheckIn(device: Device, atMs: number, random: Random): number {
  if (random.chance(device.roams ? OFFLINE_CHANCE_ROAMING : OFFLINE_CHANCE)) {
    const hours = device.roams ? random.longTailed(8, 60) : random.longTailed(2, 24);
    device.roams = false;
    device.offlineUntil = atMs + hours * HOUR + random.between(0, 59) * MINUTE;
  }
  return Math.max(atMs + checkInEvery(device) + random.between(-CHECK_IN_JITTER, CHECK_IN_JITTER), device.offlineUntil);
}

/** What the device will do after an answer. The order before it is forgotten: only the last answer counts. */
export function obey(
  device: Device,
  directive: Directive,
  atMs: number,
  { random, acceptingShare = ACCEPTING_SHARE }: AgentContext,
): readonly TimedAct[] {
  device.order = undefined;
  const order = orderFrom(directive, atMs);
  if (order === undefined) return [];
  device.order = order;
  switch (directive.directive) {
    case 'install':
      return startAfter(random.chance(POSTPONED_SHARE) ? random.between(30, 360) : random.between(1, 15), atMs, order);
    case 'remove':
      return startAfter(random.between(1, 10), atMs, order);
    case 'offer':
      return consider(device, order, atMs, { random, acceptingShare });
    case 'none':
      return [];
  }
}

/** What follows when the time of an act has come. */
export function perform(device: Device, act: Act, atMs: number, context: AgentContext): Outcome {
  return spoken(device, act, carryOut(device, act, atMs, context), context);
}

function carryOut(device: Device, act: Act, atMs: number, context: AgentContext): Outcome {
  switch (act.kind) {
    case 'check-in':
      device.failedRemovals = device.failedRemovals.filter(({ at }) => at > atMs - DAY);
      return device.doing !== undefined ? nothing : { ...nothing, asks: true };
    case 'status':
      return {
        reports: [status(device, atMs, context)],
        acts: [nextStatus(device, atMs)],
      };
    case 'start':
      return start(device, act.order, atMs, context);
    case 'finish':
      return act.order.kind === 'install'
        ? finishInstall(device, act, atMs, context)
        : finishRemoval(device, act, atMs, context);
    case 'accept':
      return accept(device, act.patchId, atMs, context);
    case 'remove-by-user':
      return removeByUser(device, act.patchId, atMs, context);
    case 'upgrade':
      return upgrade(device, act, atMs, context);
    case 'restart':
      return restart(device, act.order, atMs, context);
    case 'fall-back':
      return fallBack(device, atMs, context);
    case 'crash':
      return crash(device, atMs, context);
    case 'wipe':
      return wipe(device, atMs, context);
    case 'lose-time':
      device.clockOffsetMs = MINUTE - atMs;
      return { ...nothing, reports: [status(device, atMs, context)] };
    case 'set-clock':
      device.clockOffsetMs = 0;
      return { ...nothing, reports: [status(device, atMs, context)] };
  }
}

function orderFrom(directive: Directive, atMs: number): Order | undefined {
  const patchId = directive.patchId ?? directive.patchIds?.[0];
  if (patchId === undefined || directive.directive === 'none') return undefined;
  return {
    kind: directive.directive === 'remove' ? 'remove' : 'install',
    patchId,
    rolloutId: directive.rolloutId,
    reason: directive.reason,
    answeredAt: atMs,
    expiresAt: Date.parse(directive.lease.expiresAt),
  };
}

function startAfter(minutes: number, atMs: number, order: Order): readonly TimedAct[] {
  return [{ at: atMs + minutes * MINUTE, act: { kind: 'start', order } }];
}

function consider(
  device: Device,
  order: Order,
  atMs: number,
  { random, acceptingShare }: { random: Random; acceptingShare: number },
): readonly TimedAct[] {
  if (device.accepted === order.patchId) return startAfter(1, atMs, order);
  if (device.considered === order.patchId) return [];
  device.considered = order.patchId;
  if (!random.chance(acceptingShare)) return [];
  const acceptsAt = atMs + random.longTailed(10, 24 * 60) * MINUTE;
  return [{ at: acceptsAt, act: { kind: 'accept', patchId: order.patchId } }];
}

/** Within the lease of the last offer the device goes ahead, after it it asks again. */
function accept(device: Device, patchId: string, atMs: number, context: AgentContext): Outcome {
  if (device.held === patchId || device.doing !== undefined) return nothing;
  device.accepted = patchId;
  const { order } = device;
  if (order?.kind === 'install' && order.patchId === patchId) return start(device, order, atMs, context);
  return { ...nothing, asks: true };
}

function start(device: Device, order: Order, atMs: number, context: AgentContext): Outcome {
  if (device.order !== order || device.doing !== undefined) return nothing;
  device.order = undefined;
  if (atMs > order.expiresAt) return { ...nothing, asks: true };
  device.doing = order;
  const { random } = context;
  if (order.kind === 'remove') {
    const fails = random.chance(REMOVE_FAILURE_RATE);
    return {
      reports: [report(device, 'remove-started', atMs, context, about(order))],
      acts: [{ at: atMs + random.between(5, 20) * MINUTE, act: { kind: 'finish', order, fails } }],
    };
  }
  if (context.isServerOut?.(atMs) === true) return withoutPackage(device, order, atMs, context);
  return beginInstall(device, order, atMs, context);
}

/** No attempt: it tries again when it checks in next. */
function withoutPackage(device: Device, order: Order, atMs: number, context: AgentContext): Outcome {
  device.doing = undefined;
  const failureCode = context.random.pick(infrastructureCodes.map((code) => [code, 1] as const));
  return { ...nothing, reports: [report(device, 'install-failed', atMs, context, { ...about(order), failureCode })] };
}

function beginInstall(device: Device, order: Order, atMs: number, context: AgentContext): Outcome {
  const { random } = context;
  const fault = context.faultOf(order.patchId);
  device.begun.add(order.patchId);
  const reports = [report(device, 'install-started', atMs, context, about(order))];
  const loops = harmOf(fault, 'boot-loops', device);
  if (loops !== undefined && random.chance(loops.share)) {
    device.isDead = true;
    return { reports, acts: [] };
  }
  const harm = harmOf(fault, 'fails', device);
  const fails = random.chance(harm?.share ?? device.failureRate);
  const minutes = fails ? random.between(...(harm?.after ?? FAILS_AFTER)) : random.between(30, 90);
  return { reports, acts: [{ at: atMs + minutes * MINUTE, act: { kind: 'finish', order, fails } }] };
}

function finishInstall(
  device: Device,
  { order, fails }: Extract<Act, { kind: 'finish' }>,
  atMs: number,
  context: AgentContext,
): Outcome {
  device.doing = undefined;
  const build = context.buildOf(order.patchId, device.base);
  if (fails || build === undefined) {
    countFailure(device, order.patchId);
    const failureCode = build === undefined ? 'no-package' : 'verification-failed';
    return { ...nothing, reports: [report(device, 'install-failed', atMs, context, { ...about(order), failureCode })] };
  }
  // A replacement goes onto the base: the recalled patch falls first, in the same restart, and must be told as earlier.
  const fallen =
    device.held !== undefined && order.reason === 'recalled'
      ? fall(device, device.held, atMs - 1, context, { cause: 'recall' })
      : [];
  if (device.habit === 'tells-early' && device.osBuild === device.base) {
    device.pending = order.patchId;
    const later = { at: atMs + context.random.between(5, 90) * MINUTE, act: { kind: 'restart' as const, order } };
    return { reports: [report(device, 'installed', atMs, context, about(order))], acts: [later] };
  }
  device.held = order.patchId;
  device.osBuild = build;
  device.listed = undefined;
  const acts = aftermath(device, order.patchId, atMs, context);
  return { reports: [...fallen, report(device, 'installed', atMs, context, about(order))], acts };
}

/** What an install brings about later: its user removes the patch, or it does not last. */
function aftermath(device: Device, patchId: string, atMs: number, context: AgentContext): readonly TimedAct[] {
  const { random } = context;
  const fault = context.faultOf(patchId);
  const acts: TimedAct[] = [];
  const removal = harmOf(fault, 'removed-by-user', device);
  if (random.chance(removal?.share ?? REMOVING_SHARE)) {
    const minutes = removal === undefined ? random.between(2, 48) * 60 : random.between(...removal.after);
    acts.push({ at: atMs + minutes * MINUTE, act: { kind: 'remove-by-user', patchId } });
  }
  const { habit } = device;
  if (habit === 'falls-back' || habit === 'falls-back-silently' || habit === 'lists-what-is-gone')
    acts.push({ at: atMs + random.between(1, 30) * HOUR, act: { kind: 'fall-back' } });
  const fallBackHarm = harmOf(fault, 'falls-back', device);
  if (fallBackHarm !== undefined && random.chance(fallBackHarm.share))
    acts.push({ at: atMs + random.between(...fallBackHarm.after) * MINUTE, act: { kind: 'fall-back' } });
  return acts;
}

function crash(device: Device, atMs: number, context: AgentContext): Outcome {
  const { held } = device;
  const { random } = context;
  const fault = held === undefined ? undefined : context.faultOf(held);
  const about = { signal: 'crash', ...(held !== undefined && { patchId: held }) };
  const reports = crashesNow(device, atMs, { fault, random }) ? [report(device, 'incident', atMs, context, about)] : [];
  return { reports, acts: crashActs(device, atMs, random) };
}

function finishRemoval(
  device: Device,
  { order, fails }: Extract<Act, { kind: 'finish' }>,
  atMs: number,
  context: AgentContext,
): Outcome {
  device.doing = undefined;
  device.listed = undefined;
  if (device.held === undefined) return nothing;
  if (!fails && device.habit !== 'refuses-removal')
    return { ...nothing, reports: fall(device, device.held, atMs, context, { cause: 'recall' }) };
  device.failedRemovals.push({ patchId: device.held, at: atMs });
  const failure = { ...about(order), failureCode: 'restart-refused' };
  return { ...nothing, reports: [report(device, 'remove-failed', atMs, context, failure)] };
}

function removeByUser(device: Device, patchId: string, atMs: number, context: AgentContext): Outcome {
  if (device.held !== patchId || device.doing !== undefined) return nothing;
  device.removed.push(patchId);
  return { ...nothing, reports: fall(device, patchId, atMs, context, { cause: 'user' }) };
}

function upgrade(
  device: Device,
  { fullRelease }: Extract<Act, { kind: 'upgrade' }>,
  atMs: number,
  context: AgentContext,
): Outcome {
  if (device.doing !== undefined)
    return { ...nothing, acts: [{ at: atMs + HOUR, act: { kind: 'upgrade', fullRelease } }] };
  device.osVersion = fullRelease.version;
  device.base = fullRelease.build;
  device.osBuild = fullRelease.build;
  device.held = device.pending = device.listed = device.order = undefined;
  device.failed = [];
  device.removed = [];
  return { ...nothing, reports: [status(device, atMs, context)] };
}
