import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AttentionPage } from '@sluice/api';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { InMemoryEventStore } from '@sluice/event-sourcing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { close, createApp, inject } from '../http/serve.ts';
import { StopsInForce } from '../http/stops-in-force.ts';
import { Metrics } from '../observe/metrics.ts';
import { Followers } from '../replay/followers.ts';
import { InlineFolds } from '../replay/folds.ts';
import { Settings } from '../settings/settings.ts';
import { ManualClock } from '../time/clock.ts';
import { ManualTimers } from '../time/timers.ts';
import { Tokens } from '../auth/tokens.ts';
import { Attention, type Finding } from './attention.ts';

let folder: string;
let clock: ManualClock;
let store: InMemoryEventStore;
let tokens: Tokens;
let timers: ManualTimers;
let app: NestFastifyApplication;
let found: Finding[];
let unknown: { kinds: ['rollout-halted']; because: string }[];

const finding = (id: string, fields: Partial<Finding> = {}): Finding => ({
  ...{ id, kind: 'rollout-halted', severity: 'critical', about: {}, since: '2026-03-17T10:00:00.000Z' },
  ...{ words: id, command: 'sluice rollout list', ...fields },
});

async function boot(): Promise<NestFastifyApplication> {
  const composition = { settings: Settings.of(), clock, store, tokens, folds: new InlineFolds(store, {}), timers };
  const booted = await createApp([], { ...composition, publications: [] });
  booted.get(Attention).add({ service: 'spec', look: () => ({ found, unknown }) });
  await booted.get(Followers).settle();
  return booted;
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-attention-'));
  clock = new ManualClock(Date.parse('2026-03-17T12:00:00Z'));
  store = new InMemoryEventStore(clock);
  tokens = new Tokens(folder);
  timers = new ManualTimers();
  [found, unknown] = [[], []];
  app = await boot();
});
afterEach(async () => {
  await close(app);
  rmSync(folder, { recursive: true });
});

async function list(query = '', of = app): Promise<AttentionPage> {
  const headers = { authorization: `Bearer ${tokens.adminToken()}` };
  return (await inject(of, { url: `/v1/attention${query}`, headers })).json<AttentionPage>();
}

function takeItem(id: string, name: string, of = app) {
  const headers = { authorization: `Bearer ${tokens.createLocal(name, ['operator'])}` };
  return inject(of, { method: 'POST', url: `/v1/attention/${id}/take`, headers, payload: {} });
}

describe('listing what needs a person', () => {
  it('has the most severe first, of these the newest, page by page', async () => {
    const at = (hour: string) => ({ since: `2026-03-17T${hour}:00:00.000Z` });
    found = [
      finding('w1', { severity: 'warning', ...at('11') }),
      finding('c1', at('09')),
      finding('c2', at('10')),
      finding('w2', { severity: 'warning', since: undefined }),
    ];
    const first = await list('?limit=2');
    const second = await list(`?limit=2&cursor=${first.nextCursor ?? ''}`);
    expect([...first.items, ...second.items].map(({ id }) => id)).toEqual(['c2', 'c1', 'w1', 'w2']);
    expect(second.items[1]).toMatchObject({ since: null, owner: null, service: 'spec' });
    expect([first.total, second.nextCursor]).toEqual([4, undefined]);
    expect(await list('?cursor=x')).toMatchObject({ code: 'unknown-cursor' });
  });

  it('says what is not known instead of showing nothing of it', async () => {
    unknown = [{ kinds: ['rollout-halted'], because: 'the events are not read' }];
    expect(await list()).toEqual({ items: [], total: null, unknown: [{ service: 'spec', ...unknown[0] }] });
  });

  it('looks with each tick only at the sources that have conditions', () => {
    const attention = app.get(Attention);
    attention.add({
      service: 'other',
      conditionKinds: ['stale'],
      look: () => ({ found: [finding('s')], unknown: [] }),
    });
    [found, unknown] = [[finding('a')], [{ kinds: ['rollout-halted'], because: 'the events are not read' }]];
    expect(attention.ofConditions()).toMatchObject({ items: [{ id: 's', service: 'other' }], unknown: [] });
  });

  it('says of which kinds more were found than are listed', async () => {
    const stale = finding('s', { kind: 'stale' });
    found = [stale, ...Array.from({ length: 1_001 }, (_, index) => finding(`r${String(index)}`))];
    const because = '2 more were found than the 1000 that are listed';
    expect(await list('?kind=rollout-halted&limit=1')).toMatchObject({
      total: null,
      unknown: [{ service: 'spec', kinds: ['rollout-halted'], because }],
    });
    expect(await list('?kind=stale')).toMatchObject({ items: [{ id: 's' }], total: 1, unknown: [] });
  });

  it('shows a stop that is not stored, and a source that cannot write, while it lasts', async () => {
    const fail = () => Promise.reject(new Error('the disk is full'));
    const stop = { stop: 'withdraw ios-26.3.1-a', since: '2026-03-17T11:59:00.000Z', store: fail };
    await expect(app.get(StopsInForce).enforce({ ...stop, begin: () => true, end: () => undefined })).rejects.toThrow(
      'in force',
    );
    expect((await list()).items).toMatchObject([
      { id: 'stop-not-durable:withdraw-ios-26.3.1-a:20260317T115900Z', severity: 'critical', command: 'sluice health' },
    ]);
  });

  it('counts them for those who watch, by kind and whether somebody has taken them', async () => {
    found = [finding('a'), finding('b')];
    await takeItem('a', 'olga');
    const text = await app.get(Metrics).registry.getSingleMetricAsString('sluice_attention_items');
    expect(text).toContain('sluice_attention_items{kind="rollout-halted",taken="yes"} 1');
    expect(text).toContain('sluice_attention_items{kind="rollout-halted",taken="no"} 1');
  });
});

describe('taking an item where two instances share a store', () => {
  it('is seen by both, after a restart too, and had by one', async () => {
    found = [finding('a'), finding('b')];
    const other = await boot();
    const answers = await Promise.all([takeItem('a', 'olga'), takeItem('a', 'rita', other)]);
    expect(answers.map(({ statusCode }) => statusCode).sort()).toEqual([200, 409]);
    await takeItem('b', 'olga');
    for (const each of [app, other]) await each.get(Followers).settle();
    const owners = async (of: NestFastifyApplication) => (await list('', of)).items.map(({ owner }) => owner?.by);
    expect(await owners(app)).toEqual(await owners(other));
    const third = await boot();
    expect(await owners(third)).toEqual(await owners(app));
    for (const each of [other, third]) {
      await each.get(Followers).stopTasks();
      await each.close();
      await each.get(Followers).stop();
    }
  });
});
