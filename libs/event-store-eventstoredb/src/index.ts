export * from './eventstoredb-event-store.ts';
