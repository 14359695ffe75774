export * from './demo.ts';
export { type DemoState, narrate } from './narrator.ts';
export * from './real-patches.ts';
export * from './scenario.ts';
export * from './world.ts';
