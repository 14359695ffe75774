import Type from 'typebox';
import { compileLater } from './compile-later.ts';
import { Artifact } from './catalog-events.ts';
import {
  Build,
  Count,
  EXTRA_PATTERN,
  Id,
  LABEL_PATTERN,
  Model,
  SIGNAL_PATTERN,
  Platform,
  ShownVersion,
  Text,
  Time,
  Track,
} from './primitives.ts';

/** How devices speak to Sluice: check-in and reports (design §4). Unknown fields are allowed: agents are newer than servers. */

export const REPORTS_PER_REQUEST_MAX = 1000;
export const CHECK_INS_PER_REQUEST_MAX = 1000;

/** Between two reports of the status by the device itself: a week at most. */
const STATUS_EVERY_HOURS_MAX = 168;

const FailedAttempts = Type.Array(Type.Object({ patchId: Id, attempts: Type.Integer({ minimum: 1, maximum: 1000 }) }), {
  maxItems: 64,
});

const Label = Type.String({ pattern: LABEL_PATTERN });

/** What a device runs. `asObserved` brings the ways of saying it to one. */
const system = {
  osVersion: ShownVersion,
  osBuild: Build,
  /** The build and letter of the patch on it, where `osBuild` is the base's, as device management has it. */
  supplementalBuild: Type.Optional(Build),
  supplementalVersionExtra: Type.Optional(Type.String({ pattern: EXTRA_PATTERN })),
};

export const CheckIn = Type.Object(
  {
    deviceId: Id,
    platform: Platform,
    model: Model,
    ...system,
    installed: Type.Array(Id, { maxItems: 64 }),
    track: Track,
    ring: Type.Optional(Label),
    region: Type.Optional(Label),
    utcOffsetMinutes: Type.Optional(Type.Integer({ minimum: -840, maximum: 840 })),
    removed: Type.Optional(Type.Array(Id, { maxItems: 64 })),
    failed: Type.Optional(FailedAttempts),
    /** Removals that failed within the last 24 hours. */
    removeFailed: Type.Optional(FailedAttempts),
  },
  { $id: 'CheckIn' },
);
export type CheckIn = Type.Static<typeof CheckIn>;

/**
 * The same with the patch's own build as the build and the version without a letter, whichever way the device says what it
 * runs; itself when it says it so.
 */
