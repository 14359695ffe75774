import { type Report } from '@sluice/contracts/device-protocol';
import { type Act, type AgentContext, fall, type Outcome, status, type TimedAct } from './device-reports.ts';
import { type Device, type Order } from './fleet.ts';
import { type Choices } from './random.ts';

/**
 * How an agent differs from what it should do. They stand for kinds of fault that real agents have; how often each occurs is
 * made up.
 */
export const habits = [
  /** Says that a patch is installed before it restarts into it. */
  'tells-early',
  /** Loses some of its reports. */
  'loses-reports',
  /** Falls back to the base some time after an install, and says so. */
  'falls-back',
  /** The same without a word. */
  'falls-back-silently',
  /** The same, and goes on listing the patch. */
  'lists-what-is-gone',
  /** Its clock begins at 1970 for some hours. */
  'steps-its-clock',
  /** Is wiped once, and enrols again. */
  'is-wiped',
  /** Two machines that have one id. */
  'is-two',
  /** Was enrolled with the patch on it. */
  'came-with-it',
  /** Never manages to remove a patch. */
  'refuses-removal',
  /** Does not say that an install begins. */
  'tells-no-start',
  /** Says that an install began together with how it ended. */
  'tells-in-one-batch',
  /** Keeps incidents until its next contact. */
  'keeps-incidents',
  /** Reports its status, once a day or once a week, and nothing else. */
  'reports-daily',
  'reports-weekly',
  /** Checks in and reports its status once a week. */
  'comes-weekly',
  /** Never reports, though it does what it is told. */
  'reports-never',
  /** The same, after it has reported its status once. */
  'falls-silent',
  /** Has reported its status once, and never comes again. */
  'is-dead',
] as const;
export type Habit = (typeof habits)[number];

/** About a sixth of the fleet has one of them, and one in a hundred refuses removals. */
export const staleAgents: Choices<Habit | undefined> = [
  [undefined, 83.5],
  ['tells-early', 4],
  ['loses-reports', 3],
  ['falls-back', 0.5],
  ['falls-back-silently', 2],
  ['lists-what-is-gone', 1],
  ['steps-its-clock', 1.5],
  ['is-wiped', 1.5],
  ['is-two', 0.5],
  ['came-with-it', 1.5],
  ['refuses-removal', 1],
];

const HOUR = 3_600_000;
const LOST_SHARE = 0.3;
const nothing: Outcome = { reports: [], acts: [] };

/** What a device does once, some time, because of its habit. */
export function habitualActs({ habit, phase }: Device, nowMs: number): readonly TimedAct[] {
  const someTime = nowMs + 12 * HOUR + Math.floor(phase * 60) * HOUR;
  if (habit === 'is-wiped') return [{ at: someTime, act: { kind: 'wipe' } }];
  if (habit !== 'steps-its-clock') return [];
  return [
    { at: someTime, act: { kind: 'lose-time' } },
    { at: someTime + 9 * HOUR, act: { kind: 'set-clock' } },
  ];
}

/** What telemetry hears of what a device has to say; the rest is lost, or kept in its outbox until later. */
export function spoken(device: Device, act: Act, outcome: Outcome, { random }: AgentContext): Outcome {
  const { reports } = outcome;
  switch (device.habit) {
    case 'loses-reports':
      return { ...outcome, reports: reports.filter(() => !random.chance(LOST_SHARE)) };
    case 'tells-no-start':
      return { ...outcome, reports: reports.filter(({ kind }) => kind !== 'install-started') };
    case 'reports-daily':
    case 'reports-weekly':
      return { ...outcome, reports: reports.filter(({ kind }) => kind === 'status') };
    case 'reports-never':
      return { ...outcome, reports: [] };
    case 'falls-silent':
      return { ...outcome, reports: device.reports === 1 ? reports : [] };
    case 'tells-in-one-batch':
      return keep(device, outcome, 'install-started', act.kind === 'finish');
    case 'keeps-incidents':
      return keep(
        device,
        outcome,
        'incident',
        act.kind === 'check-in' || reports.some(({ kind }) => kind !== 'incident'),
      );
    default:
      return outcome;
  }
}

/** Reports of this kind stay in the outbox until the device has contact, and go first then. */
function keep(device: Device, outcome: Outcome, kept: Report['kind'], hasContact: boolean): Outcome {
  const later = outcome.reports.filter(({ kind }) => kind === kept);
  const now = outcome.reports.filter(({ kind }) => kind !== kept);
  const sent = hasContact ? device.outbox.concat(now) : now;
  device.outbox = hasContact ? later : device.outbox.concat(later);
  return { ...outcome, reports: sent };
}

/** Into the patch that it said to have installed. */
export function restart(device: Device, { patchId }: Order, atMs: number, context: AgentContext): Outcome {
  const build = context.buildOf(patchId, device.base);
  if (device.pending !== patchId || build === undefined) return nothing;
  device.pending = undefined;
  device.held = patchId;
  device.osBuild = build;
  return { ...nothing, reports: [status(device, atMs, context)] };
}

/** The patch does not survive a restart. */
export function fallBack(device: Device, atMs: number, context: AgentContext): Outcome {
  const { held, habit } = device;
  if (held === undefined || device.doing !== undefined) return nothing;
  if (habit !== 'falls-back-silently' && habit !== 'lists-what-is-gone') {
    countFailure(device, held);
    return { ...nothing, reports: fall(device, held, atMs, context, { cause: 'failure' }) };
  }
  device.held = undefined;
  device.osBuild = device.base;
  if (habit === 'lists-what-is-gone') device.listed = held;
  return nothing;
}

export function countFailure(device: Device, patchId: string): void {
  const before = device.failed.find((each) => each.patchId === patchId);
  if (before === undefined) device.failed.push({ patchId, attempts: 1 });
  else before.attempts += 1;
}

/** Everything on it is lost, its count of reports too; the agent takes another name for its reports. */
export function wipe(device: Device, atMs: number, context: AgentContext): Outcome {
  device.wipes += 1;
  device.reports = 0;
  device.osBuild = device.base;
  device.held = device.pending = device.listed = device.order = device.doing = undefined;
  device.failed = [];
  device.removed = [];
  device.failedRemovals = [];
  return { ...nothing, reports: [status(device, atMs, context)] };
}
