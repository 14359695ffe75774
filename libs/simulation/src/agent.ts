import { type CheckIn, type Directive, type Report, type ReportKind } from '@sluice/contracts';
import { toTimeText } from '@sluice/event-sourcing';
import { type Device, type Order, type FullRelease } from './fleet.ts';
import { type Random } from './random.ts';

/** What a device does by itself, without being asked. */
export type Act =
  | { readonly kind: 'check-in' }
  | { readonly kind: 'status' }
  | { readonly kind: 'start'; readonly order: Order }
  | { readonly kind: 'finish'; readonly order: Order; readonly fails: boolean }
  | { readonly kind: 'accept'; readonly patchId: string }
  | { readonly kind: 'remove-by-user'; readonly patchId: string }
  | { readonly kind: 'upgrade'; readonly fullRelease: FullRelease }
  | { readonly kind: 'restart'; readonly order: Order }
  | { readonly kind: 'fall-back' | 'wipe' | 'lose-time' | 'set-clock' };

export interface TimedAct {
  readonly at: number;
  readonly act: Act;
}

/** What follows from an act: reports to send, acts to come, and whether the device asks for a directive at once. */
export interface Outcome {
  readonly reports: readonly Report[];
  readonly acts: readonly TimedAct[];
  readonly asks?: boolean;
}

/** A patch that fails on some models, made up by a scenario. */
export interface Fault {
  readonly patchId: string;
  readonly models: readonly string[];
  /** Share of installs that fail there. */
  readonly failureRate: number;
}

export interface AgentContext {
  readonly random: Random;
  /** How the patch fails where it fails more often than others do. */
  readonly faultOf: (patchId: string) => Fault | undefined;
  /** Goes into every report id: two runs over one data folder must not use the same ids. */
  readonly run: string;
  /** The build of a patch for a base build, as the device learns it from the package. */
  buildOf(patchId: string, base: string): string | undefined;
}

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

function habitualActs({ habit, phase }: Device, nowMs: number): readonly TimedAct[] {
  const someTime = nowMs + 12 * HOUR + Math.floor(phase * 60) * HOUR;
  if (habit === 'is-wiped') return [{ at: someTime, act: { kind: 'wipe' } }];
  if (habit !== 'steps-its-clock') return [];
  return [
    { at: someTime, act: { kind: 'lose-time' } },
    { at: someTime + 9 * HOUR, act: { kind: 'set-clock' } },
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

/** What the device says when it checks in. */
export function checkInOf(device: Device): CheckIn {
  return {
    deviceId: device.deviceId,
    platform: device.platform,
    model: device.model,
    osVersion: device.osVersion,
    osBuild: device.osBuild,
    installed: [device.held, device.pending, device.listed].filter((patchId) => patchId !== undefined),
    track: device.track,
    region: device.region,
    ...(device.ring !== undefined && { ring: device.ring }),
    ...(device.removed.length > 0 && { removed: device.removed }),
    ...(device.failed.length > 0 && { failed: device.failed }),
    ...(device.failedRemovals.length > 0 && { removeFailed: attemptsOf(device.failedRemovals) }),
  };
}

function attemptsOf(failures: Device['failedRemovals']): { patchId: string; attempts: number }[] {
  const attempts = new Map<string, number>();
  for (const { patchId } of failures) attempts.set(patchId, (attempts.get(patchId) ?? 0) + 1);
  return [...attempts].map(([patchId, times]) => ({ patchId, attempts: times }));
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
      return fallBack(device, atMs, context);
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
    return { ...nothing, acts: [{ at: atMs + random.between(5, 20) * MINUTE, act: { kind: 'finish', order, fails } }] };
  }
  const fails = random.chance(failureRate(device, context.faultOf(order.patchId)));
  const minutes = fails ? random.between(2, 20) : random.between(30, 90);
  return {
    reports: [report(device, 'install-started', atMs, context, about(order))],
    acts: [{ at: atMs + minutes * MINUTE, act: { kind: 'finish', order, fails } }],
  };
}

function failureRate(device: Device, fault: Fault | undefined): number {
  return fault?.models.includes(device.model) === true ? fault.failureRate : device.failureRate;
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

/** Into the patch that it said to have installed. */
function restart(device: Device, { patchId }: Order, atMs: number, context: AgentContext): Outcome {
  const build = context.buildOf(patchId, device.base);
  if (device.pending !== patchId || build === undefined) return nothing;
  device.pending = undefined;
  device.held = patchId;
  device.osBuild = build;
  return { ...nothing, reports: [status(device, atMs, context)] };
}

/** The patch does not survive a restart. */
function fallBack(device: Device, atMs: number, context: AgentContext): Outcome {
  const { held, habit } = device;
  if (held === undefined || device.doing !== undefined) return nothing;
  if (habit === 'falls-back') return { ...nothing, reports: fall(device, held, atMs, context, { cause: 'failure' }) };
  device.held = undefined;
  device.osBuild = device.base;
  if (habit === 'lists-what-is-gone') device.listed = held;
  return nothing;
}

/** Everything on it is lost, its count of reports too; the agent takes another name for its reports. */
function wipe(device: Device, atMs: number, context: AgentContext): Outcome {
  device.wipes += 1;
  device.reports = 0;
  device.osBuild = device.base;
  device.held = device.pending = device.listed = device.order = device.doing = undefined;
  device.failed = [];
  device.removed = [];
  device.failedRemovals = [];
  return { ...nothing, reports: [status(device, atMs, context)] };
}

/** Of two machines with one id, either may speak: the other one is another model, and has no patch. */
function status(device: Device, atMs: number, context: AgentContext): Report {
  const own = report(device, 'status', atMs, context);
  if (device.habit !== 'is-two' || context.random.chance(0.5)) return own;
  return { ...own, model: `${device.model}0`, osBuild: device.base };
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

/** Back to the base, and the report of it. */
function fall(
  device: Device,
  patchId: string,
  atMs: number,
  context: AgentContext,
  { cause }: { cause: 'recall' | 'user' | 'failure' },
): Report[] {
  device.held = undefined;
  device.osBuild = device.base;
  return [report(device, 'rolled-back', atMs, context, { patchId, cause })];
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

function about({ patchId, rolloutId }: Order): Partial<Report> {
  return { patchId, ...(rolloutId !== undefined && { rolloutId }) };
}

function report(
  device: Device,
  kind: ReportKind,
  atMs: number,
  { run }: AgentContext,
  details: Partial<Report> = {},
): Report {
  device.reports += 1;
  return {
    reportId: `${device.deviceId}:${run}:${device.wipes === 0 ? '' : `${String(device.wipes)}:`}${String(device.reports)}`,
    deviceId: device.deviceId,
    kind,
    occurredAt: toTimeText(atMs + device.clockOffsetMs),
    platform: device.platform,
    model: device.model,
    osVersion: device.osVersion,
    osBuild: device.osBuild,
    track: device.track,
    region: device.region,
    ...(device.ring !== undefined && { ring: device.ring }),
    ...details,
  };
}
