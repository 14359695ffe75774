import { toTimeText } from './clock.ts';
import {
  BEGINNING,
  type Commit,
  comparePositions,
  type EventStore,
  type Position,
  RevisionConflict,
} from './event-store.ts';
import {
  type Ending,
  type GatewayCommand,
  gatewayDecider,
  type GatewayEvent,
  type GatewayProgress,
} from './gateway-progress.ts';
import { load } from './handle.ts';

/** One thing that is to be brought to the outside. */
export interface Delivery<Content> {
  /** The same whenever it is delivered again. */
  readonly id: string;
  /** Deliveries with the same key go out in order, one after the other. */
  readonly key: string;
  /** Not before then (domain time, ms since 1970); at once if absent. */
  readonly dueMs?: number;
  /** The delivery whose end this one tells, and the position of the commit that it came from. */
  readonly ends?: { readonly id: string; readonly position: Position };
  readonly content: Content;
}

/** `refused`: this one is not what the target takes, whenever it comes. `gone`: nothing is to be sent there any more. */
export type Delivered =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'failed'; readonly because: string; readonly retryAfterMs?: number }
  | { readonly kind: 'refused' | 'gone'; readonly because: string };

/**
 * Brings events to the outside (webhooks, mail), to one target. It begins at the present, keeps a durable checkpoint, and is
 * never replayed. What failed is delivered again: each once or more.
 */
export interface Gateway<Content> {
  readonly kind: 'gateway';
  readonly name: string;
  readonly target: string;
  readonly streams: readonly string[];
  /** What is to be delivered because of a commit, in order. */
  readonly deliveriesOf: (commit: Commit) => Promise<readonly Delivery<Content>[]>;
  /** Never rejects. */
  readonly deliver: (delivery: Delivery<Content>, signal: AbortSignal) => Promise<Delivered>;
}

/** Time and chance, as the process has them. */
export interface GatewayPorts {
  /** Domain time, ms since 1970. */
  readonly nowMs: () => number;
  /** The wall's pace. */
  readonly monotonicMs: () => number;
  /** Calls once, after the time at the wall's pace. Returns how to call it off. */
  readonly after: (ms: number, call: () => void) => () => void;
  /** From [0, 1). */
  readonly random: () => number;
}

/** For people. `failingSince`: domain time, RFC 3339, of the first failure since the last success. */
export interface GatewayStatus {
  readonly state: GatewayProgress['status'];
  readonly closedBecause: string | undefined;
  readonly waiting: number;
  readonly lastSuccessAt: string | undefined;
  readonly lastFailure: { readonly at: string; readonly because: string } | undefined;
  readonly failingSince: string | undefined;
}

const FIRST_RETRY_MS = 5_000;
const RETRY_MS_MAX = 3_600_000;
/** From its first failure on; a restart counts anew. */
const GIVEN_UP_AFTER_MS = 3 * 24 * 3_600_000;
/** Others of its key wait behind it: ten minutes, so that a mistake at the target can be seen and mended. */
const REFUSALS_MAX = 8;
const UNDER_WAY_MAX = 4;
/** Beyond, nothing more is read until some of them have ended. */
const WAITING_MAX = 1_000;
const SAVED_AGAIN_AFTER_MS = 5_000;

interface Waiting<Content> {
  readonly delivery: Delivery<Content>;
  readonly position: Position;
  /** All up to here was read before its commit. */
  readonly before: Position;
  state: 'not-due' | 'ready' | 'under-way' | 'backing-off';
  failures: number;
  refusals: number;
  firstFailedMs: number | undefined;
}

/**
 * Runs one gateway for as long as its process has the right to. How far it has come is a stream of the store,
 * `gateway-<name>`: after a restart only what was not accepted is delivered.
 */
export class GatewayRun<Content> {
  private progress: GatewayProgress = gatewayDecider.initialState;
  private revision: number | undefined;
  private read: Position = BEGINNING;
  /** In the order of their commits. */
  private waiting: Waiting<Content>[] = [];
  private saving: Promise<void> = Promise.resolve();
  private readonly stopping = new AbortController();
  private resume: (() => void) | undefined;
  private readonly callOffs = new Set<() => void>();
  private last: Pick<GatewayStatus, 'lastSuccessAt' | 'lastFailure' | 'failingSince'> = {
    lastSuccessAt: undefined,
    lastFailure: undefined,
    failingSince: undefined,
  };
  /** Called with how each attempt has ended. */
  onAttempt: (ended: 'accepted' | 'failed' | 'given-up') => void = () => undefined;

