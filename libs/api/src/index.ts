export * from './attention.ts';
export * from './audit.ts';
export * from './clock.ts';
export { type OpenApiDocument, toDocument } from './document.ts';
export * from './explain.ts';
export * from './feed.ts';
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
  EvidenceBody,
  PlanRolloutBody,
  ReasonBody,
  ReplanRolloutBody,
  ResumeBody,
  StopBody,
} from './plans.ts';
export * from './re-exposure.ts';
export * from './recalls.ts';
export * from './replays.ts';
export * from './rollouts.ts';
export * from './timelines.ts';
export * from './tokens.ts';
export * from './webhooks.ts';
