import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, linkSync, openSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { PRIVATE_FILE_MODE } from '@sluice/contracts/tokens';

/** A file that somebody replaced is noticed after this time at the latest. */
const RECHECK_AFTER_MS = 500;

/** What a file was when it was last read. Once known, its content stays known while the file cannot be read, or is gone. */
export class WatchedFile {
  private state: { readonly content?: string; readonly signature: string; readonly trouble?: string } = {
    signature: '',
  };
  private checkedAt = -Infinity;

  /** `forgets`: a file that is gone has no content any more. */
  constructor(
    readonly path: string,
    private readonly forgets = false,
  ) {}

  /** The content, without blanks around it; undefined when it was never read. */
  get content(): string | undefined {
    this.check();
    return this.state.content;
  }

  /** Why it cannot be read, undefined when it was. A file that forgets may be absent. */
  get trouble(): string | undefined {
    this.check();
    return this.state.trouble;
  }

  private check(): void {
    if (performance.now() - this.checkedAt >= RECHECK_AFTER_MS) this.look();
  }

  /** Reads it again at once, if it was replaced. */
  look(): void {
    this.checkedAt = performance.now();
    try {
      const { ino, mtimeMs, size } = statSync(this.path);
      const signature = `${String(ino)} ${String(mtimeMs)} ${String(size)}`;
      if (signature === this.state.signature) return;
      this.state = { content: readFileSync(this.path, 'utf8').trim(), signature };
    } catch (error) {
      if (this.forgets && isMissing(error)) this.state = { signature: '' };
      else this.state = { ...this.state, signature: '', trouble: reasonOf(error) };
    }
  }
}

/** Makes a file, whole or not at all: written beside, synced, linked. False when it was there, or another process came first. */
export function createPrivateFile(path: string, content: string): boolean {
  const temporary = temporaryName(path);
  const file = openSync(temporary, 'wx', PRIVATE_FILE_MODE);
  try {
    writeSync(file, content);
    fsyncSync(file);
    linkSync(temporary, path);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  } finally {
    closeSync(file);
    rmSync(temporary);
  }
}

/** Puts other content in the place of a file: whoever reads it sees the old or the new one, whole. */
export async function replacePrivateFile(path: string, content: string): Promise<void> {
  const temporary = temporaryName(path);
  try {
    const file = await open(temporary, 'wx', PRIVATE_FILE_MODE);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  }
}

export function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function temporaryName(path: string): string {
  return join(dirname(path), `.${basename(path)}.${randomBytes(4).toString('hex')}`);
}
