import { type Checkpoint, CheckpointConflict, type Checkpoints } from './checkpoints.ts';
import { BEGINNING, type Position } from './event-store.ts';

const TRIES_MAX = 5;

/**
 * The right to bring something out of the store, which one of several processes has: whoever saved the checkpoint last. One that
 * finds another's save has lost it.
 */
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
        if (!(error instanceof CheckpointConflict) || tries === TRIES_MAX) throw error;
      }
    }
  }

  get position(): Position {
    return this.checkpoint.position;
  }

  get epoch(): number {
    return this.checkpoint.epoch;
  }

  /** Throws CheckpointConflict when another process has taken over. */
  async check(): Promise<void> {
    const { version } = this.checkpoint;
    const found = await this.checkpoints.load(this.name);
    if (found?.version !== version) throw new CheckpointConflict(this.name, version);
  }

  /** Throws CheckpointConflict when another process has taken over. */
  async save(position: Position): Promise<void> {
    const { epoch, version } = this.checkpoint;
    this.checkpoint = await this.checkpoints.save(this.name, { position, epoch }, version);
  }
}
