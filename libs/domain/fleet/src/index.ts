export { type PatchState, patchStates } from './entry-table.ts';
export * from './fact-packer.ts';
export * from './facts.ts';
export * from './fleet-shard.ts';
export * from './fleet-views.ts';
export * from './health-bucket.ts';
export { type PackedFacts, readPackedFacts, unpackFacts } from './packed-facts.ts';
export * from './report-ids.ts';
export * from './shard-snapshot.ts';
