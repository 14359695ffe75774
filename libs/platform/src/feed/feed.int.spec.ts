import { mkdtempSync, rmSync } from 'node:fs';
import { type IncomingMessage, get as httpGet } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { type Publication, publishAsIs } from '@sluice/event-feed';
import { InMemoryEventStore } from '@sluice/event-sourcing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AccessTable } from '../auth/access-table.ts';
import { newToken } from '../auth/tokens.ts';
import { close, createApp, InlineFolds, ManualClock, ManualTimers, Settings, Tokens, WallTimers } from '../index.ts';

const START_MS = Date.parse('2026-03-17T00:00:00Z');

/** The wall's, but for what a test lets pass at once. */
class SkippingTimers extends WallTimers {
  private readonly skipped = new ManualTimers();
  private skippedMs = 0;

  override monotonicMs(): number {
    return super.monotonicMs() + this.skippedMs;
  }

  override after(ms: number, call: () => void): () => void {
    let isDone = false;
    const once = () => {
      if (isDone) return;
      isDone = true;
      call();
    };
    const stops = [super.after(ms, once), this.skipped.after(ms, once)];
    return () => {
      isDone = true;
      for (const stop of stops) stop();
    };
  }

  skip(ms: number): void {
    this.skippedMs += ms;
    this.skipped.advance(ms);
  }
}

let app: NestFastifyApplication;
let store: InMemoryEventStore;
let tokens: Tokens;
let clock: ManualClock;
let timers: SkippingTimers;
let folder: string;
let published: string[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-feed-'));
  tokens = new Tokens(folder);
  clock = new ManualClock(START_MS);
  timers = new SkippingTimers();
  store = new InMemoryEventStore(clock);
  published = [];
  const publications = [
    counted(publishAsIs('catalog', 'catalog', ['patch-'])),
    counted(publishAsIs('orchestrator', 'rollouts', ['rollout-', 'recall-', 'hold-'])),
    counted(publishAsIs('telemetry', 'fleet', ['fleet-'])),
  ];
  const folds = new InlineFolds(store, {});
  app = await createApp([], { settings: Settings.of({}), clock, store, tokens, folds, publications, timers });
  await app.listen(0, '127.0.0.1');
});
afterEach(async () => {
  await close(app);
  rmSync(folder, { recursive: true });
});

function counted(publication: Publication): Publication {
  return {
    ...publication,
    publish: (commit) => {
      published.push(commit.position);
      return publication.publish(commit);
    },
  };
}

interface Happened {
  readonly type: string;
  readonly [field: string]: unknown;
}

async function append(stream: string, events: readonly Happened[], actor = 'ann'): Promise<void> {
  const commitId = String(Number(await store.head()) + 1);
  const metadata = { actor, correlationId: 'c' };
  await store.append({ stream, expected: 'any', commitId, metadata, body: { kind: 'events', events } });
}

/** Some of everything: positions 1 to 7, an hour apart. */
async function fill(): Promise<void> {
  const commits: readonly (readonly [string, readonly Happened[], string?])[] = [
    ['patch-p1', [{ type: 'PatchPublished', patchId: 'p1' }]],
    ['patch-p2', [{ type: 'PatchPublished', patchId: 'p2' }]],
    [
      'rollout-r1',
      [
        { type: 'RolloutPlanned', rolloutId: 'r1', plan: { patchId: 'p1' } },
        { type: 'RolloutStarted', rolloutId: 'r1', patchId: 'p1' },
      ],
      'bob',
    ],
    [
      'fleet-0',
      [
        { type: 'PatchInstalled', deviceId: 'd-1', patchId: 'p1' },
        { type: 'DeviceObserved', deviceId: 'd-2' },
      ],
    ],
    ['rollout-r1', [{ type: 'RolloutPaused', rolloutId: 'r1', reason: 'odd' }], 'bob'],
    ['fleet-0', [{ type: 'DeviceObserved', deviceId: 'd-1' }]],
    ['patch-p1', [{ type: 'PatchPulled', patchId: 'p1' }], 'eve'],
  ];
  for (const commit of commits) {
    await append(...commit);
    await clock.advanceTo(clock.now() + 3_600_000);
  }
}

