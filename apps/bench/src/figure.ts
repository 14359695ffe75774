import { availableParallelism, cpus, loadavg } from 'node:os';

/** What a figure counts, and whether more of it is better. */
export const units = {
  perSecond: { text: '/s', moreIsBetter: true },
  ofBare: { text: ' × bare', moreIsBetter: true },
  bytes: { text: ' bytes', moreIsBetter: false },
  ms: { text: ' ms', moreIsBetter: false },
  seconds: { text: ' s', moreIsBetter: false },
  events: { text: ' events', moreIsBetter: false },
  times: { text: ' ×', moreIsBetter: false },
} as const;

/** One measured number beside what it has to reach (design §5). Every value was measured in this run. */
export interface Figure {
  readonly what: string;
  readonly value: number;
  readonly unit: keyof typeof units;
  readonly target?: number;
  /** A value beyond the target that would be welcome. */
  readonly beyond?: number;
  /** The peer, or the limit, that was measured in the same way. */
  readonly beside: string;
  readonly limitedBy: string;
}

/** True when the figure reaches its target, undefined when it has none. */
export function isReached({ value, unit, target }: Figure): boolean | undefined {
  if (target === undefined) return undefined;
  return units[unit].moreIsBetter ? value >= target : value <= target;
}

/** The figures as a Markdown table with columns of equal width. */
export function toTable(figures: readonly Figure[]): string {
  const head = ['what', 'measured', 'target', 'beyond', 'reached', 'beside it', 'limited by'];
  const rows = figures.map((figure) => [
    figure.what,
    inUnit(figure.value, figure),
    figure.target === undefined ? '' : inUnit(figure.target, figure),
    figure.beyond === undefined ? '' : inUnit(figure.beyond, figure),
    { true: 'yes', false: 'NO', undefined: '' }[String(isReached(figure)) as 'true' | 'false' | 'undefined'],
    figure.beside,
    figure.limitedBy,
  ]);
  return tableOf(head, rows);
}

/** Markdown with columns of equal width, as the formatter of the documents has it. */
export function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

/** A number as people read it: whole and in groups of three from 100 on, else with three significant digits. */
export function inWords(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(3)));
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] ?? NaN) + (sorted[Math.floor(middle)] ?? NaN)) / 2;
}

/** The value that a share of all values does not exceed, by nearest rank. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? NaN;
}

/**
 * Seconds of processor time that this thread took for a call: what one core can do, also where others use the machine.
 */
export function coreSeconds(call: () => void): number {
  const before = process.threadCpuUsage();
  call();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1e6;
}

function inUnit(value: number, { unit }: Figure): string {
  return `${inWords(value)}${units[unit].text}`;
}

/** What the figures depend on; a load above 0 before the start means that others used the machine. */
export function describeMachine() {
  return {
    at: new Date().toISOString(),
    node: process.versions.node,
    processor: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    loadBefore: inWords(loadavg()[0] ?? 0),
  };
}

/** The same in one line. */
export function machineInWords(machine: ReturnType<typeof describeMachine>): string {
  return Object.entries(machine)
    .map(([name, value]) => `${name}: ${String(value)}`)
    .join(', ');
}
