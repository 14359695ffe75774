import { hash } from 'node:crypto';
import { dirname, resolve } from 'node:path';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Checkpoint, ExpectedRevision, Metadata } from '@sluice/event-sourcing';
import { CheckpointTable, type CheckpointSave } from './checkpoint-table.ts';
import { decodeRecord, encodeRecord } from './record-codec.ts';
import { SharedFile, Turn } from './shared-file.ts';
import { lineageOf, openFile, refusalOf, type StoreFile } from './sqlite-file.ts';
import { SqlitePages } from './sqlite-pages.ts';

/** An append on its way to the disk. */
export interface LogAppend {
  readonly stream: string;
  readonly expected: ExpectedRevision;
  readonly commitId: string;
  readonly metadata: Metadata;
  readonly packedCount: number | undefined;
  readonly body: Uint8Array;
  /** What the clock said when the append came; recorded unless the store has recorded a later time. */
  readonly nowMs: number;
}

/** What became of an append: `repeated` when its commit id had been in the stream before. */
export type LogOutcome =
  | {
      readonly kind: 'written' | 'repeated';
      readonly revision: number;
      readonly position: number;
      readonly recordedAtMs: number;
    }
  | { readonly kind: 'conflict'; readonly actual: number | 'no-stream' };

/** What goes into one transaction. */
export interface LogWrite {
  readonly appends: readonly LogAppend[];
  readonly saves: readonly CheckpointSave[];
}

/** What became of each append and each save; undefined for a save that came second. */
export interface LogWritten {
  readonly appends: readonly LogOutcome[];
  readonly saves: readonly (Checkpoint | undefined)[];
}

/** Some pages, so that a mark needs room as an append does. */
const MARK_BYTES = 32 * 1024;

/** The file of the store and its writer: the only one, or one of those that share it. All calls block. */
export class SqliteLog {
  readonly pages: SqlitePages;
  readonly checkpoints: CheckpointTable;
  readonly lineage: string;
  private readonly database: DatabaseSync;
  private readonly sharing: SharedFile | undefined;
  private readonly statements: Statements;
  private position: number;
  private recordedAtMs: number;

  /** Opens or creates the file. Throws StoreRefused. */
  constructor(file: StoreFile) {
    let [turn, database]: [Turn | undefined, DatabaseSync | undefined] = [undefined, undefined];
    try {
      turn = file.shared ? new Turn(dirname(resolve(file.path))) : undefined;
      // In turn, because two that find no file would both make one.
      database = turn === undefined ? openFile(file) : turn.with(() => openFile(file));
      this.database = database;
      this.sharing = turn === undefined ? undefined : new SharedFile(database, turn);
      this.lineage = lineageOf(database);
      this.pages = new SqlitePages(database);
      this.checkpoints = new CheckpointTable(database);
      this.statements = prepare(database);
      this.position = this.pages.head();
      this.recordedAtMs = this.lastRecordedAtMs();
    } catch (error) {
      database?.close();
      turn?.close();
      throw refusalOf(error, file.path);
    }
  }

  get head(): number {
    return this.sharing === undefined ? this.position : this.pages.head();
  }

  /** Writes all that do not conflict in one transaction. Throws when the disk does not take it; then nothing was kept. */
  write({ appends, saves }: LogWrite): LogWritten {
    const before = { position: this.position, recordedAtMs: this.recordedAtMs };
    try {
      return this.inTransaction(() => ({
        appends: appends.map((append) => this.appendOne(append)),
        saves: saves.map((save) => this.checkpoints.save(save)),
      }));
    } catch (error) {
      this.position = before.position;
      this.recordedAtMs = before.recordedAtMs;
      throw error;
    }
  }

  /** Writes a mark in place of the last one, and reads the last record. Throws when the disk or the file does not allow it. */
  proveWritable(): void {
    this.inTransaction(() => {
      // Before the old one goes, so that a file that may not grow does not take its room.
      const { lastInsertRowid } = this.statements.addMark.run(MARK_BYTES);
      this.statements.deleteMarks.run(lastInsertRowid);
      this.lastRecordedAtMs();
    });
  }

  /** The position of the last commit, where another process has written since this was asked before. */
  newHead(): number | undefined {
    return this.sharing?.ifChanged(() => this.pages.head());
  }

  /** Brings everything into the one file, unless another process has it still. */
  close(): void {
    this.sharing?.close();
    if (this.sharing === undefined) this.database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    this.database.close();
  }