const bearer = (token = tokens.adminToken()) => ({ authorization: `Bearer ${token}` });

interface Page {
  readonly events: readonly { readonly type: string; readonly position: string; readonly data: Happened }[];
  readonly next: string;
  readonly caughtUp: boolean;
}

async function page(query: string): Promise<Page> {
  const response = await app.inject({ url: `/v1/feed?${query}`, headers: bearer() });
  expect(response.statusCode, response.body).toBe(200);
  return response.json<Page>();
}

const types = ({ events }: Page) => events.map(({ type }) => type);

interface Frame {
  readonly event?: string | undefined;
  readonly id?: string | undefined;
  readonly data: string;
}

function frameOf(text: string): Frame {
  const fields = Object.fromEntries(
    text.split('\n').map((line) => [line.slice(0, line.indexOf(': ')), line.slice(line.indexOf(': ') + 2)]),
  );
  return { event: fields['event'], id: fields['id'], data: fields['data'] ?? '' };
}

/** A stream of frames; `until` resolves with those so far once the last of them is wanted. */
class Reader {
  readonly frames: Frame[] = [];
  status = 0;
  isEnded = false;
  private readonly abort = new AbortController();
  private ended: Promise<void> | undefined;

  async open(query = '', headers: Record<string, string> = bearer()): Promise<this> {
    const url = `${(await app.getUrl()).replace('[::1]', '127.0.0.1')}/v1/feed?${query}`;
    const response = await fetch(url, {
      headers: { ...headers, accept: 'text/event-stream' },
      signal: this.abort.signal,
    });
    this.status = response.status;
    this.ended = this.read(response).catch(() => undefined);
    return this;
  }

  events(): Frame[] {
    return this.frames.filter(({ event }) => event === 'event');
  }

  async until(isSo: (frame: Frame) => boolean): Promise<Frame> {
    await expect.poll(() => this.frames.some(isSo), { timeout: 5000 }).toBe(true);
    return this.frames.find(isSo) as Frame;
  }

  async close(): Promise<void> {
    this.abort.abort();
    await this.ended;
  }

  private async read({ body }: Response): Promise<void> {
    if (body === null) return;
    let text = '';
    for await (const piece of body.pipeThrough(new TextDecoderStream())) {
      const frames = `${text}${piece}`.split('\n\n');
      text = frames.pop() ?? '';
      for (const frame of frames) this.frames.push(frameOf(frame));
    }
    this.isEnded = true;
  }
}

const isProgressAt = (number: number) => (frame: Frame) =>
  frame.event === 'progress' && frame.id === `${store.lineage}.${String(number)}`;

