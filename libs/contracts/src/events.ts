import Type from 'typebox';
import { TokenIssued, TokenRevoked } from './access-events.ts';
import {
  PatchAmended,
  PatchFoldedIn,
  PatchPublished,
  PatchPulled,
  PatchSuperseded,
  PullRequested,
} from './catalog-events.ts';
import {
  Audience,
  AwakeSlice,
  Cause,
  chained,
  CountColumns,
  event,
  HarmColumns,
  HolderCount,
  InstallColumns,
  InstallEvidence,
  KnownSlice,
  Population,
  RemovalColumns,
  Slice,
  SumEvidence,
} from './event-shapes.ts';
import { HoldExpired, HoldLifted, HoldPlaced } from './hold-events.ts';
import {
  PullRecorded,
  RecallStarted,
  RecallPaused,
  RecallResumed,
  RecallCompleted,
  RecallReopened,
} from './recall-events.ts';
import { Build, Count, Id, Model, Platform, Text, Time, Track, Version } from './primitives.ts';
import { type Topic, topicOwners as owners } from './topic-owners.ts';

/**
 * The public events: what one service tells the others and the world. One schema per event type.
 * `at` is when it was decided, `occurredAt` when a device says it happened, both in domain time.
 */

export const Ramp = Type.Object({ fromPercent: Type.Number(), toPercent: Type.Number(), minutes: Type.Number() });

export const Wave = Type.Object({
  name: Type.String(),
  ring: Type.Optional(Type.String()),
  audience: Type.Optional(Audience),
  ramp: Ramp,
  bakeMinutes: Type.Number(),
});

export const Plan = Type.Object({
  patchId: Id,
  waves: Type.Array(Wave),
  holdBackPercent: Type.Number(),
  gates: Type.Object({
    installFailureRateMax: Type.Number(),
    outcomeMissingRateMax: Type.Optional(Type.Number()),
    removedByUserRateMax: Type.Optional(Type.Number()),
    maturityHours: Type.Optional(Type.Number()),
    goOn: Type.Optional(Type.Literal('time')),
    watchHours: Type.Optional(Type.Number()),
  }),
  /** Of plans from before these two stood under `gates`. */
  watchHours: Type.Optional(Type.Number()),
  goOn: Type.Optional(Type.Literal('time')),
  pace: Type.Optional(Type.Object({ first: Type.Number(), factor: Type.Number() })),
  /** How many people beside who planned it have to approve it before it widens. */
  approvalsRequired: Type.Optional(Count),
  salt: Type.String(),
  startAt: Type.Optional(Time),
  notes: Type.Optional(Text),
});

const rollout = { rolloutId: Id, at: Time };

/** `by`: who planned it, and so does not approve it. */
export const RolloutPlanned = chained('RolloutPlanned', {
  ...rollout,
  plan: Plan,
  by: Type.Optional(Type.String()),
});
/**
 * Another plan for a rollout that has started: nothing that was exposed is taken back by it, and approvals of the former plan have
 * lapsed. `approvalsRequired`: how many it needs before it widens again.
 */
export const RolloutReplanned = chained('RolloutReplanned', {
  ...rollout,
  plan: Plan,
  reason: Text,
  by: Type.Optional(Type.String()),
  approvalsRequired: Type.Optional(Count),
});
/** `revision`: that of the rollout, as who approved it has seen it. */
export const RolloutApproved = chained('RolloutApproved', { ...rollout, revision: Count, by: Type.String() });
/**
 * `slices` is the number of hypotheses that the gates of this rollout test; it is fixed here. `exposure` of `granted` says that
 * nothing widens without ExposureGranted; without it, the ramp ran by itself, as it did before there were grants.
 */
export const RolloutStarted = chained('RolloutStarted', {
  ...rollout,
  patchId: Id,
  slices: Count,
  /** Those with known devices: what the weights of the tests are fixed by. */
  known: Type.Optional(Type.Array(KnownSlice)),
  exposure: Type.Optional(Type.Literal('granted')),
  evidenceSeen: Type.Optional(Text),
  /** How many approvals it needed at its start. */
  approvalsRequired: Type.Optional(Count),
});
/** `awake`: the devices that it may expose as the first, which the pace of the exposure counts; absent when they were not known. */
export const WaveOpened = chained('WaveOpened', {
  ...rollout,
  wave: Count,
  awake: Type.Optional(Type.Array(AwakeSlice)),
});
/**
 * The permission to widen a wave evenly from one percentage of buckets to another, between two instants. `ranMinutes` is the
 * running time of the wave when it begins. A pause, a halt or a stop cuts it short at that instant.
 */
