import { stripVTControlCharacters, styleText } from 'node:util';
import { type CliError } from './errors.ts';

const PROGRESS_AFTER_MS = 2_000;
const SPINNER_FRAME_MS = 100;
/** Where no spinner can turn, a line is repeated this often. */
const PROGRESS_LINE_EVERY_MS = 15_000;
const SPINNER = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const CLEAR_LINE = '\r\u001b[K';

/** The world outside of the program, handed in so that tests can run it in process. */
export interface Terminal {
  readonly stdin: NodeJS.ReadableStream;
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly isTty: { readonly stdin: boolean; readonly stdout: boolean; readonly stderr: boolean };
  /** The width of standard output where it is a terminal; it may change. */
  readonly columns: () => number | undefined;
  readonly cwd: string;
  /** Aborts at Ctrl-C. */
  readonly signal: AbortSignal;
}

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';
export type Paint = (style: Style, text: string) => string;

/** What a command says: answers on standard output, everything else on standard error. */
export class Output {
  readonly paint: Paint;
  private busy = false;

  constructor(
    private readonly terminal: Terminal,
    readonly json: boolean,
  ) {
    this.paint = painter(terminal.isTty.stdout && !json, terminal.env);
  }

  /** The one answer of a command: a JSON document, or the text made of it. */
  answer<Value>(value: Value, toText: (value: Value, paint: Paint) => string): void {
    const indent = this.terminal.isTty.stdout ? 2 : undefined;
    const text = this.json ? JSON.stringify(value, undefined, indent) : toText(value, this.paint);
    this.terminal.stdout.write(`${text}\n`);
  }

  /** One of many answers: a line of JSON, or a line of text. */
  line<Value>(value: Value, toText: (value: Value, paint: Paint) => string): void {
    this.terminal.stdout.write(`${this.json ? JSON.stringify(value) : toText(value, this.paint)}\n`);
  }

  /** Puts the text in place of the one drawn before, which took so many rows of the screen; gives those of the new one. */
  redraw(text: string, rowsBefore: number): number {
    const up = rowsBefore > 0 ? `\u001b[${String(rowsBefore)}A\u001b[0J` : '';
    this.terminal.stdout.write(`${up}${text}\n`);
    const columns = this.terminal.columns() ?? Infinity;
    const rows = text.split('\n').map((line) => Math.ceil(stripVTControlCharacters(line).length / columns));
    return rows.reduce((sum, count) => sum + Math.max(1, count), 0);
  }

  get canRedraw(): boolean {
    return this.terminal.isTty.stdout && !this.json;
  }

  /** A remark beside the answer. Scripts that ask for JSON get none, so that an error is alone on standard error. */
  note(text: string): void {
    if (!this.json) this.terminal.stderr.write(`${text}\n`);
  }

  /** What is to be seen before a command acts: on standard error, with `--json` as a line of JSON. */
  show(value: object, toText: (paint: Paint) => string): void {
    const { stderr, env, isTty } = this.terminal;
    stderr.write(`${this.json ? JSON.stringify(value) : toText(painter(isTty.stderr, env))}\n`);
  }

  /** A question; written with `--json` too, because a person is sitting there. */
  ask(text: string): void {
    this.terminal.stderr.write(text);
  }

  /** Resolves with the work, and shows that something is under way once it takes more than two seconds. */
  async during<Result>(label: () => string, work: Promise<Result>): Promise<Result> {
    const { stderr, isTty } = this.terminal;
    if (this.busy || (this.json && !isTty.stderr)) return work;
    this.busy = true;
    let frame = 0;
    const draw = () => {
      const text = `${SPINNER[frame++ % SPINNER.length] ?? ''} ${clean(label())}`;
      stderr.write(isTty.stderr ? `${CLEAR_LINE}${text}` : `${clean(label())}\n`);
    };
    let repeating: NodeJS.Timeout | undefined;
    const waiting = setTimeout(() => {
      draw();
      repeating = setInterval(draw, isTty.stderr ? SPINNER_FRAME_MS : PROGRESS_LINE_EVERY_MS);
    }, PROGRESS_AFTER_MS);
    try {
      return await work;
    } finally {
      this.busy = false;
      clearTimeout(waiting);
      clearInterval(repeating);
      if (repeating !== undefined && isTty.stderr) stderr.write(CLEAR_LINE);
    }
  }

