import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Checkpoint } from '@sluice/event-sourcing';

/** A checkpoint on its way to the disk. */
export interface CheckpointSave {
  readonly name: string;
  readonly position: string;
  readonly epoch: number;
  readonly expectedVersion: number;
}

/** The checkpoints of a store, a row each: saving one takes no position, and the table does not grow. */
export class CheckpointTable {
  private readonly loadOne: StatementSync;
  private readonly addOne: StatementSync;
  private readonly moveOne: StatementSync;

  constructor(database: DatabaseSync) {
    this.loadOne = database.prepare('SELECT version, position, epoch FROM checkpoints WHERE name = ?');
    this.addOne = database.prepare('INSERT INTO checkpoints VALUES (?, 1, ?, ?) ON CONFLICT DO NOTHING');
    this.moveOne = database.prepare(
      'UPDATE checkpoints SET version = version + 1, position = ?, epoch = ? WHERE name = ? AND version = ?',
    );
  }

  load(name: string): Checkpoint | undefined {
    const row = this.loadOne.get(name);
    if (row === undefined) return undefined;
    return { version: Number(row['version']), position: String(row['position']), epoch: Number(row['epoch']) };
  }

  /** Within a transaction. Undefined when the checkpoint is at another version. */
  save({ name, position, epoch, expectedVersion }: CheckpointSave): Checkpoint | undefined {
    const { changes } =
      expectedVersion === 0
        ? this.addOne.run(name, position, epoch)
        : this.moveOne.run(position, epoch, name, expectedVersion);
    return changes === 1 ? { version: expectedVersion + 1, position, epoch } : undefined;
  }
}
