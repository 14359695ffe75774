import { type Directive } from '@sluice/contracts';
import {
  about,
  type Act,
  type AgentContext,
  fall,
  type Fault,
  type Outcome,
  report,
  status,
  type TimedAct,
} from './device-reports.ts';
import { type Device, type Order } from './fleet.ts';
import { fallBack, habitualActs, restart, wipe } from './habits.ts';
import { type Random } from './random.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const CHECK_IN_EVERY = 4 * HOUR;
const CHECK_IN_JITTER = 3 * MINUTE;
const STATUS_EVERY = 24 * HOUR;
/** A user is busy with the device, and the install waits until it lies idle. */
const POSTPONED_SHARE = 0.05;
const ACCEPTING_SHARE = 0.4;
const REMOVING_SHARE = 0.001;
const REMOVE_FAILURE_RATE = 0.003;
const OFFLINE_CHANCE = 0.01;
const OFFLINE_CHANCE_ROAMING = 0.3;
const LOST_SHARE = 0.3;
const DAY = 24 * HOUR;

const nothing: Outcome = { reports: [], acts: [] };

/** The first acts of a device that joins: its place in the check-in rhythm and in the day of status reports. */
export function firstActs(device: Device, nowMs: number): readonly TimedAct[] {
  return [
    { at: nowMs + Math.floor(device.phase * CHECK_IN_EVERY), act: { kind: 'check-in' } },
    { at: nowMs + Math.floor(device.phase * STATUS_EVERY), act: { kind: 'status' } },
    ...habitualActs(device, nowMs),
  ];
}

/** When to check in next. Now and then a device is switched off after a check-in; one that roams for days, once. */
export function nextCheckIn(device: Device, atMs: number, random: Random): number {
  if (random.chance(device.roams ? OFFLINE_CHANCE_ROAMING : OFFLINE_CHANCE)) {
    const hours = device.roams ? random.longTailed(8, 60) : random.longTailed(2, 24);
    device.roams = false;
    device.offlineUntil = atMs + hours * HOUR + random.between(0, 59) * MINUTE;
  }
  return Math.max(atMs + CHECK_IN_EVERY + random.between(-CHECK_IN_JITTER, CHECK_IN_JITTER), device.offlineUntil);
}

/** What the device will do after an answer. The order before it is forgotten: only the last answer counts. */
export function obey(
  device: Device,
  directive: Directive,
  atMs: number,
  { random }: AgentContext,
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
      return consider(device, order, atMs, random);
    case 'none':
      return [];
  }
}

/** What follows when the time of an act has come. */
export function perform(device: Device, act: Act, atMs: number, context: AgentContext): Outcome {
  const outcome = carryOut(device, act, atMs, context);
  if (device.habit === 'says-nothing' && device.reports > 1) return { ...outcome, reports: [] };
  if (device.habit !== 'loses-reports') return outcome;
  return { ...outcome, reports: outcome.reports.filter(() => !context.random.chance(LOST_SHARE)) };
}

function carryOut(device: Device, act: Act, atMs: number, context: AgentContext): Outcome {
  switch (act.kind) {
    case 'check-in':
      device.failedRemovals = device.failedRemovals.filter(({ at }) => at > atMs - DAY);
      return device.doing !== undefined ? nothing : { ...nothing, asks: true };
    case 'status':
      return {
        reports: [status(device, atMs, context)],
        acts: [{ at: atMs + STATUS_EVERY, act: { kind: 'status' } }],
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
      return fallBack(device, act.tells === true, atMs, context);
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

function consider(device: Device, order: Order, atMs: number, random: Random): readonly TimedAct[] {
  if (device.accepted === order.patchId) return startAfter(1, atMs, order);
  if (device.considered === order.patchId) return [];
  device.considered = order.patchId;
  if (!random.chance(ACCEPTING_SHARE)) return [];
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
  if (context.isServerOut?.(atMs) === true) {
    // No attempt: it tries again when it checks in next.
    device.doing = undefined;
    const failure = { ...about(order), failureCode: 'server-unavailable' };
    return { ...nothing, reports: [report(device, 'install-failed', atMs, context, failure)] };
  }
  const fault = faultOn(device, context.faultOf(order.patchId));
  const isHit = random.chance(fault?.failureRate ?? device.failureRate);
  const started = report(device, 'install-started', atMs, context, about(order));
  if (isHit && fault?.manner === 'boot-loop') {
    device.isGone = true;
    return { ...nothing, reports: [started] };
  }
  if (isHit && fault?.manner === 'fall-back') {
    const [least, most] = fault.afterHours ?? [1, 3];
    const fallsAt = atMs + random.between(least * 60 + 90, most * 60 + 90) * MINUTE;
    const acts: TimedAct[] = [
      { at: atMs + random.between(30, 90) * MINUTE, act: { kind: 'finish', order, fails: false } },
      { at: fallsAt, act: { kind: 'fall-back', tells: true } },
    ];
    return { reports: [started], acts };
  }
  const fails = isHit;
  const minutes = fails ? random.between(2, 20) : random.between(30, 90);
  return {
    reports: [started],
    acts: [{ at: atMs + minutes * MINUTE, act: { kind: 'finish', order, fails } }],
  };
}

function faultOn({ model }: Device, fault: Fault | undefined): Fault | undefined {
  return fault?.models?.includes(model) === false ? undefined : fault;
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
  device.failed = device.failed.filter(({ patchId }) => patchId !== order.patchId);
  const acts = context.random.chance(REMOVING_SHARE)
    ? [
        {
          at: atMs + context.random.between(2, 48) * HOUR,
          act: { kind: 'remove-by-user' as const, patchId: order.patchId },
        },
      ]
    : [];
  const fallsBack =
    device.habit === 'falls-back' || device.habit === 'falls-back-silently' || device.habit === 'lists-what-is-gone';
  const later = fallsBack
    ? [{ at: atMs + context.random.between(1, 30) * HOUR, act: { kind: 'fall-back' as const } }]
    : [];
  return { reports: [...fallen, report(device, 'installed', atMs, context, about(order))], acts: [...acts, ...later] };
}

function countFailure(device: Device, patchId: string): void {
  const before = device.failed.find((each) => each.patchId === patchId);
  if (before === undefined) device.failed.push({ patchId, attempts: 1 });
  else before.attempts += 1;
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
