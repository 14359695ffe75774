import { type FeedEvent, StoreFeed } from '@sluice/event-feed';
import { KafkaDeadLetters, KafkaFeed, KafkaRelay, type RelayStatus } from '@sluice/event-feed-kafka';
import {
  type Checkpoint,
  Checkpoints,
  comparePositions,
  InMemoryEventStore,
  type Position,
} from '@sluice/event-sourcing';
import { SqliteEventStore } from '@sluice/event-store-sqlite';
import { WallClock } from '@sluice/platform';
import { clientOf } from '../broker.ts';
import { publication } from '../catalog-events.ts';
import { CountingConsumer } from './counting-consumer.ts';
import { type Counts } from './outcome.ts';

export const PART_FLAG = '--part';

interface Surroundings {
  /** The file of the catalog's store, which all parts have open. */
  readonly store: string;
  readonly brokers: string;
  readonly prefix: string;
}

export interface RelayPart extends Surroundings {
  readonly kind: 'relay';
  readonly abandonedAfterMs?: number;
  /** After so many checkpoints the process kills itself instead of saving the next, which is due for acknowledged events. */
  readonly diesAfterSaves?: number;
  /** Keeps its checkpoints to itself: a relay that never hears that another one has taken over. */
  readonly isDeaf?: boolean;
}

export interface ConsumerPart extends Surroundings {
  readonly kind: 'consumer';
  /** The n-th commit of these streams cannot be applied, until it is cured. */
  readonly refuses?: readonly { readonly stream: string; readonly revision: number }[];
}

/** A part of a drill that is a process of its own, so that it can be killed. */
export type PartRole = RelayPart | ConsumerPart;

/** What a part is asked, and what it answers; one question at a time. */
export type Question =
  | { readonly ask: 'status' }
  | { readonly ask: 'reach'; readonly position: Position }
  | { readonly ask: 'counts' }
  | { readonly ask: 'parked' }
  | { readonly ask: 'cure' };

export interface ConsumerCounts extends Counts {
  readonly filled: number;
  readonly unreadable: number;
  readonly crashes: number;
}

export type PartMessage =
  | { readonly kind: 'started' }
  | { readonly kind: 'tally'; readonly received: number }
  | { readonly kind: 'answer'; readonly answer: unknown }
  | { readonly kind: 'fault'; readonly fault: string };

const TALLY_EVERY_MS = 100;

/** The child's side: plays the role until it is killed, or whoever started it is gone. */
export async function playPart(roleText: string): Promise<void> {
  const role = JSON.parse(roleText) as PartRole;
  const store = await SqliteEventStore.open({ path: role.store, clock: new WallClock(), shared: true });
  const answer = role.kind === 'relay' ? playRelay(role, store) : playConsumer(role, store);
  process.once('disconnect', () => process.exit(0));
  process.on('message', (question: Question) => {
    answer(question).then(
      (answered) => tell({ kind: 'answer', answer: answered }),
      (error: unknown) => tell({ kind: 'fault', fault: error instanceof Error ? error.message : String(error) }),
    );
  });
  tell({ kind: 'started' });
}

function tell(message: PartMessage): void {
  process.send?.(message);
}

type Answering = (question: Question) => Promise<unknown>;

function playRelay(role: RelayPart, store: SqliteEventStore): Answering {
  const { brokers, prefix, diesAfterSaves, abandonedAfterMs, isDeaf } = role;
  const kept = isDeaf === true ? new InMemoryEventStore(new WallClock()).checkpoints : store.checkpoints;
  const relay = new KafkaRelay({
    client: clientOf(brokers, 'relay'),
    store,
    publication,
    topics: { shards: 1, prefix },
    checkpoints: diesAfterSaves === undefined ? kept : new DeadlyCheckpoints(kept, diesAfterSaves),
    ...(abandonedAfterMs !== undefined && { abandonedAfterMs }),
  });
  relay.start();
  return async (): Promise<RelayStatus> => relay.status();
}

/** The next save that would move the position never happens: Kafka has acknowledged the events, the store does not know it. */
class DeadlyCheckpoints extends Checkpoints {
  private moves = 0;
  private position: Position | undefined;

  constructor(
    private readonly checkpoints: Checkpoints,
    private readonly movesMax: number,
  ) {
    super();
  }

  override load(name: string): Promise<Checkpoint | undefined> {
    return this.checkpoints.load(name);
  }

  override async save(...saved: Parameters<Checkpoints['save']>): Promise<Checkpoint> {
    const [, { position }] = saved;
    if (this.position !== undefined && comparePositions(position, this.position) > 0) this.moves += 1;
    this.position = position;
    if (this.moves > this.movesMax) process.kill(process.pid, 'SIGKILL');
    return this.checkpoints.save(...saved);
  }
}

function playConsumer({ brokers, prefix, refuses = [] }: ConsumerPart, store: SqliteEventStore): Answering {
  const client = clientOf(brokers, 'consumer');
  const deadLetters = new KafkaDeadLetters({ client, service: 'drill', topics: { prefix } });
  const owner = new StoreFeed(store, [publication]);
  const feed = new KafkaFeed({ client, service: 'drill', owner, deadLetters, topicPrefix: prefix });
  let isCured = refuses.length === 0;
  const refuse = ({ stream, place }: FeedEvent) => {
    if (isCured) return;
    const isRefused = refuses.some((each) => each.stream === stream && each.revision === place.revision);
    if (isRefused) throw new Error('this consumer cannot apply it yet');
  };
  const consumer = new CountingConsumer(feed, { source: 'catalog', topic: 'catalog', refuse });
  setInterval(() => tell({ kind: 'tally', received: consumer.received }), TALLY_EVERY_MS).unref();
  const parked = () => consumer.follower.inbox.letters;
  return async (question) => {
    switch (question.ask) {
      case 'reach':
        return consumer.reached(question.position);
      case 'parked':
        return parked().length;
      case 'cure':
        isCured = true;
        // Those that wait behind another one are applied with it.
        for (const letter of parked()) await consumer.follower.inbox.retry(letter, 'drill');
        return parked().length;
      case 'counts':
      case 'status': {
        const { undecodable, crashes } = feed.status();
        const counts = await consumer.compareWith(store);
        return { ...counts, filled: consumer.filled, unreadable: undecodable, crashes } satisfies ConsumerCounts;
      }
    }
  };
}
