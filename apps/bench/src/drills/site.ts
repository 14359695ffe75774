import { join } from 'node:path';
import { SqliteEventStore } from '@sluice/event-store-sqlite';
import { WallClock } from '@sluice/platform';
import { type Broker } from '../broker.ts';
import { appendEvent } from '../catalog-events.ts';
import { paced } from '../paced.ts';
import { type Outcome } from './outcome.ts';
import { type ConsumerCounts, type ConsumerPart, type RelayPart } from './part.ts';
import { PartProcess } from './part-process.ts';

/** Where a drill takes place. */
export interface Ground {
  readonly folder: string;
  readonly broker: Broker;
  /** Of the load; what is drilled fits into it. */
  readonly seconds: number;
  readonly say: (text: string) => void;
}

const EVENTS_PER_SECOND = 1_000;
const STREAMS = 100;

type Own<Role> = Partial<Omit<Role, 'kind' | 'store' | 'brokers'>>;

/** A catalog's store under load, and relays and consumers of it as processes. */
export class Site implements AsyncDisposable {
  private readonly parts: PartProcess[] = [];
  private readonly consumers: PartProcess[] = [];
  private readonly stopping = new AbortController();
  private loading: Promise<number> | undefined;
  private readonly appends: Promise<void>[] = [];
  private count = 0;

  private constructor(
    readonly ground: Ground,
    readonly store: SqliteEventStore,
    private readonly path: string,
  ) {}

  static async open(ground: Ground): Promise<Site> {
    const path = join(ground.folder, 'sluice.db');
    return new Site(ground, await SqliteEventStore.open({ path, clock: new WallClock(), shared: true }), path);
  }

  async relay(own: Own<RelayPart> = {}): Promise<PartProcess> {
    const part = await PartProcess.start({ kind: 'relay', ...this.surroundings(), ...own });
    this.parts.push(part);
    return part;
  }

  async consumer(own: Own<ConsumerPart> = {}): Promise<PartProcess> {
    const part = await PartProcess.start({ kind: 'consumer', ...this.surroundings(), ...own });
    this.parts.push(part);
    this.consumers.push(part);
    return part;
  }

  /** Appends one event after another, at a steady rate. */
  startLoad(): void {
    const pace = { perSecond: EVENTS_PER_SECOND, signal: this.stopping.signal };
    this.loading = paced(pace, () => void this.appends.push(this.append()));
  }

  /** Resolves when all is durable that was begun. Then each stream gets one more event, which shows what is missing before it. */
  async stopLoad(): Promise<void> {
    this.stopping.abort();
    await this.loading;
    for (let stream = 0; stream < STREAMS; stream += 1) this.appends.push(this.append());
    await Promise.all(this.appends);
  }

  /** What has come of it in the last consumer, once that has all. */
  async outcome(consumer: PartProcess): Promise<Outcome & ConsumerCounts> {
    await consumer.ask({ ask: 'reach', position: await this.store.head() });
    const counts = await consumer.ask<ConsumerCounts>({ ask: 'counts' });
    const earlier = this.consumers.filter((each) => each !== consumer);
    const received = earlier.reduce((sum, each) => sum + each.received, counts.received);
    return { ...counts, received, remarks: [], faults: [] };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stopping.abort();
    await Promise.all(this.parts.map((part) => part.kill()));
    await this.loading;
    await Promise.allSettled(this.appends);
    await this.store.close();
  }

  private append(): Promise<void> {
    const appended = appendEvent(this.store, this.count, STREAMS);
    this.count += 1;
    // Whoever awaits all of them hears of it; until then it must not end the process.
    appended.catch(() => undefined);
    return appended;
  }

  private surroundings() {
    return { store: this.path, brokers: this.ground.broker.brokers, prefix: 'drill.' };
  }
}
