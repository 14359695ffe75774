import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { leaveOut } from '@sluice/testing';
import { describe, expect, it } from 'vitest';

// The built app with processes of its own: `npm test` builds it first.
const script = join(import.meta.dirname, '..', '..', '..', '..', 'dist', 'bench', 'main.js');
const MINUTES = 60_000;

/** Undefined where there is no broker to be had. */
async function drill(name: string, seconds: number): Promise<object | undefined> {
  const parameters = ['--disable-warning=TimeoutNegativeWarning', script, 'drill', name];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [
    ...parameters,
    ...['--json', '--seconds', String(seconds)],
  ]);
  const skipped = /SKIPPED: (.*)/.exec(stderr)?.[1];
  if (skipped !== undefined) leaveOut('drills', skipped);
  if (skipped !== undefined) return undefined;
  return (JSON.parse(stdout) as { drills: [object] }).drills[0];
}

describe('drilling faults with processes that are killed', () => {
  it.each([
    ['consumer-killed', 4],
    ['rebalance', 20],
  ])('comes through %s, and loses and doubles nothing', { timeout: 3 * MINUTES }, async (name, seconds) => {
    const drilled = await drill(name, seconds);
    if (drilled !== undefined) expect(drilled).toMatchObject({ passed: true, lost: 0, twice: 0 });
  });
});
