import {
  BEGINNING,
  type Checkpoint,
  CheckpointConflict,
  type Checkpoints,
  type Position,
} from '@sluice/event-sourcing';
import { isAborted, pause } from './patience.ts';

const TAKE_TRIES_MAX = 5;
const WATCH_MS = 1_000;

/** The right to relay: whoever saved the checkpoint last has it. A relay that finds another's save has lost it. */
export class Lease {
  private constructor(
    private readonly checkpoints: Checkpoints,
    private readonly name: string,
    private checkpoint: Checkpoint,
  ) {}

  /** Takes over from whoever has it now, with a higher epoch. `anew`: from the beginning of the store. */
  static async acquire(checkpoints: Checkpoints, name: string, anew: boolean): Promise<Lease> {
    for (let tries = 1; ; tries += 1) {
      const last = await checkpoints.load(name);
      const position = anew ? BEGINNING : (last?.position ?? BEGINNING);
      try {
        const moved = { position, epoch: (last?.epoch ?? 0) + 1 };
        return new Lease(checkpoints, name, await checkpoints.save(name, moved, last?.version ?? 0));
      } catch (error) {
        if (!(error instanceof CheckpointConflict) || tries === TAKE_TRIES_MAX) throw error;
      }
    }
  }

  get position(): Position {
    return this.checkpoint.position;
  }

  get epoch(): number {
    return this.checkpoint.epoch;
  }

  /** Throws CheckpointConflict when another relay has taken over. */
  async check(): Promise<void> {
    const { version } = this.checkpoint;
    const found = await this.checkpoints.load(this.name);
    if (found?.version !== version) throw new CheckpointConflict(this.name, version);
  }

  /** Throws CheckpointConflict when another relay has taken over. */
  async save(position: Position): Promise<void> {
    const { epoch, version } = this.checkpoint;
    this.checkpoint = await this.checkpoints.save(this.name, { position, epoch }, version);
  }
}

/** Resolves when nobody has saved the checkpoint for some time, or the signal aborts. */
export async function whenAbandoned(
  checkpoints: Checkpoints,
  name: string,
  { afterMs, signal }: { readonly afterMs: number; readonly signal: AbortSignal },
): Promise<void> {
  let version: number | undefined;
  let movedAt = performance.now();
  while (!isAborted(signal) && performance.now() - movedAt < afterMs) {
    const found = (await checkpoints.load(name))?.version;
    if (found !== version) [version, movedAt] = [found, performance.now()];
    await pause(Math.min(WATCH_MS, afterMs / 4), signal);
  }
}
