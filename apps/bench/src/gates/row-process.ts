import { type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { startOwnProcess } from '../own-process.ts';
import { type Measured, type Runs, tablesOf } from './tables.ts';

/** Marks a process that measures rows for another one. */
export const GATE_ROWS_FLAG = '--gate-rows';

/** What a process that measures rows is told once. */
interface RowsRole {
  readonly seed: number;
  readonly runs: Runs;
}

type Answer = { readonly measured: Measured; readonly seconds: number } | { readonly fault: string };

/** Measures the rows whose names the parent sends, one after the other, until the parent ends. */
export function measureRows(role: string): void {
  const { seed, runs } = JSON.parse(role) as RowsRole;
  const rows = new Map(tablesOf(runs).flatMap((table) => table.rows.map((row) => [row.name, row] as const)));
  process.on('message', (name: string) => process.send?.(answerOf(name)));
  process.on('disconnect', () => process.exit());

  function answerOf(name: string): Answer {
    const startedAt = performance.now();
    try {
      const measured = rows.get(name)?.measure(seed);
      if (measured === undefined) return { fault: `there is no row ${name}` };
      return { measured, seconds: (performance.now() - startedAt) / 1000 };
    } catch (error) {
      return { fault: error instanceof Error ? (error.stack ?? error.message) : String(error) };
    }
  }
}

/** The parent's side of a process that measures rows. */
export class RowProcess {
  private readonly child: ChildProcess;

  constructor(role: RowsRole) {
    this.child = startOwnProcess(GATE_ROWS_FLAG, role, { serialization: 'advanced' });
  }

  /** Measures the row of that name. Rejects when the row throws, or its process ends before it is measured. */
  async measure(name: string): Promise<Exclude<Answer, { readonly fault: string }>> {
    const over = new AbortController();
    try {
      const ended = once(this.child, 'exit', over).then(() => ({ fault: 'its process ended before' }));
      const answered = once(this.child, 'message', over).then(([answer]) => answer as Answer);
      this.child.send(name);
      const answer = await Promise.race([answered, ended]);
      if ('fault' in answer) throw new Error(`${name}: ${answer.fault}`);
      return answer;
    } finally {
      over.abort();
    }
  }

  /** Ends the process, also in the midst of a row. */
  end(): void {
    this.child.kill('SIGKILL');
  }
}
