import { CheckpointConflict, type Checkpoints, Lease, type Position } from '@sluice/event-sourcing';
import { reasonOf } from '../auth/private-file.ts';
import { type Timers } from '../time/timers.ts';

const SAVED_EVERY_MS = 5_000;
const WATCHED_EVERY_MS = 1_000;
/** Who has not saved for so long is gone. */
const ABANDONED_AFTER_MS = 15_000;
const AGAIN_AFTER_MS = 5_000;

/** What one of several processes does, while it has the turn. */
export interface TurnWork {
  /** `after`: how far who had the turn before had come. */
  begin(after: Position): Promise<void>;
  end(): Promise<void>;
  /** How far it has come; undefined while that is not known. */
  readonly through: Position | undefined;
}

/** `trouble`: why the store could not be asked; it is tried again. */
type Phase = { readonly state: 'waiting' | 'working' | 'standing-by'; readonly trouble?: string };

/**
 * Lets one of several processes on a store do something: the one that came last, for as long as it saves the checkpoint. The
 * others stand by, and the first that sees it abandoned takes over.
 */
export class SoleTurn {
  private phase: Phase = { state: 'waiting' };
  private readonly stopping = new AbortController();
  private running: Promise<void> | undefined;

  constructor(
    private readonly checkpoints: Checkpoints,
    private readonly name: string,
    private readonly timers: Timers,
    private readonly work: TurnWork,
  ) {}

  get isMine(): boolean {
    return this.phase.state === 'working';
  }

  get trouble(): string | undefined {
    return this.phase.trouble;
  }

  start(): void {
    this.running ??= this.run();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  private async run(): Promise<void> {
    while (!this.isStopped) {
      try {
        const lease = await Lease.acquire(this.checkpoints, this.name, false);
        await this.hold(lease);
      } catch (error) {
        if (error instanceof CheckpointConflict) await this.standBy();
        else {
          this.phase = { state: 'waiting', trouble: reasonOf(error) };
          await this.pause(AGAIN_AFTER_MS);
        }
      }
    }
  }

  private async hold(lease: Lease): Promise<void> {
    await this.work.begin(lease.position);
    this.phase = { state: 'working' };
    try {
      while (!this.isStopped) {
        await this.pause(SAVED_EVERY_MS);
        await this.save(lease);
      }
    } finally {
      await this.work.end();
    }
  }

  /** A store that cannot save leaves the turn where it is: nobody else can take it over, either. */
  private async save(lease: Lease): Promise<void> {
    try {
      await lease.save(this.work.through ?? lease.position);
      this.phase = { state: 'working' };
    } catch (error) {
      if (error instanceof CheckpointConflict) throw error;
      this.phase = { state: 'working', trouble: reasonOf(error) };
    }
  }

  private async standBy(): Promise<void> {
    this.phase = { state: 'standing-by' };
    let [version, movedMs]: [number | undefined, number] = [undefined, this.timers.monotonicMs()];
    while (!this.isStopped && this.timers.monotonicMs() - movedMs < ABANDONED_AFTER_MS) {
      await this.pause(WATCHED_EVERY_MS);
      const found = await this.checkpoints.load(this.name).catch(() => undefined);
      if (found?.version !== version) [version, movedMs] = [found?.version, this.timers.monotonicMs()];
    }
  }

  private get isStopped(): boolean {
    return this.stopping.signal.aborted;
  }

  private pause(ms: number): Promise<void> {
    const { signal } = this.stopping;
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        callOff();
        signal.removeEventListener('abort', done);
        resolve();
      };
      const callOff = this.timers.after(ms, done);
      signal.addEventListener('abort', done);
    });
  }
}