export function asObserved<Said extends Pick<CheckIn, keyof typeof system>>(said: Said): Said {
  const { osVersion, osBuild, supplementalBuild = osBuild } = said;
  // Asked for every report, and most devices have no patch.
  const hasLetter = osVersion.endsWith(')');
  if (!hasLetter && supplementalBuild === osBuild) return said;
  const numbers = hasLetter ? osVersion.replace(/ ?\(.*$/, '') : osVersion;
  return { ...said, osVersion: numbers, osBuild: supplementalBuild };
}

/** Why a directive is what it is. The first rule that applies gives the reason (design §3.3). */
export const reasonCodes = {
  recalled: 'The device holds a recalled patch, and is to remove it or to take its replacement.',
  'policy-stale': 'Nothing was heard from the catalog for too long; nothing is offered until it is heard again.',
  'no-patch': 'No patch of the catalog applies to this base build and model.',
  'no-rollout': 'A patch applies, but none of its rollouts has started.',
  'already-installed': 'The device has the patch.',
  'folded-in': 'The base build of the device contains the fix already.',
  pulled: 'The patch was withdrawn or recalled.',
  'on-hold': 'A hold covers this device.',
  'recall-paused': 'The recall of what the device has is paused.',
  'recall-ramp': 'The recall of what the device has goes on in steps, and has not reached it yet.',
  'remove-failed-too-often':
    'The device failed three times within a day to remove what was recalled. It is asked again later; a person looks at it.',
  'rollout-paused': 'The rollout is paused or halted.',
  'rollout-aborted': 'The rollout was aborted.',
  'outside-audience': 'No wave opened so far is meant for this device.',
  'hold-back': 'The device belongs to the share that stays unpatched until the rollout is complete.',
  'beyond-exposure': 'The turn of the device has not come yet.',
  'removed-by-user': 'Its user removed the patch before.',
  'failed-too-often': 'The install failed three times on this device.',
  'manual-track': 'The device shows the patch, and its user decides.',
  'in-ring': 'The device is in the ring of a wave that is open.',
  'in-wave': 'The bucket of the device lies inside the exposure.',
  completed: 'The rollout is complete; latecomers get the patch at once.',
} as const;
export type ReasonCode = keyof typeof reasonCodes;

export const Directive = Type.Object(
  {
    directive: Type.Enum(['install', 'offer', 'remove', 'none']),
    reason: Type.Enum(Object.keys(reasonCodes) as ReasonCode[]),
    patchId: Type.Optional(Id),
    /** With `remove`: every patch that falls, for removal goes back to the base. */
    patchIds: Type.Optional(Type.Array(Id)),
    rolloutId: Type.Optional(Id),
    wave: Type.Optional(Count),
    artifact: Type.Optional(Artifact),
    /** With `remove`, on the manual track: what its user may choose instead. */
    offer: Type.Optional(
      Type.Object({
        patchId: Id,
        rolloutId: Type.Optional(Id),
        wave: Type.Optional(Count),
        artifact: Type.Optional(Artifact),
      }),
    ),
    /** With `none`: the full release that contains the patch, which the device is not on. */
    updateTo: Type.Optional(Type.String()),
    lease: Type.Object({ expiresAt: Time, recallEpoch: Count }),
    nextCheckInSeconds: Count,
  },
  { $id: 'Directive' },
);
export type Directive = Type.Static<typeof Directive>;

/** The envelope only: each check-in is validated by itself, so that a bad one refuses itself and not its batch. */
export const CheckInBatch = Type.Object(
  { devices: Type.Array(Type.Unknown(), { minItems: 1, maxItems: CHECK_INS_PER_REQUEST_MAX }) },
  { $id: 'CheckInBatch' },
);

/** Why one check-in of a batch is not answered with a directive, by its index. */
export const CheckInRefusal = Type.Object(
  { index: Count, code: Type.Enum(['invalid-request', 'device-forbidden']), detail: Type.String() },
  { $id: 'CheckInRefusal' },
);
export type CheckInRefusal = Type.Static<typeof CheckInRefusal>;

/** As many as there were devices, in their order. */
export const CheckInAnswers = Type.Object(
  { answers: Type.Array(Type.Union([Directive, CheckInRefusal])) },
  { $id: 'CheckInAnswers' },
);
export type CheckInAnswers = Type.Static<typeof CheckInAnswers>;

export const reportKinds = [
  'status',
  'install-started',
  'installed',
  'install-failed',
  'rolled-back',
  'remove-started',
  'remove-failed',
  'incident',
] as const;
export type ReportKind = (typeof reportKinds)[number];

/** Kinds of harm that an incident may carry. */
export const incidentSignals = ['boot-failure', 'crash', 'compatibility', 'connectivity'] as const;

const reporting = {
  reportId: Id,
  deviceId: Id,
  occurredAt: Time,
  platform: Platform,
  model: Model,
  ...system,
  track: Track,
  ring: Type.Optional(Label),
  region: Type.Optional(Label),
  rolloutId: Type.Optional(Id),
};
const failing = {
  signal: Type.Optional(Type.String({ pattern: SIGNAL_PATTERN })),
  failureCode: Type.Optional(Type.String({ maxLength: 64 })),
  detail: Type.Optional(Text),
};

/** One report, per kind. */
export const Report = Type.Object(
  {
    ...reporting,
    kind: Type.Enum([...reportKinds]),
    patchId: Type.Optional(Id),
    cause: Type.Optional(Type.Enum(['recall', 'user', 'failure'])),
    ...failing,
    /** With `status`: how often the device reports it by itself. 24 where it is not said. */
    statusEveryHours: Type.Optional(Type.Integer({ minimum: 1, maximum: STATUS_EVERY_HOURS_MAX })),
  },
  { $id: 'Report' },
);
export type Report = Type.Static<typeof Report>;

/** The envelope only: each report is validated by itself, so that a bad one refuses itself and not its batch. */
export const ReportBatch = Type.Object(
  { reports: Type.Array(Type.Unknown(), { minItems: 1, maxItems: REPORTS_PER_REQUEST_MAX }) },
  { $id: 'ReportBatch' },
);

export const ReportReceipt = Type.Object(
  {
    accepted: Count,
    duplicates: Count,
    refused: Type.Array(Type.Object({ index: Count, code: Type.String(), detail: Type.String() })),
  },
  { $id: 'ReportReceipt' },
);
export type ReportReceipt = Type.Static<typeof ReportReceipt>;

export const checkInValidator = compileLater(CheckIn);
export const reportValidator = compileLater(Report);
