import { closeSync, fstatSync, mkdirSync, openSync, readdirSync, readFileSync, readSync, writeSync } from 'node:fs';
import { mkdir, open, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type AuditEntry } from '@sluice/api';
import { PRIVATE_FILE_MODE, PRIVATE_FOLDER_MODE } from '@sluice/contracts/tokens';
import { isMissing, reasonOf } from '../auth/private-file.ts';
import { type Timers } from '../time/timers.ts';

const SEGMENT = /^(\d{16})\.jsonl$/;
const NUMBER_DIGITS = 16;
const SEGMENT_BYTES_MAX = 4 * 1024 * 1024;
const SEGMENTS_MAX = 16;
/** What came is on disk after this time, if the disk takes it. */
const WRITE_AFTER_MS = 200;
const RETRY_AFTER_MS = 1_000;
/** Entries that wait for the disk; where there is none, they are all that is kept. */
const WAITING_MAX = 10_000;
/** Between so many entries others get their turn. */
const LINES_PER_TURN = 500;

export type NewEntry = Omit<AuditEntry, 'number'>;

export interface Wanted {
  readonly limit: number;
  /** Only entries with a lower number. */
  readonly before: number;
  readonly matches: (entry: AuditEntry) => boolean;
}

/**
 * Entries in numbered files of JSON lines, the oldest of which are deleted: at most 64 MiB. Nobody waits for the disk: what
 * is to be written lies in memory until then, and what a crash takes is the last fraction of a second.
 */
export class AuditLog {
  private readonly waiting: AuditEntry[] = [];
  private segment: { readonly path: string; bytes: number } | undefined;
  private last = 0;
  private callOff: (() => void) | undefined;
  private writing: Promise<void> | undefined;
  /** Why the disk does not take it, undefined while it does. */
  trouble: string | undefined;
  /** Entries that were given up since the start. */
  lost = 0;

  /** Without a folder the last entries are in memory, and gone at the end. */
  constructor(
    private readonly folder: string | undefined,
    private readonly timers: Timers,
  ) {
    if (folder !== undefined) this.open(folder);
  }

  add(entry: NewEntry): void {
    this.last += 1;
    this.waiting.push({ number: this.last, ...entry });
    if (this.waiting.length > WAITING_MAX) {
      this.waiting.shift();
      if (this.folder !== undefined) this.lost += 1;
    }
    this.schedule(WRITE_AFTER_MS);
  }

  /** The newest first. Other work goes on in between. */
  async read({ limit, before, matches }: Wanted): Promise<AuditEntry[]> {
    const found: AuditEntry[] = [];
    for await (const entry of this.newestFirst(before)) {
      if (entry.number >= before || !matches(entry)) continue;
      found.push(entry);
      if (found.length === limit) break;
    }
    return found;
  }

  async stop(): Promise<void> {
    this.callOff?.();
    await this.writing;
    await this.write();
  }

  private async *newestFirst(before: number): AsyncGenerator<AuditEntry> {
    const inMemory = this.waiting.toReversed();
    yield* inMemory;
    // What was written while this was read is not to come twice.
    let lowest = Math.min(before, inMemory.at(-1)?.number ?? this.last + 1);
    for (const { path, first } of this.segments().toReversed()) {
      if (first >= before) continue;
      const lines = (await readIfThere(path)).split('\n');
      for (let index = lines.length - 1; index >= 0; index -= 1) {
        const entry = parse(lines[index] ?? '');
        if (entry !== undefined && entry.number < lowest) {
          lowest = entry.number;
          yield entry;
        }
        if (index % LINES_PER_TURN === 0) await nextTurn();
      }
    }
  }

  private open(folder: string): void {
    try {
      mkdirSync(folder, { recursive: true, mode: PRIVATE_FOLDER_MODE });
      const newest = this.segments().at(-1);
      if (newest === undefined) return;
      this.last = lastNumberIn(newest.path) ?? newest.first;
      this.segment = { path: newest.path, bytes: endLine(newest.path) };
    } catch (error) {
      this.trouble = `the audit in ${folder} cannot be read: ${reasonOf(error)}`;
    }
  }

