import { type Report } from '@sluice/contracts/device-protocol';
import { type Platform, type Track } from '@sluice/contracts/primitives';
import { type Habit } from './habits.ts';
import { type Choices, Random } from './random.ts';

/** One simulated device: what it is, what it has, and what it is about to do. */
export interface Device {
  readonly deviceId: string;
  readonly platform: Platform;
  readonly model: string;
  readonly track: Track;
  readonly ring: string | undefined;
  readonly region: string;
  /** Where in the check-in rhythm this device stands, and in its day of status reports. */
  readonly phase: number;
  /** Share of installs that fail on this device whatever the patch. */
  readonly failureRate: number;
  /** How often it crashes without any harm, on average. */
  readonly crashesPerDay: number;
  /** How its agent differs from what it should do, if it does. */
  readonly habit: Habit | undefined;
  osVersion: string;
  /** The build without any patch; what the device reports is the build of its patch where it has one. */
  base: string;
  osBuild: string;
  /** The patch it has: stacked ones do not exist, for a later letter replaces an earlier one. */
  held: string | undefined;
  failed: { patchId: string; attempts: number }[];
  removed: string[];
  /** A patch that it has said to have installed, and has yet to restart into. */
  pending: string | undefined;
  /** A patch that it lists, and no longer has. */
  listed: string | undefined;
  /** When removals failed within the last day. */
  failedRemovals: { patchId: string; at: number }[];
  /** How far its clock is off. */
  clockOffsetMs: number;
  /** How often it was wiped. */
  wipes: number;
  /** Patches that it has begun to install. */
  readonly begun: Set<string>;
  /** Reports that it keeps until its next contact. */
  outbox: Report[];
  /** It is never heard of again, and nobody knows. */
  isDead: boolean;
  /** Retired: it is never heard of again. */
  isGone: boolean;
  /** The last directive that has not been acted on; the next answer takes its place. */
  order: Order | undefined;
  /** What it is carrying out: installing, removing, restarting. It does not check in meanwhile. */
  doing: Order | undefined;
  /** The patch whose offer its user has made up their mind about (manual track). */
  considered: string | undefined;
  accepted: string | undefined;
  /** It has an absence of a day or more ahead of it. */
  roams: boolean;
  offlineUntil: number;
  reports: number;
}

/** A directive as the device keeps it. It must not be acted on after `expiresAt`. */
export interface Order {
  readonly kind: 'install' | 'remove';
  readonly patchId: string;
  readonly rolloutId: string | undefined;
  readonly reason: string;
  readonly answeredAt: number;
  readonly expiresAt: number;
}

/** A part of a fleet: its models and the full releases they run, by weight. */
export interface Line {
  readonly platform: Platform;
  readonly models: Choices<string>;
  readonly fullReleases: Choices<FullRelease>;
}

/** A full release, without patches. */
export interface FullRelease {
  readonly version: string;
  readonly build: string;
}

export interface FleetOptions {
  readonly seed: number;
  readonly devices: number;
  readonly lines: Choices<Line>;
  readonly ringShare: number;
  /** Share of devices that will be away for long, once. */
  readonly roamingShare: number;
  /** Habits of its agents; none if not given. */
  readonly habits?: Choices<Habit | undefined> | undefined;
  /** One in twelve if not given. */
  readonly manualShare?: number;
  /** The ring is so many devices instead of a share, the first ones. */
  readonly ringDevices?: number;
  /** The models of each line are dealt out in turn, so that there are as many devices of each. */
  readonly isDealt?: boolean;
  /** On average over the fleet: devices differ by a gamma distribution of shape 0.3. None crashes if not given. */
  readonly crashesPerDay?: number;
}

const MANUAL_SHARE = 0.08;
/** Crashes are drawn from a seed of their own, so that a fleet that crashes is otherwise the same. */
const CRASH_SEED = 1_000_003;
const CRASH_SHAPE = 0.3;
const FAILURE_RATE = 0.002;
/** Old devices have less room and older batteries: installs fail twice as often. */
const FAILURE_RATE_OLD = 0.004;

const oldModels = new Set([
  'iPhone10,4',
  'iPhone11,8',
  'iPhone12,1',
  'iPhone12,8',
  'iPad8,1',
  'iPad12,1',
  'Macmini9,1',
]);
const regions = Object.entries({ eu: 35, us: 40, asia: 25 });

/**
 * A fleet from a seed. All distributions here and in `agent.ts` are made up: plausible weights of models and full releases,
 * 8 % on the manual track, installs failing at 0.2 % (0.4 % on old models). None of them is measured.
 */
export function makeFleet(options: FleetOptions): Device[] {
  const { seed, devices, lines, habits, ringDevices, manualShare = MANUAL_SHARE, crashesPerDay = 0 } = options;
  const random = Random.seeded(seed);
  // Apart from the others, so that a fleet with habits is otherwise the same.
  const habitual = Random.seeded(seed).split();
  const crashing = Random.seeded(seed + CRASH_SEED);
  return Array.from({ length: devices }, (_, index) => {
    const line = random.pick(lines);
    const drawn = random.pick(line.models);
    const model = (options.isDealt === true ? line.models[index % line.models.length]?.[0] : undefined) ?? drawn;
    const { version, build } = random.pick(line.fullReleases);
    const habit = habits === undefined ? undefined : habitual.pick(habits);
    return {
      deviceId: `d-${String(index + 1).padStart(6, '0')}`,
      platform: line.platform,
      model,
      track: random.chance(manualShare) ? 'manual' : 'automatic',
      ring: isInRing(random.chance(options.ringShare), index, ringDevices) ? 'beta' : undefined,
      region: random.pick(regions),
      phase: random.fraction(),
      failureRate: oldModels.has(model) ? FAILURE_RATE_OLD : FAILURE_RATE,
      roams: random.chance(options.roamingShare),
      crashesPerDay: crashesPerDay === 0 ? 0 : crashesPerDay * crashing.gamma(CRASH_SHAPE),
      habit,
      osVersion: version,
      base: build,
      osBuild: build,
      held: undefined,
      failed: [],
      removed: [],
      pending: undefined,
      listed: undefined,
      failedRemovals: [],
      clockOffsetMs: 0,
      wipes: 0,
      begun: new Set(),
      outbox: [],
      isDead: habit === 'is-dead',
      isGone: false,
      order: undefined,
      doing: undefined,
      considered: undefined,
      accepted: undefined,
      offlineUntil: 0,
      reports: 0,
    };
  });
}

function isInRing(isDrawn: boolean, index: number, ringDevices: number | undefined): boolean {
  return ringDevices === undefined ? isDrawn : index < ringDevices;
}
