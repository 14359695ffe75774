import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openStore } from '@sluice/composition';
import { type DomainEvent, lastReceipt, type Receipted } from '@sluice/event-sourcing';
import { SqliteEventStore } from '@sluice/event-store-sqlite';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import {
  close,
  createApp,
  Followers,
  inject,
  InlineFolds,
  ManualClock,
  seal,
  Settings,
  Tokens,
} from '@sluice/platform';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { services } from './services.ts';

// A real history of all three services on the embedded store, and copies of it that somebody has altered.
const START = Date.parse('2026-11-26T08:00:00Z');
const MINUTE = 60_000;
const DEVICES = 60;
const FAILED = 12;
const POLL_MS = 5;
const CHAINED = ['patch-', 'rollout-', 'recall-', 'hold-'];
const patch = {
  ...{ patchId: 'ios-26.3.1-a', platform: 'ios', baseVersion: '26.3.1', letter: 'a' },
  variants: [{ build: '23D771330a', prerequisiteBuild: '23D8133', models: ['iPhone18,1'] }],
};
const plan = {
  ...{ rolloutId: 'r1', patchId: patch.patchId, holdBackPercent: 0, gates: { installFailureRateMax: 0.01 } },
  waves: [{ name: 'all', ramp: { fromPercent: 100, toPercent: 100, minutes: 0 }, bakeMinutes: 600 }],
};

type Event = DomainEvent & Receipted & Readonly<Record<string, unknown>>;

let folder: string;

interface Running {
  readonly app: NestFastifyApplication;
  readonly clock: ManualClock;
  send(method: 'GET' | 'POST', url: string, body?: object): Promise<Record<string, unknown>>;
  advance(minutes: number): Promise<void>;
}

async function boot(name: string, startMs = START): Promise<Running> {
  const clock = new ManualClock(startMs);
  const store = await openStore({ kind: 'embedded', path: fileOf(name), url: '' }, clock);
  const tokens = new Tokens(join(folder, name));
  const app = await createApp(services.modules, {
    ...{ settings: Settings.of({ logLevel: 'silent', shards: 1 }), clock, store, tokens },
    ...{ folds: new InlineFolds(store, services.folds), publications: services.publications },
  });
  const settle = () => app.get(Followers).settle();
  await settle();
  return {
    app,
    clock,
    send: async (method, url, body) => {
      const headers = { authorization: `Bearer ${tokens.adminToken()}` };
      const answer = await inject(app, { method, url, headers, ...(body && { payload: body }) });
      if (answer.statusCode >= 400) throw new Error(answer.body);
      await settle();
      return answer.json<Record<string, unknown>>();
    },
    advance: async (minutes) => {
      for (let minute = 0; minute < minutes; minute += 1) {
        await clock.advanceTo(clock.now() + MINUTE);
        await settle();
      }
    },
  };
}

/** A data folder belongs to one process. */
function fileOf(name: string): string {
  mkdirSync(join(folder, name), { recursive: true });
  return join(folder, name, 'sluice.db');
}

/** Installs begin on all devices, and fail on some: the gate halts the rollout. A person resumes it, then pulls the patch. */
async function play(): Promise<void> {
  const { app, clock, send, advance } = await boot('genuine');
  const report = (kind: string, count: number) => {
    const about = { kind, patchId: patch.patchId, occurredAt: clock.nowText(), platform: 'ios', model: 'iPhone18,1' };
    const state = { osVersion: '26.3.1', osBuild: '23D8133', track: 'automatic' };
    const reports = Array.from({ length: count }, (_, index) => {
      const deviceId = `d-${String(index)}`;
      return { reportId: `${kind}-${deviceId}-${clock.nowText()}`, deviceId, ...about, ...state };
    });
    return send('POST', '/v1/reports', { reports });
  };
  await send('POST', '/v1/patches', patch);
  await report('status', DEVICES);
  await advance(3);
  await send('POST', '/v1/rollouts', plan);
  await send('POST', '/v1/rollouts/r1/start');
  await advance(3);
  await report('install-started', DEVICES);
  await advance(3);
  await report('install-failed', FAILED);
  await advance(5);
  expect(await send('GET', '/v1/rollouts/r1')).toMatchObject({ status: 'halted', haltedBecause: { by: 'gate' } });
  await send('POST', '/v1/rollouts/r1/resume', { evidenceSeen: 'a lab' });
  await advance(2);
  await send('POST', `/v1/patches/${patch.patchId}/pull`, { mode: 'recall', reason: 'boot loops' });
  await advance(2);
  await close(app);
}

