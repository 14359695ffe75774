import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { followFeed, OwnSigns, publishAsIs, StoreFeed } from '@sluice/event-feed';
import { InMemoryEventStore, StoreUnavailable } from '@sluice/event-sourcing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { close, createApp, Followers, InlineFolds, ManualClock, Settings, Tokens } from '../index.ts';

/** A store that can be told to fail, as a full disk would, or a server that is away. */
class FallibleStore extends InMemoryEventStore {
  isFull = false;
  isAway = false;

  override async proveWritable(): Promise<void> {
    if (this.isFull) throw new StoreUnavailable('the disk is full');
  }

  override head(): Promise<string> {
    return this.isAway ? Promise.reject(new StoreUnavailable('away')) : super.head();
  }
}

let app: NestFastifyApplication;
let store: FallibleStore;
let tokens: Tokens;
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-signs-'));
  tokens = new Tokens(folder);
});
afterEach(async () => {
  await close(app);
  rmSync(folder, { recursive: true });
});

async function boot(isFull = false): Promise<void> {
  const clock = new ManualClock(Date.parse('2026-03-17T00:00:00Z'));
  store = new FallibleStore(clock);
  store.isFull = isFull;
  const publications = [publishAsIs('catalog', 'catalog', ['patch-'])];
  const folds = new InlineFolds(store, {});
  app = await createApp([], { settings: Settings.of({}), clock, store, tokens, folds, publications });
  await app.listen(0, '127.0.0.1');
}

const headers = () => ({ authorization: `Bearer ${tokens.adminToken()}` });

/** The data of progress frames as they come. */
async function* frames(signal: AbortSignal): AsyncGenerator<Record<string, unknown>> {
  const response = await fetch(`${(await app.getUrl()).replace('[::1]', '127.0.0.1')}/v1/feed`, {
    headers: { ...headers(), accept: 'text/event-stream' },
    signal,
  });
  let text = '';
  for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += chunk;
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const [, data = '{}'] = text.slice(0, end).split('\ndata: ');
      yield JSON.parse(data) as Record<string, unknown>;
      text = text.slice(end + 2);
    }
  }
}

describe('carrying what a process says of itself', () => {
  it('says it with progress, and again when it changes', async () => {
    await boot();
    const abort = new AbortController();
    const reader = frames(abort.signal);
    const signs = { writable: true, through: [], stops: [] };
    expect((await reader.next()).value).toEqual({ position: `${store.lineage}.0`, signs });
    const through = { shard: 0, shards: 1, throughMs: 7, revision: -1 };
    app.get(OwnSigns).setThrough([through]);
    expect((await reader.next()).value).toEqual({
      position: `${store.lineage}.0`,
      signs: { ...signs, through: [through] },
    });
    expect(app.get(StoreFeed).signsOf()).toEqual({ ...signs, through: [through] });
    abort.abort();
  });

  it('says it also when the store does not answer, and does not take that for a sign of life', async () => {
    await boot();
    const abort = new AbortController();
    const reader = frames(abort.signal);
    await reader.next();
    store.isAway = true;
    app.get(OwnSigns).setWritable(false);
    expect((await reader.next()).value).toMatchObject({ isBehind: true, signs: { writable: false } });
    abort.abort();
  });
});

describe('waiting for what a source says of itself', () => {
  it('answers once health is counted up to then, in every shard', async () => {
    await boot();
    const get = (query: string) => app.inject({ url: `/v1/applied?${query}`, headers: headers() });
    const through = (shard: number, throughMs: number) => ({ shard, shards: 2, throughMs, revision: -1 });
    const signs = app.get(OwnSigns);
    // Nothing here reads health yet, so nothing is waited for.
    expect((await get('through=100')).json()).toMatchObject({ through: [] });
    const consumer = { name: 'test', source: 'telemetry', topics: ['health'], apply: () => undefined };
    const followers = app.get(Followers);
    followers.healthSource = consumer.source;
    followers.add(followFeed(app.get(StoreFeed), consumer)).start();
    let answered = false;
    const waiting = get('through=100').then((answer) => ((answered = true), answer));
    signs.setThrough([through(0, 100)]);
    await get('own=0');
    expect(answered).toBe(false);
    signs.setThrough([through(1, 99)]);
    await get('own=0');
    expect(answered).toBe(false);
    signs.setThrough([through(1, 100)]);
    expect((await waiting).json()).toMatchObject({ through: [through(0, 100), through(1, 100)] });
    expect((await get('through=soon')).statusCode).toBe(400);
  });
});

describe('a store that cannot write', () => {
  it('leaves the process ready, which says so in words, in a metric, and in its feed', async () => {
    await boot(true);
    const get = async (url: string) => (await app.inject({ url, headers: headers() })).body;
    await expect
      .poll(async () => JSON.parse(await get('/health/ready')) as unknown)
      .toEqual({ status: 'ok', troubles: ['store cannot write: the disk is full'] });
    expect(await get('/metrics')).toContain('\nsluice_store_writable 0\n');
    expect(JSON.parse(await get('/v1/feed'))).toMatchObject({ signs: { writable: false } });
  });
});
