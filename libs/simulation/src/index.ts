export * from './real-patches.ts';
export * from './scenario.ts';
export * from './world.ts';
