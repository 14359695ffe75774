import { checkpointsContract, eventStoreContract, type MakeStore, startEventStoreDBContainer } from '@sluice/testing';
import { afterAll, describe, it } from 'vitest';
import { EventStoreDBEventStore } from './eventstoredb-event-store.ts';

const GIVE_UP_MS = 30_000;

const container = await startEventStoreDBContainer();

if (typeof container === 'string') {
  console.warn(
    `SKIPPED: EventStoreDB's own server was not there (${container}); the client library was tested against the protocol double`,
  );
  describe.skip('the event store contract, by EventStoreDBEventStore, on the real server', () => {
    it('was not there', () => undefined);
  });
} else {
  console.info(`EventStoreDB's own server: image ${container.image}, container ${container.containerId}`);
  const onServer: MakeStore = async (clock) =>
    EventStoreDBEventStore.open({ connectionString: await container.empty(), clock, giveUpMs: GIVE_UP_MS });
  afterAll(() => container.stop());
  eventStoreContract('EventStoreDBEventStore, on the real server', onServer);
  checkpointsContract('EventStoreDBEventStore, on the real server', onServer);
}
