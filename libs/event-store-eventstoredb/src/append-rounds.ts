import { type Append, type Appended, type Clock, StoreOverloaded } from '@sluice/event-sourcing';
import { type EncodedBody } from './event-codec.ts';

const WAITING_APPENDS_MAX = 20_000;
const WAITING_BYTES_MAX = 64 * 1024 * 1024;
/** So many streams are written at once, each one commit after the other. Servers take 100 calls on a connection. */
const STREAMS_AT_ONCE_MAX = 32;

export interface AcceptedAppend {
  readonly append: Append;
  readonly body: EncodedBody;
}

/** Sends one append, recorded at this time or at a later one, and answers with its result. */
export type Send = (accepted: AcceptedAppend, recordedAt: string) => Promise<Appended>;

interface Waiting extends AcceptedAppend {
  readonly resolve: (appended: Appended) => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * Appends go out in rounds: those of a round together, with one recorded time, the next when all of them are answered. So
 * the recorded time does not decrease along positions, though the server orders what it gets at the same time as it likes.
 */
export class AppendRounds {
  private waiting: Waiting[] = [];
  private waitingBytes = 0;
  private running: Promise<void> | undefined;
  private lastRecordedAt = '';

  constructor(
    private readonly clock: Pick<Clock, 'nowText'>,
    private readonly send: Send,
  ) {}

  add(accepted: AcceptedAppend): Promise<Appended> {
    if (this.waiting.length >= WAITING_APPENDS_MAX || this.waitingBytes + accepted.body.bytes > WAITING_BYTES_MAX) {
      return Promise.reject(new StoreOverloaded(`${this.waiting.length} appends are waiting for EventStoreDB`));
    }
    this.waitingBytes += accepted.body.bytes;
    return new Promise((resolve, reject) => {
      this.waiting.push({ ...accepted, resolve, reject });
      this.running ??= this.run();
    });
  }

  /** Resolves when nothing waits any more. */
  async finished(): Promise<void> {
    await this.running;
  }

  private async run(): Promise<void> {
    // Appends that were made together go out together.
    await Promise.resolve();
    while (this.waiting.length > 0) {
      const round = this.waiting;
      this.waiting = [];
      this.waitingBytes = 0;
      const now = this.clock.nowText();
      if (now > this.lastRecordedAt) this.lastRecordedAt = now;
      await this.sendRound(round, this.lastRecordedAt);
    }
    this.running = undefined;
  }

  private async sendRound(round: readonly Waiting[], recordedAt: string): Promise<void> {
    const streams = [...Map.groupBy(round, ({ append }) => append.stream).values()].values();
    await Promise.all(
      Array.from({ length: STREAMS_AT_ONCE_MAX }, async () => {
        for (const appends of streams) for (const waiting of appends) await this.sendOne(waiting, recordedAt);
      }),
    );
  }

  private async sendOne(waiting: Waiting, recordedAt: string): Promise<void> {
    try {
      const appended = await this.send(waiting, recordedAt);
      if (appended.recordedAt > this.lastRecordedAt) this.lastRecordedAt = appended.recordedAt;
      waiting.resolve(appended);
    } catch (error) {
      waiting.reject(error);
    }
  }
}
