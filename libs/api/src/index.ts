export * from './clock.ts';
export { type DeviceOperation, type OpenApiDocument, toDocument } from './document.ts';
export * from './fields.ts';
export * from './fleet.ts';
export * from './health.ts';
export * from './holds.ts';
export * from './imports.ts';
export * from './operation.ts';
export * from './operations.ts';
export * from './paging.ts';
export * from './patches.ts';
export {
  AdvanceRolloutBody,
  Audience,
  EvidenceBody,
  PlanRolloutBody,
  ReasonBody,
  ReplanRolloutBody,
  StopBody,
} from './plans.ts';
export * from './recalls.ts';
export * from './replays.ts';
export * from './rollouts.ts';
