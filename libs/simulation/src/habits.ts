import { type AgentContext, fall, type Outcome, status, type TimedAct } from './device-reports.ts';
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
  /** Says what it is once, and nothing more. */
  'says-nothing',
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
export function fallBack(device: Device, tells: boolean, atMs: number, context: AgentContext): Outcome {
  const { held, habit } = device;
  if (held === undefined || device.doing !== undefined) return nothing;
  if (tells || habit === 'falls-back')
    return { ...nothing, reports: fall(device, held, atMs, context, { cause: 'failure' }) };
  device.held = undefined;
  device.osBuild = device.base;
  if (habit === 'lists-what-is-gone') device.listed = held;
  return nothing;
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