  constructor(
    private readonly store: EventStore,
    private readonly gateway: Gateway<Content>,
    private readonly ports: GatewayPorts,
  ) {}

  /**
   * `after`: nothing up to here is left, as far as is known beside the stream. `again`: what was closed for its target is open
   * again, from the present on. Resolves when the gateway has stopped.
   */
  async run(after: Position, again = false): Promise<void> {
    const { signal } = this.stopping;
    await this.begin(again);
    if (this.progress.status !== 'open') return;
    this.read = later(this.progress.through, after);
    const { streams } = this.gateway;
    for await (const message of this.store.subscribe({ after: this.read, prefixes: streams, signal })) {
      if (message.kind === 'commit') await this.admit(message.commit);
      this.read = message.kind === 'commit' ? message.commit.position : later(this.read, message.position);
      this.pump();
    }
  }

  /** To be called with each tick of domain time. */
  tick(nowMs: number): void {
    for (const each of this.waiting) {
      if (each.state === 'not-due' && (each.delivery.dueMs ?? 0) <= nowMs) each.state = 'ready';
    }
    this.pump();
  }

  /** What is under way is not waited for: it is delivered again by who comes next. */
  async stop(): Promise<void> {
    this.stopping.abort();
    this.resume?.();
    for (const callOff of this.callOffs) callOff();
    await this.saving;
  }

  /** All commits up to here have nothing left to be delivered; undefined where it does not run. */
  get through(): Position | undefined {
    return this.progress.status === 'open' ? (this.waiting[0]?.before ?? this.read) : undefined;
  }

  status(): GatewayStatus {
    const { progress, waiting, last } = this;
    const closedBecause = progress.status === 'closed' ? progress.because : undefined;
    return { state: progress.status, closedBecause, waiting: waiting.length, ...last };
  }

  /** The target was reached by other means: what has failed is tried again at once. */
  retryNow(): void {
    this.last = { ...this.last, lastSuccessAt: this.at(), failingSince: undefined };
    for (const each of this.waiting) if (each.state === 'backing-off') each.state = 'ready';
    this.pump();
  }

  private async begin(again: boolean): Promise<void> {
    await this.reload();
    const [from, at] = [await this.store.head(), this.at()];
    await this.record({ type: 'BeginGateway', target: this.gateway.target, from, again, at }, `begun:${from}`);
  }

  private async admit(commit: Commit): Promise<void> {
    const { signal } = this.stopping;
    while (this.waiting.length >= WAITING_MAX && !signal.aborted) {
      await new Promise<void>((resolve) => (this.resume = resolve));
    }
    const before = this.read;
    for (const delivery of await this.gateway.deliveriesOf(commit)) {
      if (this.progress.status !== 'open' || this.progress.settled.has(delivery.id)) continue;
      if (this.isMoot(delivery, commit.position, this.progress.from)) continue;
      const isDue = (delivery.dueMs ?? 0) <= this.ports.nowMs();
      const state = isDue ? 'ready' : 'not-due';
      const never = { failures: 0, refusals: 0, firstFailedMs: undefined };
      this.waiting.push({ delivery, position: commit.position, before, state, ...never });
    }
  }

  /** Nobody was told that it began: it began before the gateway did, or is over before it was due. */
  private isMoot({ id, ends }: Delivery<Content>, position: Position, from: Position): boolean {
    if (ends === undefined) return false;
    if (comparePositions(ends.position, from) <= 0) return true;
    const begun = this.waiting.find(({ delivery, state }) => state === 'not-due' && delivery.id === ends.id);
    if (begun === undefined) return false;
    this.settle(begun, 'dropped');
    this.note(id, position, 'dropped');
    return true;
  }

  private pump(): void {
    if (this.stopping.signal.aborted) return;
    let underWay = this.waiting.filter(({ state }) => state === 'under-way').length;
    const blocked = new Set<string>();
    for (const each of [...this.waiting]) {
      if (underWay >= UNDER_WAY_MAX) return;
      if (each.state === 'not-due') continue;
      const isFirst = !blocked.has(each.delivery.key);
      blocked.add(each.delivery.key);
      if (!isFirst || each.state !== 'ready') continue;
      underWay += 1;
      each.state = 'under-way';
      void this.attempt(each);
    }
  }

