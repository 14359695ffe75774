export * from './broadcast.ts';
export * from './clock.ts';
export * from './decider.ts';
export * from './event-store.ts';
export * from './follow-store.ts';
export * from './follower.ts';
export * from './handle.ts';
export * from './in-memory-event-store.ts';
