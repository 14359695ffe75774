import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { collect, StoppedClock } from '@sluice/testing';
import { build } from 'rolldown';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SqliteEventStore } from './sqlite-event-store.ts';

const UUID_LENGTH = 36;
/** Several processes, one after the other, on a machine that may be busy. */
const TIMEOUT_MS = 60_000;

describe('killing the process that has the store', () => {
  let folder: string;
  let program: string;
  let path: string;

  // Bundled as the apps are, which shows as well that the store finds its thread beside the bundle.
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-killed-'));
    program = join(folder, 'program', 'main.js');
    path = join(folder, 'data', 'events.db');
    await build({
      input: { main: source('appending-process.fixture.ts'), 'sqlite-store.worker': source('sqlite-store.worker.ts') },
      platform: 'node',
      tsconfig: source('../../../tsconfig.json'),
      logLevel: 'silent',
      output: { dir: join(folder, 'program'), entryFileNames: '[name].js' },
    });
  });
  afterAll(() => rm(folder, { recursive: true }));

  it(
    'loses nothing that was acknowledged, and leaves neither a gap nor anything twice',
    async () => {
      const acknowledged: string[] = [];
      for (const milliseconds of [5, 120, 60, 250, 400]) {
        const child = start(program, path);
        acknowledged.push(...(await linesUntilKilled(child, milliseconds)));
        const store = await SqliteEventStore.open({ path, clock: new StoppedClock() });
        const commits = await collect(store.readAll());
        await store.close();

        const stored = commits.map(({ commitId }) => commitId);
        const kept = new Set(stored);
        expect(kept.size).toBe(stored.length);
        expect(acknowledged.filter((commitId) => !kept.has(commitId))).toEqual([]);
        expect(commits.map(({ position }) => Number(position))).toEqual(stored.map((_, index) => index + 1));
      }
      expect(acknowledged.length).toBeGreaterThan(100);
    },
    TIMEOUT_MS,
  );

  it(
    'frees the folder, which no other process gets before',
    async () => {
      const first = start(program, path);
      await firstLine(first);
      expect(await firstLine(start(program, path))).toBe(
        `refused folder-in-use: The data folder ${join(folder, 'data')} is in use by another Sluice process. ` +
          'Stop that one first, or name another folder.',
      );
      await linesUntilKilled(first, 0);
      const third = start(program, path);
      expect(await firstLine(third)).toHaveLength(UUID_LENGTH);
      await linesUntilKilled(third, 0);
    },
    TIMEOUT_MS,
  );
});

function source(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}

function start(program: string, path: string): ChildProcess {
  return spawn(process.execPath, [program, path], { stdio: ['ignore', 'pipe', 'inherit'] });
}

/** What the process said before it was killed, that long after its first line. A line that was cut off does not count. */
async function linesUntilKilled(child: ChildProcess, milliseconds: number): Promise<string[]> {
  let said = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    if (said === '') setTimeout(() => child.kill('SIGKILL'), milliseconds);
    said += text;
  });
  await once(child, 'close');
  return said.split('\n').slice(0, -1);
}

async function firstLine({ stdout }: ChildProcess): Promise<string> {
  if (stdout === null) throw new Error('the process has no output');
  for await (const line of createInterface(stdout)) return line;
  return '';
}
