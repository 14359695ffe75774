import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Commit } from '@sluice/event-sourcing';
import { collect, StoppedClock } from '@sluice/testing';
import { build } from 'rolldown';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { SqliteEventStore } from './sqlite-event-store.ts';

const UUID_LENGTH = 36;
/** Several processes, one after the other, on a machine that may be busy. */
const TIMEOUT_MS = 60_000;

describe('processes that have the store', () => {
  let folder: string;
  let program: string;
  let path: string;
  beforeEach(() => (path = join(folder, randomUUID(), 'events.db')));

  // Bundled as the apps are, which shows as well that the store finds its thread beside the bundle.
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-killed-'));
    program = join(folder, 'program', 'appending.js');
    await build({
      input: {
        appending: source('appending-process.fixture.ts'),
        sharing: source('sharing-process.fixture.ts'),
        'sqlite-store.worker': source('sqlite-store.worker.ts'),
      },
      platform: 'node',
      tsconfig: source('../../../tsconfig.json'),
      logLevel: 'silent',
      output: { dir: join(folder, 'program'), entryFileNames: '[name].js' },
    });
  });
  afterAll(() => rm(folder, { recursive: true }));

  it(
    'lose nothing that was acknowledged when killed, and leave neither a gap nor anything twice',
    async () => {
      const acknowledged: string[] = [];
      for (const milliseconds of [5, 120, 60, 250, 400]) {
        const child = start(program, path);
        acknowledged.push(...(await linesUntilKilled(child, milliseconds)));
        await expectKept(path, acknowledged);
      }
      expect(acknowledged.length).toBeGreaterThan(100);
    },
    TIMEOUT_MS,
  );

  it(
    'free the folder when killed, and no other process gets it before',
    async () => {
      const first = start(program, path);
      await firstLine(first);
      expect(await firstLine(start(program, path))).toBe(
        `refused folder-in-use: The data folder ${join(path, '..')} is in use by another Sluice process. ` +
          'Stop that one first, or name another folder.',
      );
      await linesUntilKilled(first, 0);
      const third = start(program, path);
      expect(await firstLine(third)).toHaveLength(UUID_LENGTH);
      await linesUntilKilled(third, 0);
    },
    TIMEOUT_MS,
  );

  it(
    'share it: nothing is lost, conflicts are exact, and both hear the same in the same order',
    async () => {
      const sharing = join(program, '..', 'sharing.js');
      const said = await Promise.all(['left', 'right'].map((name) => everythingSaid(start(sharing, path, name))));
      const [left, right] = said.map((text) => JSON.parse(text) as { [Kind in 'seen' | 'acknowledged']: string[] });
      const acknowledged = [...(left?.acknowledged ?? []), ...(right?.acknowledged ?? [])];
      acknowledged.sort((one, other) => parseInt(one) - parseInt(other));
      expect(acknowledged).toHaveLength(2 * 8 * 70);
      expect(left?.seen).toEqual(acknowledged);
      expect(right?.seen).toEqual(acknowledged);
      const commits = await expectKept(path, []);
      expect(commits.map(({ position, commitId }) => `${position} ${commitId}`)).toEqual(acknowledged);
      const common = commits.filter(({ stream }) => stream === 'common');
      expect(common.map(({ revision }) => revision)).toEqual([...Array(2 * 8 * 30).keys()]);
    },
    TIMEOUT_MS,
  );

  it(
    'share it: when one is killed in the middle of writing the other goes on, and nothing that was acknowledged is lost',
    async () => {
      const survivor = start(program, path, 'survivor', 'shared');
      const spoken = linesOf(survivor);
      const acknowledged: string[] = [];
      for (const [round, milliseconds] of [5, 150, 60, 250, 400].entries()) {
        const victim = start(program, path, `victim-${round}`, 'shared');
        acknowledged.push(...(await linesUntilKilled(victim, milliseconds)));
        const before = spoken.length;
        await vi.waitFor(() => expect(spoken.length).toBeGreaterThan(before + 100), { timeout: TIMEOUT_MS / 10 });
      }
      const refused = await firstLine(start(program, path));
      expect(refused).toContain('is shared by other Sluice processes');
      survivor.kill('SIGKILL');
      await once(survivor, 'close');
      expect(acknowledged.length).toBeGreaterThan(100);
      await expectKept(path, [...acknowledged, ...spoken]);
    },
    TIMEOUT_MS,
  );
});

/** Nothing that was acknowledged is missing, nothing is there twice, and no position is left out. Returns what is there. */
async function expectKept(path: string, acknowledged: readonly string[]): Promise<Commit[]> {
  const store = await SqliteEventStore.open({ path, clock: new StoppedClock() });
  const commits = await collect(store.readAll());
  await store.close();
  const stored = commits.map(({ commitId }) => commitId);
  const kept = new Set(stored);
  expect(kept.size).toBe(stored.length);
  expect(acknowledged.filter((commitId) => !kept.has(commitId))).toEqual([]);
  expect(commits.map(({ position }) => Number(position))).toEqual(stored.map((_, index) => index + 1));
  return commits;
}

function source(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}

function start(program: string, ...more: readonly string[]): ChildProcess {
  return spawn(process.execPath, [program, ...more], { stdio: ['ignore', 'pipe', 'inherit'] });
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

/** What the process says, line by line, growing as it goes on. */
function linesOf({ stdout }: ChildProcess): string[] {
  const lines: string[] = [];
  if (stdout === null) throw new Error('the process has no output');
  createInterface(stdout).on('line', (line) => lines.push(line));
  return lines;
}

async function everythingSaid(child: ChildProcess): Promise<string> {
  let said = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (said += text));
  const [code] = (await once(child, 'close')) as [number | null];
  expect(code).toBe(0);
  return said;
}

async function firstLine({ stdout }: ChildProcess): Promise<string> {
  if (stdout === null) throw new Error('the process has no output');
  for await (const line of createInterface(stdout)) return line;
  return '';
}
