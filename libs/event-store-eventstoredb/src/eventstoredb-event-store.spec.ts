import {
  checkpointsContract,
  eventStoreContract,
  type EventStoreDBDouble,
  type MakeStore,
  startEventStoreDBDouble,
} from '@sluice/testing';
import { afterAll } from 'vitest';
import { EventStoreDBEventStore } from './eventstoredb-event-store.ts';

const doubles: EventStoreDBDouble[] = [];
afterAll(() => Promise.all(doubles.map((double) => double.stop())));

const onDouble: MakeStore = async (clock) => {
  const double = await startEventStoreDBDouble();
  doubles.push(double);
  return EventStoreDBEventStore.open({ connectionString: double.leader.connectionString, clock });
};

eventStoreContract('EventStoreDBEventStore, on the protocol double', onDouble);
checkpointsContract('EventStoreDBEventStore, on the protocol double', onDouble);
