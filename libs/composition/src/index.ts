export * from './connections.ts';
export * from './stores.ts';