export const ExposureGranted = chained('ExposureGranted', {
  ...rollout,
  wave: Count,
  fromPercent: Type.Number(),
  toPercent: Type.Number(),
  from: Time,
  to: Time,
  ranMinutes: Type.Number(),
  because: Type.Enum(['ramp', 'bake', 'upgrade', 'hold-back']),
  /** The pace kept it from going as far as the ramp begins: its time is no running time. */
  paced: Type.Optional(Type.Literal(true)),
});
/**
 * `because`: the bake time was over, or an operator advanced the rollout early, with a `reason`, if one was given. `forced`:
 * why, though the wave waited.
 */
export const WaveBaked = chained('WaveBaked', {
  ...rollout,
  wave: Count,
  because: Type.Enum(['baked', 'advanced']),
  reason: Type.Optional(Text),
  forced: Type.Optional(Text),
});
/**
 * A wave is over, and does not go on: told when the set of reasons has changed. Codes as in `waitsFor` of a rollout. `evidence`:
 * where it waits because of the gates, what they found, or would find if the failures that wait for their start counted.
 */
export const WaveWaiting = chained('WaveWaiting', {
  ...rollout,
  wave: Count,
  waitsFor: Type.Array(Type.Object({ code: Type.String(), words: Text })),
  evidence: Type.Optional(SumEvidence),
});
export const RolloutPaused = chained('RolloutPaused', { ...rollout, reason: Text });
export const RolloutResumed = chained('RolloutResumed', {
  ...rollout,
  reason: Type.Optional(Text),
  evidenceSeen: Type.Optional(Text),
});

export const RolloutHalted = chained('RolloutHalted', {
  ...rollout,
  wave: Count,
  by: Type.Enum(['gate', 'responder']),
  reason: Text,
  exposurePercent: Type.Number(),
  /** Known eligible devices inside the exposure, absent when none was known. */
  exposedDevices: Type.Optional(Count),
  evidence: Type.Optional(Type.Union([SumEvidence, InstallEvidence])),
});
export const RolloutCompleted = chained('RolloutCompleted', { ...rollout, patchId: Id });
/** `causedBy`: who pulled the patch, where the rollout has ended for that; `cause`: that pull, in the stream of the patch. */
export const RolloutAborted = chained('RolloutAborted', {
  ...rollout,
  reason: Text,
  causedBy: Type.Optional(Type.String()),
  cause: Type.Optional(Cause),
});

const device = {
  deviceId: Id,
  platform: Platform,
  model: Model,
  osVersion: Version,
  osBuild: Build,
  track: Track,
  ring: Type.Optional(Type.String()),
  region: Type.Optional(Type.String()),
  occurredAt: Time,
  receivedAt: Time,
  /** The device's clock was ahead of ours; `occurredAt` is what it said. */
  clockAhead: Type.Optional(Type.Boolean()),
};
const patched = { ...device, patchId: Id, rolloutId: Type.Optional(Id) };
const failure = {
  signal: Type.Optional(Type.String()),
  failureCode: Type.Optional(Type.String()),
  detail: Type.Optional(Text),
};

export const DeviceObserved = event('DeviceObserved', {
  ...device,
  /** How often the device reports its status by itself; 24 where it is not said. */
  statusEveryHours: Type.Optional(Type.Integer({ minimum: 1, maximum: 168 })),
});
export const DeviceRetired = event('DeviceRetired', { deviceId: Id, occurredAt: Time, receivedAt: Time });
export const InstallStarted = event('InstallStarted', patched);
export const PatchInstalled = event('PatchInstalled', patched);
export const PatchInstallFailed = event('PatchInstallFailed', { ...patched, ...failure });
export const PatchRolledBack = event('PatchRolledBack', {
  ...patched,
  cause: Type.Enum(['recall', 'user', 'failure']),
});
export const PatchRemoveStarted = event('PatchRemoveStarted', patched);
export const PatchRemoveFailed = event('PatchRemoveFailed', { ...patched, ...failure });
export const IncidentReported = event('IncidentReported', { ...device, patchId: Type.Optional(Id), ...failure });

/**
 * The health of one shard in [from, to), counted over its fleet commits up to `throughRevision`; in several numbered parts
 * where it is too large for one event. Pending failures, holders and populations are absolute; only those that changed
 * since the bucket before are listed.
 */
