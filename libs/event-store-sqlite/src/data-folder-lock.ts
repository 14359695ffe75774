import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { isBusy, refusalOf } from './sqlite-file.ts';
import { StoreRefused } from './store-refused.ts';

const LOCK_FILE = 'lock';
/** Nobody else on the machine has any business with the events. */
const PRIVATE_FOLDER = 0o700;
const EXCLUSIVE = 'BEGIN EXCLUSIVE';
/** A read that is not ended: any number of processes may have one, but none beside an exclusive transaction. */
const SHARED = 'BEGIN; SELECT count(*) FROM sqlite_schema';

/** A data folder belongs to one process, or to those that share it, until they release it or die: the lock is the operating system's. */
export class DataFolderLock {
  private readonly database: DatabaseSync;

  private constructor(database: DatabaseSync) {
    this.database = database;
  }

  /** Makes the folder if it is not there. Throws StoreRefused when a store has the folder that does not share it, or this one does not. */
  static acquire(folder: string, shared = false): DataFolderLock {
    try {
      mkdirSync(folder, { recursive: true, mode: PRIVATE_FOLDER });
      const database = lock(folder, shared ? SHARED : EXCLUSIVE);
      if (database !== undefined) return new DataFolderLock(database);
    } catch (error) {
      throw refusalOf(error, folder);
    }
    throw new StoreRefused('folder-in-use', inUse(folder, shared));
  }

  release(): void {
    this.database.close();
  }
}

/** A second lock on a shared folder, which one of its processes has at a time. It has to be closed. */
export function openTurnLock(folder: string): DatabaseSync {
  const database = new DatabaseSync(join(folder, LOCK_FILE));
  // Nothing is ever written, and a journal on the disk would cost more than the lock.
  database.exec('PRAGMA journal_mode = MEMORY');
  return database;
}

/** Undefined when another has the folder. */
function lock(folder: string, how: string): DatabaseSync | undefined {
  const database = new DatabaseSync(join(folder, LOCK_FILE));
  try {
    database.exec(how);
    return database;
  } catch (error) {
    database.close();
    if (isBusy(error)) return undefined;
    throw error;
  }
}

function inUse(folder: string, shared: boolean): string {
  if (shared) {
    return (
      `The data folder ${folder} is in use by another Sluice process, which does not share it. ` +
      'Stop that one first and start it in shared mode, or name another folder.'
    );
  }
  const sharing = lock(folder, SHARED);
  sharing?.close();
  if (sharing !== undefined) {
    return (
      `The data folder ${folder} is shared by other Sluice processes, and this one would have it for itself. ` +
      'Stop those first, start this one in shared mode, or name another folder.'
    );
  }
  return `The data folder ${folder} is in use by another Sluice process. Stop that one first, or name another folder.`;
}
