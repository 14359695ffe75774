export * from './device-protocol.ts';
export * from './errors.ts';
export * from './events.ts';
export * from './feed-check.ts';
export * from './primitives.ts';
