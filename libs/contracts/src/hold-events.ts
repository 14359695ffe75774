import Type from 'typebox';
import { Audience, Cause, chained, SumEvidence } from './event-shapes.ts';
import { Id, Text, Time } from './primitives.ts';

export const HoldPlaced = chained('HoldPlaced', {
  holdId: Id,
  patchId: Type.Optional(Id),
  slice: Audience,
  reason: Text,
  owner: Type.String(),
  url: Type.Optional(Type.String()),
  expiresAt: Type.Optional(Time),
  /** Of a hold on everything: removals of recalled patches stop as well. */
  removals: Type.Optional(Type.Boolean()),
  /** What a gate held the slice for, and the last decision of the rollout that it looked at. */
  evidence: Type.Optional(SumEvidence),
  cause: Type.Optional(Cause),
  at: Time,
});
export const HoldLifted = chained('HoldLifted', { holdId: Id, reason: Text, at: Time });
export const HoldExpired = chained('HoldExpired', { holdId: Id, at: Time });
