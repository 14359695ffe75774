export * from './demo.ts';
export { narrate } from './narrator.ts';
export { Random } from './random.ts';
export * from './real-patches.ts';
export * from './scenario-result.ts';
export * from './scenario.ts';
export * from './world.ts';
