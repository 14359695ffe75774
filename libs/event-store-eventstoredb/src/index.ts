export { ConnectionStringRefused } from './connection.ts';
export { AppendTooLarge } from './event-codec.ts';
export * from './eventstoredb-event-store.ts';
