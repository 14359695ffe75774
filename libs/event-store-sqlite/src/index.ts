export * from './sqlite-event-store.ts';
export * from './sqlite-reader.ts';
export * from './store-refused.ts';
