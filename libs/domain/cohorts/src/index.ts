export * from './bucket.ts';
export * from './grant.ts';
export * from './health.ts';
export * from './holder.ts';
export * from './letter.ts';
export * from './model.ts';
export * from './ramp.ts';
export * from './slice.ts';
