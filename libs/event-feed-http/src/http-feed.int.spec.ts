import { createServer, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo } from 'node:net';
import { skippedEvents } from '@sluice/contracts/stored-events';
import { type FeedEvent, followFeed } from '@sluice/event-feed';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FeedFault, HttpFeed } from './index.ts';

let server: Server;
let answer: (from: string, response: ServerResponse) => void;
let asked: string[];
let feed: HttpFeed;

beforeEach(async () => {
  asked = [];
  server = createServer((request, response) => {
    const from = new URL(request.url ?? '', 'http://x').searchParams.get('from') ?? '';
    asked.push(from);
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    answer(from, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  feed = new HttpFeed({ addresses: { catalog: `http://127.0.0.1:${String(port)}` }, token: () => 't' });
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

const at = '2026-03-17T00:00:00.000Z';
const superseded = (patchId: string) => ({ type: 'PatchSuperseded', patchId, by: 'b', at });
const event = (position: string, index: number, data: object, type = 'PatchSuperseded') =>
  `event: event\ndata: ${JSON.stringify({ source: 'catalog', type, stream: 's', place: { revision: Number(position), index }, position, time: at, actor: 'a', correlationId: 'c', data })}\n\n`;
const progress = (position: string, more: object = {}) =>
  `event: progress\ndata: ${JSON.stringify({ position, ...more })}\n\n`;

function follow(applied: string[]) {
  const follower = followFeed(feed, {
    name: 'spec',
    source: 'catalog',
    topics: ['catalog'],
    apply: ({ data }) => void applied.push((data as { patchId: string }).patchId),
  });
  follower.start();
  return follower;
}

describe('hearing another process', () => {
  it('goes on after a broken line without losing or doubling an event', async () => {
    answer = (from, response) => {
      if (from === '0') {
        const frames = event('1', 0, superseded('p1')) + event('2', 0, superseded('p2'));
        // The line breaks in the middle of commit 2.
        response.write(frames, () => response.destroy());
      } else {
        response.write(event('2', 0, superseded('p2')) + event('2', 1, superseded('p3')) + progress('2'));
      }
    };
    const applied: string[] = [];
    const follower = follow(applied);
    await follower.reached('2');
    expect(applied).toEqual(['p1', 'p2', 'p3']);
    expect(asked).toEqual(['0', '1']);
    await follower.stop();
  });

  it('hands on the trace of an event, and loses none for a trace that is garbled', async () => {
    const traced = (index: number, traceparent: unknown) =>
      event('1', index, superseded('p')).replace('"actor"', `"traceparent":${JSON.stringify(traceparent)},"actor"`);
    const good = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const sent = [good, 'x', 7, `${good}\n`, good.toUpperCase()];
    answer = (_, response) =>
      void response.write(sent.map((each, index) => traced(index, each)).join('') + progress('1'));
    const received: (string | undefined)[] = [];
    const consumer = { name: 'spec', source: 'catalog', topics: ['catalog'] };
    const follower = followFeed(feed, { ...consumer, apply: ({ traceparent }) => void received.push(traceparent) });
    follower.start();
    await follower.reached('1');
    expect(received).toEqual([good, undefined, undefined, undefined, undefined]);
    await follower.stop();
  });

  it('has not heard of its owner before all of the past was told', async () => {
    let live: ServerResponse | undefined;
    answer = (_, response) => {
      live = response;
      response.write(event('1', 0, superseded('p1')));
    };
    const applied: string[] = [];
    const follower = follow(applied);
    await expect.poll(() => applied).toEqual(['p1']);
    expect(feed.silentForMs('catalog')).toBe(Infinity);
    live?.write(progress('1'));
    await follower.reached('1');
    expect(feed.silentForMs('catalog')).toBeLessThan(1000);
    await follower.stop();
  });

  it('skips and counts events of types and versions that only newer owners know', async () => {
    answer = (_, response) =>
      response.write(
        event('1', 0, { type: 'PatchPraised' }, 'PatchPraised') +
          event('2', 0, { type: 'PatchSuperseded', v: 2, because: 'b' }) +
          event('3', 0, { ...superseded('p1'), v: 1 }).replace('{', '{"previous":{"revision":2,"index":0},') +
          progress('3'),
      );
    const applied: string[] = [];
    const follower = follow(applied);
    await follower.reached('3');
    expect(applied).toEqual(['p1']);
    // What was skipped is no hole.
    expect(asked).toEqual(['0']);
    expect(Object.fromEntries(skippedEvents())).toEqual({ PatchPraised: 1, 'PatchSuperseded.v2': 1 });
    await follower.stop();
  });

  it.each([
    ['an event against its schema', event('1', 0, { type: 'PatchSuperseded', patchId: 3 })],
    ['an event whose data is of another type', event('1', 0, { ...superseded('p1'), type: 'PatchPulled' })],
    ['an event whose version is no number', event('1', 0, { ...superseded('p1'), v: 'two' })],
    ['a frame that is not JSON', 'event: event\ndata: {"half\n\n'],
    ['an event without a place', 'event: event\ndata: {"stream":"s","type":"PatchPulled","position":"1"}\n\n'],
  ])('stops at %s, since what follows cannot be trusted', async (_, frame) => {
    answer = (__, response) => response.write(frame + progress('9'));
    const follower = follow([]);
    await expect(follower.reached('9')).rejects.toBeInstanceOf(FeedFault);
    expect(follower.failedBecause).toBeInstanceOf(FeedFault);
  });
});

describe('asking the owner', () => {
  const never = new AbortController().signal;

  it('says why an owner that has come less far than was applied does not go on, and what to do', async () => {
    const refusing = createServer((_, response) => {
      const errors = [
        { path: '/from', code: 'beyond-end', detail: 'this store has not come so far: was it replaced?' },
      ];
      response.writeHead(400, { 'content-type': 'application/problem+json' }).end(JSON.stringify({ errors }));
    });
    await new Promise<void>((resolve) => refusing.listen(0, '127.0.0.1', resolve));
    const { port } = refusing.address() as AddressInfo;
    feed = new HttpFeed({ addresses: { catalog: `http://127.0.0.1:${String(port)}` }, token: () => 't' });
    const follower = follow([]);
    await expect(follower.reached('1')).rejects.toThrow(
      /^catalog answered 400 to .* \(this store has not come so far: was it replaced\?\): .* restart this process/,
    );
    await follower.stop();
    refusing.close();
  });

  it('is told where its store ends', async () => {
    answer = (_, response) => response.end('{"events":[],"next":"17","caughtUp":true}');
    expect(await feed.headOf({ source: 'catalog', signal: never })).toBe('17');
    expect(asked).toEqual(['end']);
    answer = (_, response) => response.end('{"events":[]}');
    await expect(feed.headOf({ source: 'catalog', signal: never })).rejects.toBeInstanceOf(FeedFault);
  });

  it('hears the id of a commit as Kafka carries it', async () => {
    const named = { ...(JSON.parse(event('1', 0, superseded('p1')).split('data: ')[1] ?? '') as object) };
    const events = ['c-1', `odd\n${'x'.repeat(600)}`].map((commitId) => ({ ...named, commitId }));
    answer = (_, response) => response.end(JSON.stringify({ events }));
    const received: FeedEvent[] = [];
    const request = { source: 'catalog', stream: 's', fromRevision: 0, signal: never };
    for await (const each of feed.readStream(request)) received.push(each);
    expect(received.map(({ commitId }) => commitId)).toEqual(['c-1', `odd\uFFFD${'x'.repeat(508)}`]);
  });
});

describe('hearing what the owner says of itself', () => {
  const through = (shard: number, revision: number, throughMs: number) => ({ shard, shards: 2, revision, throughMs });
  const signs = (more: object = {}) => ({ signs: { writable: true, through: [], stops: [], ...more } });
  let owner: ServerResponse;

  async function listen(...frames: string[]) {
    answer = (_, response) => {
      owner = response;
      response.write(frames.join(''));
    };
    const follower = follow([]);
    await follower.reached('1');
    return follower;
  }

  it('knows nothing of an owner that says nothing of itself', async () => {
    const follower = await listen(progress('1'));
    expect(feed.signsOf('catalog')).toBeUndefined();
    await follower.stop();
  });

  it('has the last word, and drops fields that it does not know', async () => {
    const stop = { patchId: 'p1', mode: 'withdraw', reason: 'bad', at };
    const newer = { ...signs({ stops: [{ ...stop, color: 'red' }], mood: 'good' }), weather: 'fine' };
    const follower = await listen(progress('0', signs({ writable: false })), progress('1', newer));
    expect(feed.signsOf('catalog')).toEqual({ writable: true, through: [], stops: [stop] });
    expect(feed.signsOf('telemetry')).toBeUndefined();
    owner.write(progress('1', signs({ writable: false })));
    await expect.poll(() => feed.signsOf('catalog')).toEqual({ writable: false, through: [], stops: [] });
    await follower.stop();
  });

  it('keeps the later of each shard, whoever says the earlier', async () => {
    const follower = await listen(
      progress('0', signs({ through: [through(0, 4, 2000), through(1, -1, 500)] })),
      progress('1', signs({ through: [through(0, 3, 9000), through(1, -1, 700)] })),
    );
    expect(feed.signsOf('catalog')?.through).toEqual([through(0, 4, 2000), through(1, -1, 700)]);
    owner.write(progress('1', signs({ through: [through(0, 4, 2500)] })));
    await expect.poll(() => feed.signsOf('catalog')?.through).toEqual([through(0, 4, 2500), through(1, -1, 700)]);
    await follower.stop();
  });

  it('takes the signs of an owner that does not know how far it is, but no sign of life', async () => {
    answer = (_, response) => response.write(progress('1', { ...signs({ writable: false }), isBehind: true }));
    const follower = follow([]);
    await expect.poll(() => feed.signsOf('catalog')?.writable).toBe(false);
    expect(feed.silentForMs('catalog')).toBe(Infinity);
    expect(follower.caughtUp).toBe(false);
    await follower.stop();
  });

  it.each([
    ['that are no object', { signs: 'all well' }, '/'],
    ['without `writable`', { signs: { through: [], stops: [] } }, 'signs'],
    ['of a shard beyond the last', signs({ through: [through(2, 0, 1)] }), 'beyond the last'],
    ['of no instant', signs({ through: [{ ...through(0, 0, 1), throughMs: 'now' }] }), 'signs/through/0/throughMs'],
    ['with a stop of an unknown kind', signs({ stops: [{ patchId: 'p', mode: 'blame', reason: '', at }] }), 'mode'],
  ])('stops at signs %s', async (_, more, words) => {
    answer = (__, response) => response.write(progress('1', more));
    const follower = follow([]);
    await expect(follower.reached('1')).rejects.toBeInstanceOf(FeedFault);
    expect(String(follower.failedBecause)).toContain(words.replace(/^\/$/, 'signs'));
  });
});
