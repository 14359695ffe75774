import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

// The built program, and the built command line: `npm test` builds them first.
const root = join(import.meta.dirname, '..', '..', '..');
const ANSWER_WITHIN_MS = 30_000;
/** A command that follows something is told to end after this time, as by Ctrl-C. */
const FOLLOWED_MS = 2_000;

/** In the order in which a reader would follow them: what one does, the next one finds. */
const guides = ['ops', 'analytics', 'audit', 'recall'];

let folder: string;
let standalone: ChildProcess;
let url: string;
let token: string;
/** Of another person, for what nobody does alone. */
let second: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-guide-commands-'));
  const args = [join(root, 'dist', 'standalone', 'main.js'), '--empty', '--port', '0', '--data', folder];
  standalone = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  url = await addressOf(standalone);
  token = readFileSync(join(folder, 'admin-token'), 'utf8').trim();
  const isReady = async () => expect((await fetch(`${url}/health/ready`)).status).toBe(200);
  await vi.waitFor(isReady, { timeout: ANSWER_WITHIN_MS });
  await report('d-1', 'status', '23D8133');
  second = ((await post('/v1/tokens', { name: 'ben', roles: ['operator'] })) as { token: string }).token;
}, 60_000);

afterAll(async () => {
  const ended = once(standalone, 'exit');
  standalone.kill('SIGKILL');
  await ended;
  rmSync(folder, { recursive: true, force: true });
});

async function addressOf(child: ChildProcess): Promise<string> {
  let said = '';
  for await (const piece of child.stderr ?? []) {
    said += String(piece);
    const address = /listens at (\S+)/.exec(said)?.[1];
    if (address !== undefined) return address;
  }
  throw new Error(`Sluice did not start: ${said}`);
}

async function report(deviceId: string, kind: string, osBuild: string): Promise<void> {
  const device = { platform: 'ios', model: 'iPhone18,1', osVersion: '26.3.1', osBuild, track: 'automatic' };
  const reports = [
    { reportId: `${deviceId}-${kind}`, deviceId, kind, occurredAt: new Date().toISOString(), ...device },
  ];
  await post('/v1/reports', { reports });
}

async function post(path: string, body: object): Promise<unknown> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const answer = await fetch(`${url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
  expect(answer.status).toBeLessThan(300);
  return answer.json();
}

/** The lines to type of a guide, without what needs Kafka. */
function linesOf(guide: string): string[] {
  const page = readFileSync(join(root, 'docs', 'guides', `${guide}.md`), 'utf8');
  const blocks = [...page.matchAll(/^```sh\n([^]*?)^```$/gm)].map(([, block = '']) => block);
  return blocks.flatMap((block) => block.split('\n')).filter((line) => line !== '' && !line.startsWith('kcat '));
}

/** Runs a line as a person would type it, and answers with its exit code and what it printed. */
async function type(line: string): Promise<{ exit: number; printed: string }> {
  const sluice = `${process.execPath} ${join(root, 'dist', 'cli', 'main.js')}`;
  // A recall asks for the id to be typed; nobody sits here.
  const confirmed = /patch pull .*--mode recall/.test(line) ? `${line} --yes` : line;
  const typed = confirmed.replace('npx sluice', sluice).replace('http://127.0.0.1:4600', url);
  const follows = / (watch|tail) |^curl -N /.test(line);
  const who = line.includes(' approve ') ? second : token;
  const env = { ...process.env, SLUICE_URL: url, SLUICE_TOKEN: who, SLUICE_DATA: folder, TOKEN: token };
  const timeout = follows ? FOLLOWED_MS : ANSWER_WITHIN_MS;
  return new Promise((resolve) => {
    execFile(
      'sh',
      ['-c', `exec ${typed}`],
      { cwd: root, env, timeout, killSignal: 'SIGINT' },
      (error, stdout, stderr) => {
        const exit = error === null || (follows && error.killed) ? 0 : Number(error.code ?? -1);
        resolve({ exit, printed: `${stdout}${stderr}` });
      },
    );
  });
}

describe('following the guides, line by line', () => {
  it.each(guides.flatMap((guide) => linesOf(guide).map((line) => [guide, line] as const)))(
    '%s: %s',
    async (_, line) => {
      const { exit, printed } = await type(line);
      expect(exit, printed).toBe(0);
      expect(printed).not.toBe('');
    },
    ANSWER_WITHIN_MS + 5_000,
  );
});
