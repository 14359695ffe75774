export * from './checkpoints.contract.ts';
export { engineAnswers, imageForTests, isAlive, leaveOut } from './docker.ts';
export * from './event-store.contract.ts';
export * from './eventstoredb.ts';
export * from './kafka.ts';
export * from './key-pairs.ts';
export * from './recorded-traces.ts';
export * from './scenarios.ts';
export * from './steps.ts';
