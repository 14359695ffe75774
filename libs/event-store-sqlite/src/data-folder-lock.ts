import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { refusalOf, sqliteCode } from './sqlite-file.ts';
import { StoreRefused } from './store-refused.ts';

const LOCK_FILE = 'lock';
const SQLITE_BUSY = 5;

/** A data folder belongs to one process until that releases it or dies: the lock is the operating system's. */
export class DataFolderLock {
  private constructor(private readonly database: DatabaseSync) {}

  /** Makes the folder if it is not there. Throws StoreRefused when another store, in any process, has the folder. */
  static take(folder: string): DataFolderLock {
    let database: DatabaseSync | undefined;
    try {
      mkdirSync(folder, { recursive: true });
      database = new DatabaseSync(join(folder, LOCK_FILE));
      database.exec('BEGIN EXCLUSIVE');
      return new DataFolderLock(database);
    } catch (error) {
      database?.close();
      if (sqliteCode(error) !== SQLITE_BUSY) throw refusalOf(error, folder);
      throw new StoreRefused(
        'folder-in-use',
        `The data folder ${folder} is in use by another Sluice process. Stop that one first, or name another folder.`,
      );
    }
  }

  release(): void {
    this.database.close();
  }
}
