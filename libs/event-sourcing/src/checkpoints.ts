import type { Position } from './event-store.ts';

/** Where a relay from this store to a broker has got to. */
export interface Checkpoint {
  /** How often it was saved. */
  readonly version: number;
  /** Everything up to and including this position is done with. */
  readonly position: Position;
  /** Which relay saved it: a later one takes a higher epoch. */
  readonly epoch: number;
}

/** Another has saved the checkpoint since it was loaded. */
export class CheckpointConflict extends Error {
  override readonly name = 'CheckpointConflict';

  constructor(
    readonly checkpoint: string,
    readonly expectedVersion: number,
  ) {
    super(`checkpoint ${checkpoint} is not at version ${expectedVersion}: another has saved it`);
  }
}

/**
 * Checkpoints by name, kept beside the commits that they count: a backup of the store has both.
 * Every adapter passes `checkpointsContract` of `@sluice/testing`.
 */
export abstract class Checkpoints {
  /** Undefined when none was saved under this name. Throws StoreUnavailable. */
  abstract load(name: string): Promise<Checkpoint | undefined>;
  /**
   * Durable when resolved. Throws CheckpointConflict when another has saved since `expectedVersion` (0: none yet),
   * StoreUnavailable when it was not saved.
   */
  abstract save(
    name: string,
    moved: { readonly position: Position; readonly epoch: number },
    expectedVersion: number,
  ): Promise<Checkpoint>;
}
