import { Injectable, Logger } from '@nestjs/common';
import { FeedFollower, type FeedInbox } from '@sluice/event-feed';
import {
  type Commit,
  EventStore,
  type Follower,
  followStore,
  type Position,
  type StoreConsumer,
  Traces,
} from '@sluice/event-sourcing';

/** A run of events that cause events that cause events must end; more rounds than this is a loop. */
const SETTLE_ROUNDS_MAX = 1000;

interface Task {
  readonly name: string;
  readonly stop: () => void | Promise<void>;
}

/** Something that runs beside the services for as long as they do: a relay to a broker, say. */
export interface Companion {
  readonly name: string;
  start(): void;
  /** Called first when the process is to end: nothing may wait any longer for what is away. */
  disconnect?(): void | Promise<void>;
  /** Called when nothing is written any more, and before the store closes. */
  stop(): Promise<void>;
  /** What keeps the process from being ready, undefined when nothing does. */
  notReady(): string | undefined;
  /** What people are to know of, though it does not keep the process from being ready; undefined when there is nothing. */
  trouble?(): string | undefined;
  readonly gauges?: readonly GaugeOfCompanion[];
  readonly counters?: readonly CounterOfCompanion[];
}

/** A metric of a companion, asked for its value when the metrics are read. */
export interface GaugeOfCompanion {
  readonly name: string;
  readonly help: string;
  readonly read: () => number;
}

/** What a companion has counted since the start of the process; its name ends with `_total`. */
export type CounterOfCompanion = GaugeOfCompanion;

/** The runner of all that works behind the requests: projections, process managers, gateways (`handlers.ts` of the kernel). */
@Injectable()
export class Followers {
  private readonly running: Follower<unknown>[] = [];
  private readonly tasks: Task[] = [];
  private readonly idles: (() => Promise<void>)[] = [];
  private readonly companions: Companion[] = [];
  private readonly log = new Logger('feed');
  /** The source whose health has to be counted before this process knows an instant; undefined where none has to. */
  healthSource: string | undefined;

  constructor(
    private readonly store: EventStore,
    private readonly traces: Traces,
  ) {}

  /** Takes over a follower: it runs from the start of the application to its shutdown. */
  add<Item, Kind extends Follower<Item>>(follower: Kind & Follower<Item>): Kind {
    this.running.push(follower as unknown as Follower<unknown>);
    if (follower instanceof FeedFollower) this.tell(follower);
    return follower;
  }

  private tell(follower: FeedFollower): void {
    const { name, inbox } = follower;
    follower.traces = this.traces;
    inbox.doubts.onTrouble = (words) => this.log.error(`${name}: ${words}`);
  }

  /** Runs what follows the own store. */
  follow(consumer: StoreConsumer): Follower<Commit> {
    return this.add(followStore(this.store, consumer));
  }

  /** Takes over a companion: it runs from the start of the application until all followers have stopped. */
  accompany(companion: Companion): void {
    this.companions.push(companion);
    this.onStop(companion.name, () => companion.disconnect?.());
  }

  /** Starts all of them; what they cause goes through command handlers, which are there only once all modules are. */
  start(): void {
    for (const follower of this.running) follower.start();
    for (const companion of this.companions) companion.start();
  }

  /** Process managers that work in passes; `idle` resolves when they have nothing left to do. */
  work(idle: () => Promise<void>): void {
    this.idles.push(idle);
  }

  /** Resolves when every process manager has acted on all that it knows. */
  async idle(): Promise<void> {
    for (const idle of this.idles) await idle();
  }

  /** Something else that has to stop before the store closes. */
  onStop(name: string, stop: () => void | Promise<void>): void {
    this.tasks.push({ name, stop });
  }

  all(): readonly Follower<unknown>[] {
    return this.running;
  }

  /** What those who follow feeds could not apply is in here. */
  inboxes(): FeedInbox[] {
    return this.running.flatMap((follower) => (follower instanceof FeedFollower ? [follower.inbox] : []));
  }

  /** What keeps the process from being ready, by name; empty when it is. */
  notReady(): { readonly name: string; readonly because: string }[] {
    const awaited = this.running.filter((follower) => !(follower instanceof FeedFollower && follower.mayLag));
    const followers = awaited.flatMap(({ name, failedBecause, caughtUp }) => {
      if (failedBecause !== undefined) {
        return [{ name, because: failedBecause instanceof Error ? failedBecause.message : 'has stopped' }];
      }
      return caughtUp ? [] : [{ name, because: 'has not caught up yet' }];
    });
    const companions = this.companions.flatMap((companion) => {
      const because = companion.notReady();
      return because === undefined ? [] : [{ name: companion.name, because }];
    });
    return [...followers, ...companions];
  }

  /** What people are to know of a process that is ready, by name; empty when there is nothing. */
  troubles(): { readonly name: string; readonly because: string }[] {
    return this.companions.flatMap((companion) => {
      const because = companion.trouble?.();
      return because === undefined ? [] : [{ name: companion.name, because }];
    });
  }

  /**
   * Resolves when every follower has applied all that is in the store, and nothing new came of it.
   * For one process, where all positions are of one store: simulations and tests wait on it.
   */
  async settle(): Promise<Position> {
    for (let round = 0; round < SETTLE_ROUNDS_MAX; round += 1) {
      const head = await this.store.head();
      await Promise.all(this.running.map((follower) => follower.reached(head)));
      await this.idle();
      if ((await this.store.head()) === head) return head;
    }
    throw new Error(`events went on causing events for ${String(SETTLE_ROUNDS_MAX)} rounds`);
  }

  /** Ends what keeps requests open or makes new work. */
  async stopTasks(): Promise<void> {
    await Promise.all(this.tasks.map(async ({ stop }) => stop()));
  }

  /** Ends the followers; answers that wait for them must be out by then. */
  async stop(): Promise<void> {
    await Promise.all(this.running.map((follower) => follower.stop()));
    await Promise.all(this.companions.map((companion) => companion.stop()));
  }
}
