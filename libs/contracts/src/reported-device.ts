import Type from 'typebox';
import { compileLater } from './compile-later.ts';
import { Build, Count, Id, Model, Platform, Time, Track } from './primitives.ts';

/** What a service that asks telemetry for a device (`GET /v1/devices/{id}`) reads of the answer. */
export const ReportedDevice = Type.Object({
  deviceId: Id,
  platform: Platform,
  model: Model,
  osVersion: Type.String(),
  osBuild: Build,
  track: Track,
  ring: Type.Optional(Type.String()),
  lastReportAt: Time,
  retiredAt: Type.Optional(Time),
  patches: Type.Record(
    Type.String(),
    Type.Object({
      state: Type.Enum(['started', 'installed', 'failed', 'rolledBack', 'replaced']),
      cause: Type.Optional(Type.Union([Type.Enum(['recall', 'user', 'failure']), Type.Null()])),
      failedInstalls: Type.Optional(Count),
      failedRemovals: Type.Optional(Count),
      lastFailureAt: Type.Optional(Time),
    }),
  ),
});
export type ReportedDevice = Type.Static<typeof ReportedDevice>;

export const reportedDeviceValidator = compileLater(ReportedDevice);
