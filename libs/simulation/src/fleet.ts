import { type Platform, type Track } from '@sluice/contracts';
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
}

const MANUAL_SHARE = 0.08;
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

/** A fleet of March 2026, when 26.3.1 (a) came out. About 72 % of it are iPhones and iPads on 26.3.1. */
export const fleetOf2026: Choices<Line> = [
  [
    {
      platform: 'ios',
      models: Object.entries({
        'iPhone18,1': 8,
        'iPhone18,2': 8,
        'iPhone18,3': 9,
        'iPhone17,1': 7,
        'iPhone17,2': 7,
        'iPhone17,3': 7,
        'iPhone17,4': 3,
        'iPhone17,5': 4,
        'iPhone16,1': 6,
        'iPhone16,2': 6,
        'iPhone15,4': 6,
        'iPhone15,3': 5,
        'iPhone14,7': 4,
        'iPhone14,5': 6,
        'iPhone13,2': 4,
        'iPhone12,1': 4,
      }),
      fullReleases: [
        [fullRelease('26.3.1', '23D8133'), 88],
        [fullRelease('26.3', '23D127'), 12],
      ],
    },
    68,
  ],
  [
    {
      platform: 'ios',
      models: Object.entries({
        'iPad16,3': 3,
        'iPad15,7': 4,
        'iPad14,8': 2,
        'iPad13,18': 4,
        'iPad12,1': 4,
        'iPad8,1': 1,
      }),
      fullReleases: [
        [fullRelease('26.3.1', '23D8133'), 86],
        [fullRelease('26.3', '23D127'), 14],
      ],
    },
    14,
  ],
  [
    {
      platform: 'ios',
      models: Object.entries({ 'iPhone11,8': 1 }),
      fullReleases: [[fullRelease('18.7.6', '22H320'), 1]],
    },
    4,
  ],
  [
    {
      platform: 'macos',
      models: Object.entries({
        'Mac14,2': 4,
        'Mac15,12': 4,
        'Mac16,12': 5,
        'Mac16,1': 3,
        'Mac16,10': 2,
        'MacBookAir10,1': 4,
        'Macmini9,1': 1,
      }),
      fullReleases: [
        [fullRelease('26.3.1', '25D2128'), 80],
        [fullRelease('26.3', '25D125'), 12],
        [fullRelease('15.7.4', '24G517'), 8],
      ],
    },
    13,
  ],
  [
    {
      platform: 'macos',
      models: Object.entries({ 'Mac17,5': 1 }),
      fullReleases: [[fullRelease('26.3.2', '25D2140'), 1]],
    },
    1,
  ],
];

/** A fleet of July 2023, when 16.5.1 (a) had to be taken back. About 70 % of it are iPhones and iPads on 16.5.1. */
export const fleetOf2023: Choices<Line> = [
  [
    {
      platform: 'ios',
      models: Object.entries({
        'iPhone15,2': 9,
        'iPhone15,3': 10,
        'iPhone14,7': 6,
        'iPhone14,8': 3,
        'iPhone14,2': 7,
        'iPhone14,3': 8,
        'iPhone14,5': 11,
        'iPhone14,6': 3,
        'iPhone13,1': 3,
        'iPhone13,2': 8,
        'iPhone13,3': 5,
        'iPhone12,1': 9,
        'iPhone12,8': 5,
        'iPhone11,8': 7,
        'iPhone10,4': 3,
      }),
      fullReleases: [
        [fullRelease('16.5.1', '20F75'), 82],
        [fullRelease('16.5', '20F66'), 9],
        [fullRelease('16.4.1', '20E252'), 9],
      ],
    },
    66,
  ],
  [
    {
      platform: 'ios',
      models: Object.entries({
        'iPad14,1': 2,
        'iPad13,18': 3,
        'iPad13,16': 3,
        'iPad12,1': 4,
        'iPad11,6': 2,
        'iPad8,1': 2,
      }),
      fullReleases: [
        [fullRelease('16.5.1', '20F75'), 80],
        [fullRelease('16.4.1', '20E252'), 12],
        [fullRelease('16.5', '20F66'), 8],
      ],
    },
    16,
  ],
  [
    {
      platform: 'ios',
      models: Object.entries({ 'iPhone9,3': 1 }),
      fullReleases: [[fullRelease('15.7.7', '19H357'), 1]],
    },
    3,
  ],
  [
    {
      platform: 'macos',
      models: Object.entries({ 'Mac14,2': 5, 'Mac14,9': 2, 'MacBookAir10,1': 6, 'MacBookPro18,3': 3, 'Macmini9,1': 1 }),
      fullReleases: [
        [fullRelease('13.4.1', '22F82'), 70],
        [fullRelease('13.3.1', '22E261'), 18],
        [fullRelease('12.6.7', '21G651'), 12],
      ],
    },
    14,
  ],
  [
    {
      platform: 'macos',
      models: Object.entries({ 'Mac14,15': 3, 'Mac14,13': 1 }),
      fullReleases: [[fullRelease('13.4.1', '22F2083'), 1]],
    },
    1,
  ],
];

/**
 * A fleet from a seed. All distributions here and in `agent.ts` are made up: plausible weights of models and full releases,
 * 8 % on the manual track, installs failing at 0.2 % (0.4 % on old models). None of them is measured.
 */
export function makeFleet({ seed, devices, lines, ringShare, roamingShare, habits }: FleetOptions): Device[] {
  const random = Random.seeded(seed);
  // Apart from the others, so that a fleet with habits is otherwise the same.
  const habitual = Random.seeded(seed).split();
  return Array.from({ length: devices }, (_, index) => {
    const line = random.pick(lines);
    const model = random.pick(line.models);
    const { version, build } = random.pick(line.fullReleases);
    return {
      deviceId: `d-${String(index + 1).padStart(6, '0')}`,
      platform: line.platform,
      model,
      track: random.chance(MANUAL_SHARE) ? 'manual' : 'automatic',
      ring: random.chance(ringShare) ? 'beta' : undefined,
      region: random.pick(regions),
      phase: random.fraction(),
      failureRate: oldModels.has(model) ? FAILURE_RATE_OLD : FAILURE_RATE,
      roams: random.chance(roamingShare),
      habit: habits === undefined ? undefined : habitual.pick(habits),
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

function fullRelease(version: string, build: string): FullRelease {
  return { version, build };
}
