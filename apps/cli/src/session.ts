import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { isTime } from '@sluice/contracts/times';
import { InvalidArgumentError } from 'commander';
import { Api, type During } from './api.ts';
import { connect, type ConnectionOptions, findDataFolders, isDataNamed } from './connection.ts';
import { CliError, type Exit, interrupted, usageError } from './errors.ts';
import { type Output, type Paint, type Terminal } from './output.ts';
import { type Trace } from './trace.ts';

const LIST_ITEMS_MAX = 100_000;
const WATCH_EVERY_MS = 1_000;
/** So many looks in a row may fail before a watch gives up: a service that restarts is back by then. */
const WATCH_FAILURES_MAX = 30;

/** What one run of the program works with. */
export class Session {
  /** The exit of a run that did its work; failures are thrown. */
  exit: Exit = 'ok';
  readonly api: Api;
  readonly terminal: Terminal;
  /** The one that the person named, or those where one may be. */
  readonly dataFolders: readonly string[];
  readonly isDataNamed: boolean;

  constructor(
    options: ConnectionOptions,
    readonly output: Output,
    { terminal, trace }: { readonly terminal: Terminal; readonly trace?: Trace | undefined },
  ) {
    this.terminal = terminal;
    this.dataFolders = findDataFolders(options, terminal);
    this.isDataNamed = isDataNamed(options, terminal.env);
    const during: During = (label, work) => output.during(label, work);
    this.api = new Api(connect(options, terminal), terminal.signal, { during, trace });
  }

  /** The content of a file, or of standard input for `-`. */
  async read(file: string): Promise<string> {
    try {
      return file === '-' ? await text(this.terminal.stdin) : await readFile(resolve(this.terminal.cwd, file), 'utf8');
    } catch (error) {
      const because =
        error instanceof Error && 'code' in error && error.code === 'ENOENT' ? 'there is no such file' : String(error);
      throw usageError(`${file} cannot be read: ${because}.`, 'Name a file, or `-` for standard input.');
    }
  }

  async readJson(file: string): Promise<unknown> {
    const content = await this.read(file);
    try {
      return JSON.parse(content);
    } catch (error) {
      const because = error instanceof Error ? error.message : String(error);
      throw usageError(
        `${file === '-' ? 'Standard input' : file} is not JSON: ${because}`,
        'Correct the file, then repeat.',
      );
    }
  }

  /** Throws when there is nobody to be asked. */
  checkCanConfirm(): void {
    const { isTty } = this.terminal;
    if (isTty.stdin && isTty.stderr) return;
    throw usageError('This needs a confirmation, and there is no terminal to ask on.', 'Repeat it with --yes.');
  }

  /** Asks the person to type the id; throws when it is not typed, or when nobody can. */
  async confirm(id: string, question: string): Promise<void> {
    const { stdin, signal } = this.terminal;
    this.checkCanConfirm();
    this.output.ask(`${question}\nType ${id} to go on: `);
    const lines = createInterface({ input: stdin, signal });
    const closed = once(lines, 'close').then(() => [undefined]);
    const [typed] = await Promise.race([once(lines, 'line'), closed]);
    lines.close();
    if (String(typed ?? '').trim() === id) return;
    if (signal.aborted) throw interrupted();
    throw usageError('Not confirmed; nothing was done.', 'Repeat it and type the id, or use --yes.');
  }

  /**
   * Looks each second and shows what is there until it is over: redrawn on a terminal, else a line for each change.
   * Ctrl-C ends it, without a failure. Resolves with what was seen last, if that was the end.
   */
  async watch<Seen>(
    look: () => Promise<Seen>,
    { toText, isOver }: { toText: (seen: Seen, paint: Paint) => string; isOver: (seen: Seen) => boolean },
  ): Promise<Seen | undefined> {
    const { signal } = this.terminal;
    const isInterrupted = () => signal.aborted;
    let [drawn, before, failures] = [0, '', 0];
    while (!isInterrupted()) {
      try {
        const seen = await look();
        failures = 0;
        const now = JSON.stringify(seen);
        if (this.output.canRedraw) drawn = this.output.redraw(toText(seen, this.output.paint), drawn);
        else if (now !== before) this.output.line(seen, toText);
        before = now;
        if (isOver(seen)) return seen;
      } catch (error) {
        if (isInterrupted()) return undefined;
        const passing = error instanceof CliError && error.exit === 'unavailable' && before !== '';
        if (!passing || ++failures > WATCH_FAILURES_MAX) throw error;
        if (failures === 1) this.output.note(`${error.story.what} Trying again …`);
        drawn = 0;
      }
      await sleep(WATCH_EVERY_MS, undefined, { signal }).catch(() => undefined);
    }
    return undefined;
  }
}

/** Opens the session when a command runs, once the options are known. */
export type OpenSession = () => Session;

/** Reads `--limit`. */
export function toLimit(given: string): number {
  const value = Number(given);
  if (/^\d{1,6}$/.test(given) && value >= 1 && value <= LIST_ITEMS_MAX) return value;
  throw new InvalidArgumentError(`Give a whole number from 1 to ${String(LIST_ITEMS_MAX)}.`);
}

/** Reads an option that is a number of devices or of times. */
export function toCount(given: string): number {
  if (/^[1-9]\d{0,8}$/.test(given)) return Number(given);
  throw new InvalidArgumentError('Give a whole number from 1 on.');
}

/** Reads an option that is a time, as every service reads it. */
export function toTime(given: string): string {
  if (isTime(given)) return given;
  throw new InvalidArgumentError('Give a time that exists, with its zone, as 2026-11-24T10:00:00Z.');
}

/** Gathers an option that may be given many times, or once with commas. */
export function gather(given: string, before: readonly string[] = []): string[] {
  return [...before, ...given.split(',').map((part) => part.trim())];
}
