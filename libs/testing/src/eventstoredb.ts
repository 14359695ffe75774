import { type EventStoreDBContainer } from './eventstoredb-container.ts';
import { type EventStoreDBDouble } from './eventstoredb-double.ts';

export { type EventStoreDBDouble } from './eventstoredb-double.ts';

/** A server that speaks EventStoreDB's protocol, loaded only where it is used: gRPC takes its time. */
export async function startEventStoreDBDouble(): Promise<EventStoreDBDouble> {
  const { EventStoreDBDouble: Double } = await import('./eventstoredb-double.ts');
  return Double.start();
}

/** EventStoreDB's own server in a container, or why it cannot be had. */
export async function startEventStoreDBContainer(): Promise<EventStoreDBContainer | string> {
  const { startEventStoreDBContainer: start } = await import('./eventstoredb-container.ts');
  return start();
}