export const HealthBucketClosed = event('HealthBucketClosed', {
  shard: Count,
  shards: Count,
  from: Time,
  to: Time,
  throughRevision: Type.Integer({ minimum: -1 }),
  part: Count,
  parts: Count,
  /** After so long a failure counts whose start was not reported; 0 where it is not known, in buckets of version 1. */
  reportingDeadlineMinutes: Type.Number({ minimum: 0 }),
  patches: Type.Array(Id),
  slices: Type.Array(Slice),
  installs: InstallColumns,
  /** Failures at the end of the bucket whose start was not reported and whose deadline still runs. */
  pending: CountColumns,
  /** Tries within the bucket that got no package, for want of network or server. */
  unreached: CountColumns,
  /** Harm that is judged against devices without the patch. */
  harm: Type.Optional(HarmColumns),
  /** Removals of recalled patches; absent when none was counted. */
  removals: Type.Optional(RemovalColumns),
  holders: Type.Array(HolderCount),
  populations: Type.Array(Population),
});

const catalogEvents = [
  PatchPublished,
  PatchAmended,
  PatchSuperseded,
  PatchPulled,
  PullRequested,
  PatchFoldedIn,
] as const;
const rolloutEvents = [
  RolloutPlanned,
  RolloutReplanned,
  RolloutApproved,
  RolloutStarted,
  WaveOpened,
  ExposureGranted,
  WaveBaked,
  WaveWaiting,
  RolloutPaused,
  RolloutResumed,
  RolloutHalted,
  RolloutCompleted,
  RolloutAborted,
  PullRecorded,
  RecallStarted,
  RecallPaused,
  RecallResumed,
  RecallCompleted,
  RecallReopened,
  HoldPlaced,
  HoldLifted,
  HoldExpired,
] as const;
const fleetEvents = [
  DeviceObserved,
  DeviceRetired,
  InstallStarted,
  PatchInstalled,
  PatchInstallFailed,
  PatchRolledBack,
  PatchRemoveStarted,
  PatchRemoveFailed,
  IncidentReported,
] as const;
const healthEvents = [HealthBucketClosed] as const;
const accessEvents = [TokenIssued, TokenRevoked] as const;

export type CatalogEvent = Type.Static<(typeof catalogEvents)[number]>;
export type RolloutsEvent = Type.Static<(typeof rolloutEvents)[number]>;
export type FleetEvent = Type.Static<(typeof fleetEvents)[number]>;
export type HealthEvent = Type.Static<(typeof healthEvents)[number]>;
export type AccessEvent = Type.Static<(typeof accessEvents)[number]>;
export type PublicEvent = CatalogEvent | RolloutsEvent | FleetEvent | HealthEvent | AccessEvent;

/** What says how many partitions a topic has: as many as the fleet has shards. */
const SHARDS = 'shards';

/**
 * Who owns which topic, which streams it comes from, and what is in it (design §3.2). In Kafka, the first of `keys` that
 * an event has is its key, and `partitions` is how many there are: one where followers wait for all of a topic, and little
 * comes through it. `access` is in no Kafka, whose readers are many: it has no partition, and is heard from its owner alone.
 */
export const topics = {
  catalog: { service: owners.catalog, streams: ['patch-'], keys: ['patchId'], partitions: 1, events: catalogEvents },
  rollouts: {
    service: owners.rollouts,
    streams: ['rollout-', 'recall-', 'hold-'],
    keys: ['rolloutId', 'holdId', 'patchId'],
    partitions: 1,
    events: rolloutEvents,
  },
  fleet: { service: owners.fleet, streams: ['fleet-'], keys: ['deviceId'], partitions: SHARDS, events: fleetEvents },
  health: { service: owners.health, streams: ['health-'], keys: ['shard'], partitions: 1, events: healthEvents },
  access: { service: owners.access, streams: ['access'], keys: ['tokenId'], partitions: 0, events: accessEvents },
} as const;

/** The key of an event in Kafka: events with the same key stay in order. Throws when the data has none. */
export function keyOf(topic: Topic, data: Readonly<Record<string, unknown>>): string {
  for (const field of topics[topic].keys) {
    const value = data[field];
    if (typeof value === 'string' || typeof value === 'number') return String(value);
  }
  throw new Error(`an event of ${topic} has none of ${topics[topic].keys.join(', ')}`);
}

/** The topics that are in Kafka. */
export const kafkaTopics = (Object.keys(topics) as Topic[]).filter((topic) => topics[topic].partitions !== 0);

/** The name of a topic in Kafka; the prefix is for clusters that several fleets share. */
export function kafkaTopic(topic: Topic, prefix = ''): string {
  return `${prefix}sluice.${topic}.v1`;
}

/** How many partitions a topic has in Kafka, in a fleet of so many shards. */
export function kafkaPartitions(topic: Topic, shards: number): number {
  const { partitions } = topics[topic];
  return partitions === SHARDS ? shards : partitions;
}