  private async attempt(each: Waiting<Content>): Promise<void> {
    const { signal } = this.stopping;
    const delivered = await this.gateway.deliver(each.delivery, signal);
    if (signal.aborted) return;
    const at = this.at();
    if (delivered.kind === 'accepted') {
      this.last = { ...this.last, lastSuccessAt: at, failingSince: undefined };
      this.onAttempt('accepted');
      this.settle(each, 'accepted');
    } else {
      const { because } = delivered;
      this.last = { ...this.last, lastFailure: { at, because }, failingSince: this.last.failingSince ?? at };
      if (delivered.kind === 'gone') {
        this.onAttempt('failed');
        this.close(because);
      } else if (delivered.kind === 'failed') this.retry(each, delivered.retryAfterMs ?? 0);
      else this.refused(each, because);
    }
    this.pump();
  }

  private retry(each: Waiting<Content>, leastMs: number): void {
    const nowMs = this.ports.monotonicMs();
    each.failures += 1;
    each.firstFailedMs ??= nowMs;
    if (nowMs - each.firstFailedMs >= GIVEN_UP_AFTER_MS) {
      this.giveUp(each);
      return;
    }
    this.onAttempt('failed');
    each.state = 'backing-off';
    // Of many that failed together, not all come back together.
    const spread = 0.5 + this.ports.random();
    const backoffMs = Math.min(RETRY_MS_MAX, FIRST_RETRY_MS * 2 ** Math.min(each.failures - 1, 30) * spread);
    this.later(Math.max(backoffMs, Math.min(leastMs, RETRY_MS_MAX)), () => {
      if (each.state === 'backing-off') each.state = 'ready';
      this.pump();
    });
  }

  private refused(each: Waiting<Content>, because: string): void {
    each.refusals += 1;
    if (each.refusals < REFUSALS_MAX) {
      this.retry(each, 0);
      return;
    }
    const words = `${because}; ${each.delivery.id} is given up, refused ${String(REFUSALS_MAX)} times`;
    this.last = { ...this.last, lastFailure: { at: this.at(), because: words } };
    this.giveUp(each);
  }

  private giveUp(each: Waiting<Content>): void {
    this.onAttempt('given-up');
    this.settle(each, 'given-up');
  }

  private close(because: string): void {
    this.waiting = [];
    void this.save({ type: 'CloseGateway', because, at: this.at() }, 'closed');
    this.stopping.abort();
    this.resume?.();
  }

  private settle(each: Waiting<Content>, ending: Ending): void {
    this.waiting = this.waiting.filter((other) => other !== each);
    this.resume?.();
    this.note(each.delivery.id, each.position, ending);
  }

  private note(deliveryId: string, position: Position, ending: Ending): void {
    const through = this.waiting[0]?.before ?? this.read;
    void this.save({ type: 'SettleDelivery', deliveryId, position, ending, through, at: this.at() }, deliveryId);
  }

  /** One after the other, and again until the store has taken it: until then a restart would deliver it again. */
  private save(command: GatewayCommand, cause: string): Promise<void> {
    this.saving = this.saving.then(async () => {
      const { signal } = this.stopping;
      for (;;) {
        try {
          await this.record(command, `${command.type}:${cause}`);
          return;
        } catch {
          if (signal.aborted) return;
          await new Promise<void>((resolve) => {
            this.later(SAVED_AGAIN_AFTER_MS, resolve);
            signal.addEventListener('abort', () => resolve(), { once: true });
          });
        }
      }
    });
    return this.saving;
  }

  private async record(command: GatewayCommand, commitId: string): Promise<void> {
    for (;;) {
      const events = gatewayDecider.decide(command, this.progress);
      if (events.length === 0) return;
      try {
        const { revision } = await this.store.append({
          stream: this.stream,
          expected: this.revision ?? 'no-stream',
          commitId: `${commitId}:${String(this.revision ?? 0)}`,
          metadata: { actor: 'system:gateway', correlationId: this.gateway.name },
          body: { kind: 'events', events },
        });
        this.progress = events.reduce((next, event) => gatewayDecider.evolve(next, event), this.progress);
        this.revision = revision;
        return;
      } catch (error) {
        // Another process had the right to deliver in between.
        if (!(error instanceof RevisionConflict)) throw error;
        await this.reload();
      }
    }
  }

  private async reload(): Promise<void> {
    const loaded = await load<GatewayProgress, GatewayEvent>(this.store, gatewayDecider, this.stream);
    this.progress = loaded.state;
    this.revision = loaded.revision;
  }

  private later(ms: number, call: () => void): void {
    const callOff = this.ports.after(ms, () => {
      this.callOffs.delete(callOff);
      call();
    });
    this.callOffs.add(callOff);
  }

  private at(): string {
    return toTimeText(this.ports.nowMs());
  }

  private get stream(): string {
    return `gateway-${this.gateway.name}`;
  }
}

function later(left: Position, right: Position): Position {
  return comparePositions(left, right) >= 0 ? left : right;
}
