import { type CheckIn, type Report, type ReportKind } from '@sluice/contracts/device-protocol';
import { toTimeText } from '@sluice/event-sourcing';
import { type Device, type FullRelease, type Order } from './fleet.ts';
import { type Fault } from './harm.ts';
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
  | { readonly kind: 'fall-back' | 'crash' | 'wipe' | 'lose-time' | 'set-clock' };

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

export interface AgentContext {
  readonly random: Random;
  /** How the patch harms where it harms more than others do. */
  readonly faultOf: (patchId: string) => Fault | undefined;
  /** True while the server of the packages answers nobody; never if not given. */
  readonly isServerOut?: (atMs: number) => boolean;
  /** Share of users on the manual track who accept what they are offered; two in five if not given. */
  readonly acceptingShare?: number;
  /** Goes into every report id: two runs over one data folder must not use the same ids. */
  readonly run: string;
  /** The build of a patch for a base build, as the device learns it from the package. */
  buildOf(patchId: string, base: string): string | undefined;
}

const DAILY = 24;

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

/** Back to the base, and the report of it. */
export function fall(
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

/** How often it reports its status by itself. */
export function statusEveryHours({ habit }: Device): number {
  return habit === 'reports-weekly' || habit === 'comes-weekly' ? 7 * DAILY : DAILY;
}

/** Of two machines with one id, either may speak: the other one is another model, and has no patch. */
export function status(device: Device, atMs: number, context: AgentContext): Report {
  const hours = statusEveryHours(device);
  const own = report(device, 'status', atMs, context, hours === DAILY ? {} : { statusEveryHours: hours });
  if (device.habit !== 'is-two' || context.random.chance(0.5)) return own;
  return { ...own, model: `${device.model}0`, osBuild: device.base };
}

export function about({ patchId, rolloutId }: Order): Partial<Report> {
  return { patchId, ...(rolloutId !== undefined && { rolloutId }) };
}

export function report(
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
