import { type Checkpoint, CheckpointConflict, Checkpoints } from '@sluice/event-sourcing';
import { type GroupCommit } from './group-commit.ts';
import { type StoreThread } from './store-thread.ts';

/** Checkpoints in the file of the store, saved in the transactions of its appends. */
export class SqliteCheckpoints extends Checkpoints {
  constructor(
    private readonly thread: StoreThread,
    private readonly writes: GroupCommit,
  ) {
    super();
  }

  override load(name: string): Promise<Checkpoint | undefined> {
    return this.thread.call('load-checkpoint', name);
  }

  override async save(
    name: string,
    { position, epoch }: Pick<Checkpoint, 'position' | 'epoch'>,
    expectedVersion: number,
  ): Promise<Checkpoint> {
    const saved = await this.writes.save({ name, position, epoch, expectedVersion });
    if (saved === undefined) throw new CheckpointConflict(name, expectedVersion);
    return saved;
  }
}