  private segments(): { readonly path: string; readonly first: number }[] {
    const { folder } = this;
    if (folder === undefined) return [];
    try {
      return readdirSync(folder)
        .flatMap((name) => {
          const first = SEGMENT.exec(name)?.[1];
          return first === undefined ? [] : [{ path: join(folder, name), first: Number(first) }];
        })
        .sort((left, right) => left.first - right.first);
    } catch {
      return [];
    }
  }

  private schedule(ms: number): void {
    if (this.folder === undefined || this.callOff !== undefined || this.writing !== undefined) return;
    this.callOff = this.timers.after(ms, () => {
      this.callOff = undefined;
      this.writing = this.write().finally(() => {
        this.writing = undefined;
        if (this.waiting.length > 0) this.schedule(this.trouble === undefined ? WRITE_AFTER_MS : RETRY_AFTER_MS);
      });
    });
  }

  private async write(): Promise<void> {
    if (this.folder === undefined || this.waiting.length === 0) return;
    const entries = [...this.waiting];
    const text = entries.map((entry) => `${JSON.stringify(entry)}\n`).join('');
    try {
      const segment = await this.segmentFor(this.folder, entries[0]?.number ?? 0);
      segment.bytes += Buffer.byteLength(text);
      await append(segment.path, text);
      const through = entries.at(-1)?.number ?? 0;
      while ((this.waiting[0]?.number ?? Infinity) <= through) this.waiting.shift();
      this.trouble = undefined;
    } catch (error) {
      this.trouble = `the audit is not written: ${reasonOf(error)}`;
      // It may end in the middle of a line; what is written again comes into a file of its own.
      this.segment = undefined;
    }
  }

  private async segmentFor(folder: string, first: number): Promise<{ readonly path: string; bytes: number }> {
    if (this.segment !== undefined && this.segment.bytes < SEGMENT_BYTES_MAX) return this.segment;
    await mkdir(folder, { recursive: true, mode: PRIVATE_FOLDER_MODE });
    const path = join(folder, `${String(first).padStart(NUMBER_DIGITS, '0')}.jsonl`);
    const bytes = await stat(path).then(
      ({ size }) => size,
      () => 0,
    );
    this.segment = { path, bytes };
    const all = this.segments();
    for (const old of all.slice(0, Math.max(0, all.length + 1 - SEGMENTS_MAX))) await rm(old.path, { force: true });
    return this.segment;
  }
}

async function append(path: string, text: string): Promise<void> {
  const file = await open(path, 'a', PRIVATE_FILE_MODE);
  try {
    await file.appendFile(text);
    await file.datasync();
  } finally {
    await file.close();
  }
}

/** A file that was deleted for its age meanwhile has nothing to tell. */
async function readIfThere(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return '';
    throw error;
  }
}

/** A line that a crash cut off is none. */
function parse(line: string): AuditEntry | undefined {
  if (line === '') return undefined;
  try {
    const entry = JSON.parse(line) as AuditEntry;
    return Number.isSafeInteger(entry.number) ? entry : undefined;
  } catch {
    return undefined;
  }
}

function lastNumberIn(path: string): number | undefined {
  for (const line of readFileSync(path, 'utf8').split('\n').reverse()) {
    const entry = parse(line);
    if (entry !== undefined) return entry.number;
  }
  return undefined;
}

/** Ends a line that a crash cut off, so that the next one stands by itself. Returns the size of the file. */
function endLine(path: string): number {
  const file = openSync(path, 'a+', PRIVATE_FILE_MODE);
  try {
    const { size } = fstatSync(file);
    const end = Buffer.alloc(1);
    if (size > 0) readSync(file, end, 0, 1, size - 1);
    return size === 0 || end.toString() === '\n' ? size : size + writeSync(file, '\n');
  } finally {
    closeSync(file);
  }
}