/** Copies the store, as it is on the disk, with other events; `again`: with all receipts made anew. */
async function altered(name: string, alter: (event: Event) => Event, again = false): Promise<void> {
  const clock = new ManualClock(START);
  const [from, to] = await Promise.all([openRaw('genuine', clock), openRaw(name, clock)]);
  const last = new Map<string, string | undefined>();
  for await (const { stream, commitId, metadata, body: stored } of from.readAll()) {
    let body = stored;
    if (stored.kind === 'events' && CHAINED.some((prefix) => stream.startsWith(prefix))) {
      const events = stored.events.map((event) => alter(event as Event));
      const bare = events.map(({ receipt: _, ...event }): DomainEvent => event);
      const written = again ? seal(stream, bare, last.get(stream)) : events;
      last.set(stream, lastReceipt(written as readonly Event[], last.get(stream)));
      body = { kind: 'events', events: written };
    }
    await to.append({ stream, expected: 'any', commitId, metadata, body });
  }
  await Promise.all([from.close(), to.close()]);
}

function openRaw(name: string, clock: ManualClock): Promise<SqliteEventStore> {
  return SqliteEventStore.open({ path: fileOf(name), clock });
}

/** What the service says that runs on the store. */
async function verified(name: string) {
  const { app, send } = await boot(name, START + 24 * 60 * MINUTE);
  let job = await send('POST', '/v1/replays', { verify: true, receipts: true });
  while (job['status'] === 'running') {
    await sleep(POLL_MS);
    job = await send('GET', `/v1/replays/${String(job['id'])}`);
  }
  await close(app);
  const reports = job['receipts'] as readonly (Record<string, number> & { differences: readonly Event[] })[];
  const total = (field: string) => reports.reduce((sum, report) => sum + (report[field] ?? 0), 0);
  return { job, total, differences: reports.flatMap((report) => report.differences) };
}

const withCounts = (event: Event): Event => {
  if (event.type !== 'RolloutHalted') return event;
  const evidence = event['evidence'] as { readonly tests: readonly { readonly failures: number }[] };
  const tests = evidence.tests.map((test) => ({ ...test, failures: test.failures - 1 }));
  return { ...event, evidence: { ...evidence, tests } };
};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-verify-'));
  await play();
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('verifying the audit of a store', { timeout: 120_000 }, () => {
  it('finds a genuine history whole, with its verdicts and causes, over catalog and orchestrator', async () => {
    const { job, total } = await verified('genuine');
    expect(job).toMatchObject({ status: 'done', matches: true, done: ['catalog', 'orchestrator'] });
    expect([total('differing'), total('withoutReceipt'), total('causesElsewhere')]).toEqual([0, 0, 0]);
    // The halt; the abort and the recall name the pull.
    expect([total('verdicts'), total('causes')]).toEqual([1, 2]);
  });

  it('names the event of which one letter was altered', async () => {
    const letter = (event: Event): Event =>
      event.type === 'PatchPulled' ? { ...event, reason: String(event['reason']).replace('b', 'B') } : event;
    await altered('one-letter', letter);
    const { job, differences } = await verified('one-letter');
    expect(job).toMatchObject({ matches: false });
    expect(differences).toMatchObject([{ stream: 'patch-ios-26.3.1-a', type: 'PatchPulled', what: 'receipt' }]);
  });

  it('names the verdict that no longer follows from its counts, though every receipt was made anew', async () => {
    await altered('counts', withCounts, true);
    const { job, differences, total } = await verified('counts');
    expect(job).toMatchObject({ matches: false });
    expect(differences[0]).toMatchObject({ stream: 'rollout-r1', type: 'RolloutHalted', what: 'verdict' });
    expect(total('verdicts')).toBe(0);
  });

  it('counts the events of a store from before there were receipts, and goes on with them', async () => {
    await altered('former', ({ receipt: _, cause: __, ...event }) => event);
    const { app, send } = await boot('former', START + 24 * 60 * MINUTE);
    await send('POST', '/v1/holds', { holdId: 'h1', reason: 'look', slice: { model: ['iPhone18,1'] } });
    await close(app);
    const { job, total } = await verified('former');
    expect(job).toMatchObject({ matches: true });
    expect(total('events') - total('withoutReceipt')).toBe(1);
  });
});