describe('filtering the feed', () => {
  beforeEach(fill);

  it.each([
    ['topics=catalog', ['PatchPublished', 'PatchPublished', 'PatchPulled']],
    ['types=PatchPulled,RolloutPaused', ['RolloutPaused', 'PatchPulled']],
    ['deviceId=d-1', ['PatchInstalled', 'DeviceObserved']],
    [
      'patchId=p1',
      ['PatchPublished', 'RolloutPlanned', 'RolloutStarted', 'PatchInstalled', 'RolloutPaused', 'PatchPulled'],
    ],
    ['patchId=p1&deviceId=d-1', ['PatchInstalled']],
    ['patchId=p2', ['PatchPublished']],
    ['actor=bob', ['RolloutPlanned', 'RolloutStarted', 'RolloutPaused']],
    ['since=2026-03-17T05:00:00Z', ['DeviceObserved', 'PatchPulled']],
    ['until=2026-03-17T02:00:00%2B01:00', ['PatchPublished']],
    ['since=2026-03-17T02:00:00Z&until=2026-03-17T04:00:00Z&topics=fleet', ['PatchInstalled', 'DeviceObserved']],
    ['types=PatchPulled&topics=fleet', []],
  ])('has with %s what is wanted, forwards and backwards', async (query, expected) => {
    expect(types(await page(query))).toEqual(expected);
    expect(types(await page(`${query}&order=newest`))).toEqual(expected.toReversed());
    const reader = await new Reader().open(query);
    await reader.until(isProgressAt(7));
    expect(reader.events().map(({ data }) => (JSON.parse(data) as Happened).type)).toEqual(expected);
    await reader.close();
  });

  it.each([
    ['oldest', ''],
    ['newest', '&order=newest'],
  ])('goes through all of it page by page, %s first', async (order, more) => {
    const all = types(await page('order=oldest'));
    const found: string[] = [];
    let [from, pages] = ['', 0];
    for (let caughtUp = false; !caughtUp; pages += 1) {
      const found_ = await page(`limit=2${more}${from}`);
      found.push(...types(found_));
      ({ caughtUp } = found_);
      from = `&from=${found_.next}`;
    }
    expect(found).toEqual(order === 'oldest' ? all : all.toReversed());
    expect(pages).toBeGreaterThan(3);
  });

  it.each(['types=', 'types=1', 'patchId=%20', 'since=yesterday', 'order=random', 'topics=weather', 'limit=10001'])(
    'refuses %s',
    async (query) => {
      const { statusCode, body } = await app.inject({ url: `/v1/feed?${query}`, headers: bearer() });
      expect([statusCode, JSON.parse(body)]).toMatchObject([400, { code: 'invalid-request' }]);
    },
  );
});

describe('following the feed', () => {
  it('takes up a line where it broke, in the midst of a commit too', async () => {
    await fill();
    const first = await new Reader().open();
    await first.until(isProgressAt(7));
    const all = first.events();
    await first.close();
    // The second event of position 3 says that all up to there was delivered, the first that all before it was.
    expect(all.slice(1, 4).map(({ id }) => id)).toEqual(['2', '2', '3'].map((n) => `${store.lineage}.${n}`));
    for (const [index, { id = '' }] of all.entries()) {
      const again = await new Reader().open('from=end', { ...bearer(), 'last-event-id': id });
      await again.until(isProgressAt(7));
      const rest = again.events().map(({ data }) => data);
      const [before, behind] = [all.slice(0, index + 1), all.slice(all.length - rest.length)];
      expect(rest).toEqual(behind.map(({ data }) => data));
      expect(new Set([...before, ...behind]).size).toBe(all.length);
      await again.close();
    }
  });

  it('reads and encodes what is new once for all that want the same', async () => {
    const readers = await Promise.all(Array.from({ length: 10 }, () => new Reader().open('topics=catalog&from=end')));
    await Promise.all(readers.map((reader) => reader.until(isProgressAt(0))));
    published = [];
    for (const n of [1, 2, 3])
      await append(`patch-p${String(n)}`, [{ type: 'PatchPublished', patchId: `p${String(n)}` }]);
    await Promise.all(readers.map((reader) => reader.until(isProgressAt(3))));
    expect(published).toEqual(['1', '2', '3']);
    for (const reader of readers) {
      expect(reader.events().map(({ id }) => id)).toEqual(['1', '2', '3'].map((n) => `${store.lineage}.${n}`));
      await reader.close();
    }
  });

  it('loses and doubles nothing while much is written, whenever a reader comes', async () => {
    const readers: Reader[] = [];
    for (let n = 1; n <= 300; n += 1) {
      await append(`patch-p${String(n % 7)}`, [
        { type: 'PatchPublished', n },
        { type: 'PatchPublished', n: n + 0.5 },
      ]);
      if (n % 30 === 0) readers.push(await new Reader().open('topics=catalog'));
    }
    for (const reader of readers) {
      await reader.until(isProgressAt(300));
      const numbers = reader.events().map(({ data }) => (JSON.parse(data) as { data: { n: number } }).data.n);
      expect(numbers).toEqual(Array.from({ length: 600 }, (_, index) => 1 + index / 2));
      await reader.close();
    }
  });

  it('takes at most a hundred readers, and another one when one has left', async () => {
    const readers = await Promise.all(Array.from({ length: 100 }, () => new Reader().open('from=end')));
    const refused = await app.inject({ url: '/v1/feed', headers: { ...bearer(), accept: 'text/event-stream' } });
    expect(refused.json()).toMatchObject({ status: 503, code: 'too-many-readers' });
    expect(refused.headers['retry-after']).toBe('1');
    expect(await page('limit=1')).toMatchObject({ events: [] });
    // Another service hears of pulls here, however many others read.
    const peer = await new Reader().open('from=end', bearer(tokens.peerToken()));
    expect(peer.status).toBe(200);
    await peer.close();
    await readers[0]?.close();
    await expect
      .poll(async () => {
        const reader = await new Reader().open('from=end');
        await reader.close();
        return reader.status;
      })
      .toBe(200);
    for (const reader of readers) await reader.close();
  });
});

