import { checkpointsContract, eventStoreContract } from '@sluice/testing';
import { InMemoryEventStore } from './in-memory-event-store.ts';

eventStoreContract('InMemoryEventStore', (clock) => Promise.resolve(new InMemoryEventStore(clock)));
checkpointsContract('InMemoryEventStore', (clock) => Promise.resolve(new InMemoryEventStore(clock)));