  private inTransaction<Result>(work: () => Result): Result {
    try {
      this.begin();
      const result = work();
      this.database.exec('COMMIT');
      this.sharing?.keepLogShort();
      return result;
    } catch (error) {
      if (this.database.isTransaction) this.database.exec('ROLLBACK');
      throw error;
    }
  }

  private begin(): void {
    if (this.sharing === undefined) {
      this.database.exec('BEGIN IMMEDIATE');
      return;
    }
    this.sharing.begin();
    const head = this.pages.head();
    if (head === this.position) return;
    this.position = head;
    this.recordedAtMs = this.lastRecordedAtMs();
  }

  private appendOne(append: LogAppend): LogOutcome {
    const key = keyOf(append.commitId);
    const streamId = this.streamId(append.stream);
    const repeated = streamId === undefined ? undefined : this.find(key, streamId, append.commitId);
    if (repeated !== undefined) return repeated;
    const last = streamId === undefined ? undefined : this.lastRevision(streamId);
    const actual = last ?? 'no-stream';
    if (append.expected !== 'any' && append.expected !== actual) return { kind: 'conflict', actual };
    return this.add(append, key, streamId ?? this.addStream(append.stream), last === undefined ? 0 : last + 1);
  }

  private add(append: LogAppend, key: number, streamId: number, revision: number): LogOutcome {
    const { commitId, metadata, packedCount, body } = append;
    this.position += 1;
    this.recordedAtMs = Math.max(this.recordedAtMs, append.nowMs);
    const { position, recordedAtMs } = this;
    const record = encodeRecord(
      { position, streamId },
      { revision, recordedAtMs, commitId, metadata, packedCount, body },
    );
    this.statements.addCommit.run(position, streamId, record);
    this.statements.addRevision.run(streamId, revision, position);
    this.statements.addCommitId.run(key, position);
    return { kind: 'written', revision, position, recordedAtMs };
  }

  private find(key: number, streamId: number, commitId: string): LogOutcome | undefined {
    for (const row of this.statements.commitsOfKey.all(key, streamId)) {
      const position = Number(row['position']);
      const { revision, recordedAtMs, commitId: found } = this.decode(position, row);
      if (found === commitId) return { kind: 'repeated', revision, position, recordedAtMs };
    }
    return undefined;
  }

  private streamId(name: string): number | undefined {
    const row = this.statements.streamOfName.get(name);
    return row === undefined ? undefined : Number(row['id']);
  }

  private addStream(name: string): number {
    return Number(this.statements.addStream.run(name).lastInsertRowid);
  }

  private lastRevision(streamId: number): number | undefined {
    const last = this.statements.lastRevision.get(streamId)?.['revision'];
    return typeof last === 'number' ? last : undefined;
  }

  /** Zero for an empty store. Reading the last record also shows whether the end of the file is whole. */
  private lastRecordedAtMs(): number {
    const row = this.statements.commitAt.get(this.position);
    return row === undefined ? 0 : this.decode(this.position, row).recordedAtMs;
  }

  private decode(position: number, row: Record<string, unknown>) {
    const { stream, record } = row;
    const decoded =
      record instanceof Uint8Array ? decodeRecord({ position, streamId: Number(stream) }, record) : undefined;
    if (decoded === undefined) throw this.pages.damaged(position, 'is damaged');
    return decoded;
  }
}

type Statements = ReturnType<typeof prepare>;

function prepare(database: DatabaseSync) {
  const statements = {
    streamOfName: 'SELECT id FROM streams WHERE name = ?',
    addStream: 'INSERT INTO streams (name) VALUES (?)',
    lastRevision: 'SELECT max(revision) AS revision FROM revisions WHERE stream = ?',
    commitAt: 'SELECT stream, record FROM commits WHERE position = ?',
    commitsOfKey:
      'SELECT c.position, c.stream, c.record FROM commit_ids i JOIN commits c USING (position) WHERE i.key = ? AND c.stream = ?',
    addCommit: 'INSERT INTO commits VALUES (?, ?, ?)',
    addRevision: 'INSERT INTO revisions VALUES (?, ?, ?)',
    addMark: 'INSERT INTO marks (room) VALUES (zeroblob(?))',
    deleteMarks: 'DELETE FROM marks WHERE id < ?',
    addCommitId: 'INSERT INTO commit_ids VALUES (?, ?)',
  };
  const names = Object.keys(statements) as (keyof typeof statements)[];
  const prepared = names.map((name) => [name, database.prepare(statements[name])] as const);
  return Object.fromEntries(prepared) as Record<keyof typeof statements, StatementSync>;
}

function keyOf(commitId: string): number {
  return hash('sha256', commitId, 'buffer').readUIntBE(0, 6) % 2 ** 47;
}