describe('ending a reader', () => {
  it('says so when its token is revoked, and leaves the others', async () => {
    const { text: token, secretSha256 } = newToken('v');
    const table = new AccessTable();
    const issued = { type: 'TokenIssued', tokenId: 'v', name: 'v', roles: ['viewer'], at: clock.nowText() } as const;
    table.apply({ ...issued, secretSha256 });
    tokens.use({ table, doubt: () => undefined, now: () => clock.now() });
    const [revoked, other] = [await new Reader().open('', bearer(token)), await new Reader().open()];
    await Promise.all([revoked, other].map((reader) => reader.until(isProgressAt(0))));
    table.apply({ type: 'TokenRevoked', tokenId: 'v', at: clock.nowText() });
    timers.skip(4_000);
    const { data } = await revoked.until(({ event }) => event === 'end');
    expect(JSON.parse(data)).toMatchObject({ code: 'unauthenticated' });
    await expect.poll(() => revoked.isEnded).toBe(true);
    await append('patch-p1', [{ type: 'PatchPublished', patchId: 'p1' }]);
    await other.until(isProgressAt(1));
    await other.close();
  });

  it('cuts one that takes nothing, and holds no more than its share for it', async () => {
    const text = 'x'.repeat(60_000);
    for (let n = 0; n < 400; n += 1) await append('patch-p1', [{ type: 'PatchPublished', patchId: 'p1', text }]);
    const { port } = new URL(await app.getUrl());
    const request = httpGet({
      port,
      host: '127.0.0.1',
      path: '/v1/feed',
      headers: { ...bearer(), accept: 'text/event-stream' },
    });
    const response = await new Promise<IncomingMessage>((resolve) => void request.once('response', resolve));
    // Never read: what the operating system holds is some megabytes, and the rest stays in the store.
    const closed = new Promise<void>((resolve) => void response.once('close', resolve));
    const metric = async (name: string) => {
      const { body } = await app.inject({ url: '/metrics', headers: bearer() });
      return new RegExp(`^${name} (.*)$`, 'm').exec(body)?.[1];
    };
    await expect
      .poll(async () => {
        timers.skip(2_000);
        return metric('sluice_feed_readers_ended_total{code="reader-too-slow"}'.replaceAll(/[{}"]/g, '\\$&'));
      })
      .toBe('1');
    expect(await metric('sluice_feed_readers')).toBe('0');
    expect(published.length).toBeLessThan(300);
    timers.skip(2_000);
    response.resume();
    response.on('error', () => undefined);
    await closed;
  });
});
