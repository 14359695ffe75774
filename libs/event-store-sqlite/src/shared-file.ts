import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { openTurnLock } from './data-folder-lock.ts';
import { BUSY_TIMEOUT_MS, isBusy } from './sqlite-file.ts';

/** SQLite itself would ask again after 1, 2, 5, … 100 ms, and a transaction takes about one: then half of the time is lost. */
const ASK_AGAIN_MS = 0.1;
/** As large as the write-ahead log gets by itself when there is one writer: 16 MB. */
const WAL_PAGES_MAX = 1000;

/**
 * Taking turns at writing. Whoever wants the file next holds a second lock while it waits. Without that, a process with
 * much to write would get the file again and again before one that asks now and then.
 */
export class Turn {
  private readonly lock: DatabaseSync;

  constructor(folder: string) {
    this.lock = openTurnLock(folder);
  }

  /** Does the work as the one whose turn it is, blocking the thread until then. Throws when the others take too long. */
  with<Result>(work: () => Result): Result {
    askUntilFree(() => this.lock.exec('BEGIN IMMEDIATE'));
    try {
      return work();
    } finally {
      this.lock.exec('ROLLBACK');
    }
  }

  close(): void {
    this.lock.close();
  }
}

/** The file of a store as one of several processes that write to it. */
export class SharedFile {
  private readonly database: DatabaseSync;
  private readonly turn: Turn;
  private readonly version: StatementSync;
  private readonly walPages: StatementSync;
  private versionSeen: unknown;

  constructor(database: DatabaseSync, turn: Turn) {
    this.database = database;
    this.turn = turn;
    this.version = database.prepare('PRAGMA data_version');
    this.walPages = database.prepare('PRAGMA wal_checkpoint(NOOP)');
    // Left to itself, each process would move the log into the file while another adds to it, and it would never end.
    database.exec('PRAGMA wal_autocheckpoint = 0');
  }

  /** Begins a write transaction when it is this process's turn. Throws when the others take too long. */
  begin(): void {
    this.turn.with(() => this.waitAndBegin());
  }

  /**
   * After a commit: moves a log that has grown long into the file. The others wait meanwhile, as appends do where there is
   * one writer; readers do not. What cannot be done now is done after the next commit.
   */
  keepLogShort(): void {
    try {
      if (Number(this.walPages.get()?.['log']) < WAL_PAGES_MAX) return;
      this.turn.with(() => {
        this.waitAndBegin();
        this.database.exec('ROLLBACK; PRAGMA wal_checkpoint(PASSIVE)');
      });
    } catch {
      // The commit is durable all the same, and a disk that takes no more says so to the next one.
    }
  }

  /** What `read` returns where another process has written since it last did, undefined where none has. */
  ifChanged<Result>(read: () => Result): Result | undefined {
    const version = this.version.get()?.['data_version'];
    if (version === this.versionSeen) return undefined;
    const result = read();
    this.versionSeen = version;
    return result;
  }

  /** Waits for nobody: whichever process closes last brings everything into the one file, as SQLite does by itself. */
  close(): void {
    this.turn.close();
  }

  private waitAndBegin(): void {
    // SQLite's own way of waiting gets slower the longer it takes.
    this.database.exec('PRAGMA busy_timeout = 0');
    try {
      askUntilFree(() => this.database.exec('BEGIN IMMEDIATE'));
    } finally {
      this.database.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
    }
  }
}

const sleeping = new Int32Array(new SharedArrayBuffer(4));

/** Calls again while the file is locked, for so long at most. */
function askUntilFree(work: () => void): void {
  const endMs = performance.now() + BUSY_TIMEOUT_MS;
  for (;;) {
    try {
      return work();
    } catch (error) {
      if (!isBusy(error) || performance.now() > endMs) throw error;
      Atomics.wait(sleeping, 0, 0, ASK_AGAIN_MS);
    }
  }
}
