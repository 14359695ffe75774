import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

// The built app with processes of its own: `npm test` builds it first.
const script = join(import.meta.dirname, '..', '..', '..', '..', 'dist', 'bench', 'main.js');
const PLAYED = '20,000 holders at once';
const NULLS = 'recalls without harm';

const bench = (...parameters: string[]) =>
  promisify(execFile)(process.execPath, [script, 'gates', '--runs', '1', ...parameters]);

describe('measuring the gates', { timeout: 60_000 }, () => {
  it('prints seed, runs, must, found and time of the rows that are asked for, and what holds for all of them', async () => {
    const { stdout } = await bench('--seed', '7', '--rows', NULLS);
    expect(stdout).toMatch(/^seed 7; runs a row: 1 without harm/);
    expect(stdout).toMatch(
      /^yes \| removals fail at 5 %, 200 holders at once \| paused ≤ 0 \| 0 paused \| 1 \| the same \| [\d.]+$/m,
    );
    expect(stdout).toContain('over all of them: paused ≤ 0.1 % of all; 0 of 7');
    expect(stdout).not.toContain('not run');
  });

  it('refuses rows that there are not', async () => {
    await expect(bench('--rows', 'no such row')).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining('No row has "no such row" in its name'),
    });
  });

  it('prints what was measured, and the rows that were not, when it is stopped', async () => {
    const parameters = ['gates', '--runs', '2', '--processes', '1', '--rows', '200 holders', PLAYED, 'nobody reports'];
    const child = spawn(process.execPath, [script, ...parameters], { stdio: ['ignore', 'pipe', 'inherit'] });
    const lines: string[] = [];
    for await (const line of createInterface(child.stdout)) {
      lines.push(line);
      if (line.startsWith('yes | removals fail at 10 %')) child.kill('SIGTERM');
    }
    if (child.exitCode === null) await once(child, 'exit');
    expect(child.exitCode).toBe(1);
    expect(lines.at(-2)).toBe('not run: 1 rows');
    expect(lines.at(-1)).toBe('  nobody reports');
  });
});