  /** One line what, one line what next; with `--json` an object. */
  error({ code, story }: Pick<CliError, 'code' | 'story'>): void {
    const { what, next, detail, errors } = story;
    if (this.json) {
      const error = { code, title: `${what} ${next}`, detail, errors };
      this.terminal.stderr.write(`${JSON.stringify({ error })}\n`);
      return;
    }
    const paint = painter(this.terminal.isTty.stderr, this.terminal.env);
    const lines = [
      `${paint('red', 'error:')} ${clean(what)}${detail === undefined ? '' : ` (${clean(detail)})`}`,
      ...(errors ?? []).map((fault) => `  ${clean(fault.path)}: ${clean(fault.detail)}`),
      `${paint('cyan', 'next:')}  ${clean(next)}`,
    ];
    this.terminal.stderr.write(`${lines.join('\n')}\n`);
  }
}

export interface Column<Row> {
  readonly head: string;
  readonly align?: 'left' | 'right';
  readonly text: (row: Row) => string | number | undefined;
  readonly style?: (row: Row) => Style | undefined;
}

/** Rows under heads, as wide as their content. */
export function table<Row>(rows: readonly Row[], columns: readonly Column<Row>[], paint: Paint): string {
  const cells = rows.map((row) => columns.map(({ text }) => clean(String(text(row) ?? ''))));
  const widths = columns.map(({ head }, index) =>
    Math.max(head.length, ...cells.map((line) => line[index]?.length ?? 0)),
  );
  const pad = (text: string, index: number) => {
    const column = columns[index];
    if (column?.align === 'right') return text.padStart(widths[index] ?? 0);
    return index === columns.length - 1 ? text : text.padEnd(widths[index] ?? 0);
  };
  const head = columns.map((column, index) => paint('dim', pad(column.head, index))).join('  ');
  const body = rows.map((row, line) =>
    columns
      .map((column, index) => {
        const style = column.style?.(row);
        const padded = pad(cells[line]?.[index] ?? '', index);
        return style === undefined ? padded : paint(style, padded);
      })
      .join('  ')
      .trimEnd(),
  );
  return [head.trimEnd(), ...body].join('\n');
}

/** Names and values below each other; those without a value are left out. */
export function facts(entries: readonly (readonly [string, string | number | undefined])[], paint: Paint): string {
  const present = entries.filter(([, value]) => value !== undefined && value !== '');
  const width = Math.max(0, ...present.map(([name]) => name.length));
  return present.map(([name, value]) => `${paint('dim', name.padEnd(width))}  ${clean(String(value))}`).join('\n');
}

/** A text as POSIX shells take it whole, whatever is in it. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/** Text of others without what would steer a terminal. */
export function clean(text: string): string {
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]+/g, ' ');
}

/** 2026-11-24T10:00:00.000Z as 2026-11-24 10:00:00Z; other texts as they are. */
export function time(text: string | undefined): string {
  return (text ?? '').replace(/^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(\.\d+)?Z$/, '$1 $2Z');
}

/** Seconds in words: 90 → 1 min 30 s. */
export function duration(seconds: number | null | undefined): string {
  if (seconds === undefined || seconds === null) return '–';
  const units = [
    ['d', 86_400],
    ['h', 3_600],
    ['min', 60],
    ['s', 1],
  ] as const;
  let rest = Math.round(seconds);
  const parts: string[] = [];
  for (const [name, size] of units) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0 && parts.length < 2) parts.push(`${String(count)} ${name}`);
  }
  return parts.join(' ') || '0 s';
}

export function percent(value: number | undefined): string {
  return value === undefined ? '–' : `${String(Math.round(value * 100) / 100)} %`;
}

/** A share, from 0 to 1, as a bar of so many characters: what is full, and the rest. */
export function bar(share: number, width: number): { readonly full: string; readonly rest: string } {
  const full = Math.round(width * Math.min(1, Math.max(0, share)));
  return { full: '█'.repeat(full), rest: '░'.repeat(width - full) };
}

function painter(colours: boolean, env: Terminal['env']): Paint {
  const wanted = colours && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
  return (style, text) => (wanted ? styleText(style, text, { validateStream: false }) : text);
}
