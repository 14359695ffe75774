import { type HealthBucketClosed } from '@sluice/domain-cohorts';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { readPackedFacts } from '@sluice/domain-fleet';
import { Caller, Tokens } from '@sluice/platform';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Cluster, type Instance, report, SHARDS } from './cluster.fixture.ts';
import { Fleet } from './fleet/fleet.ts';
import { ReportsIntake } from './intake/reports.intake.ts';
import { unread } from './shard/shard-fold.ts';
import { hashDevice, shardOf } from './shard/shard-of.ts';
import { packSnapshot } from './shard/shard-snapshot.ts';
import { ShardTakeover } from './shard/shard-takeover.ts';

const PATCHED = '23D771330a';

let cluster: Cluster;

beforeEach(() => {
  cluster = new Cluster();
});

afterEach(() => cluster.stop());

const shard = (deviceId: string) => shardOf(hashDevice(deviceId), SHARDS);
const ids = (count: number, prefix = 'd') => Array.from({ length: count }, (_, index) => `${prefix}-${String(index)}`);
/** The first device of a shard. */
const deviceOf = (wanted: number, prefix = 'd') => ids(500, prefix).find((id) => shard(id) === wanted) ?? 'none';

/** All facts in the store, by device key and report hash: what was accepted, and how often. */
async function stored(): Promise<{ facts: number; unique: number }> {
  const seen = new Set<string>();
  let facts = 0;
  for (const { body } of await cluster.commits('fleet-')) {
    if (body.kind !== 'packed') continue;
    const { count, reports } = readPackedFacts(body.bytes);
    for (let index = 0; index < count; index += 1)
      seen.add(`${String(reports[index * 2])} ${String(reports[index * 2 + 1])}`);
    facts += count;
  }
  return { facts, unique: seen.size };
}

/** What an instance says of the fleet, without the instant. */
async function fleetOf(instance: Instance): Promise<Record<string, unknown>> {
  const { asOf: _, ...rest } = (await instance.get('/v1/fleet')).body;
  return rest;
}

async function buckets(): Promise<HealthBucketClosed[]> {
  return (await cluster.commits('health-')).flatMap(({ body }) =>
    body.kind === 'events' ? (body.events as readonly HealthBucketClosed[]) : [],
  );
}

async function verify(instance: Instance): Promise<Record<string, unknown>> {
  const { body } = await instance.call('POST', '/v1/replays', { body: { verify: true } });
  const job = `/v1/replays/${String(body['id'])}`;
  await expect.poll(async () => (await instance.get(job)).body['status']).not.toBe('running');
  return (await instance.get(job)).body;
}

async function start(count: 2 | 3): Promise<[Instance, Instance, Instance]> {
  const [a, b, c = a] = await cluster.startAll(...['a', 'b', 'c'].slice(0, count));
  if (a === undefined || b === undefined || c === undefined) throw new Error('nothing has started');
  return [a, b, c];
}

describe('reporting to any instance', () => {
  it('takes every report once, wherever it is sent, and answers with the right indices', async () => {
    const instances = await start(3);
    const reports = ids(60).map((deviceId) => report({ deviceId }));
    const mixed = [
      ...reports.slice(0, 30),
      report({ kind: 'teleported' }),
      ...reports.slice(30),
      report({ osBuild: 7 }),
    ];
    const first = await instances[0].send(mixed);
    expect(first).toMatchObject({ status: 202, body: { accepted: 60, duplicates: 0 } });
    expect((first.body['refused'] as { index: number }[]).map(({ index }) => index)).toEqual([30, 61]);
    for (const instance of instances) {
      expect((await instance.send(reports)).body).toEqual({ accepted: 0, duplicates: 60, refused: [] });
    }
    expect(await stored()).toEqual({ facts: 60, unique: 60 });
    expect(new Set((await cluster.commits('fleet-')).map(({ stream }) => stream)).size).toBe(SHARDS);
  });

  it('checks at the first instance whom the caller may speak for, and keeps its name', async () => {
    const [a, b] = await start(2);
    const token = cluster.tokens.createLocal('Büro 7', ['device'], { devicePrefix: 'd-' });
    const [own, others] = [deviceOf(0), deviceOf(1)];
    const { body } = await a.send(
      [report({ deviceId: own }), report({ deviceId: others }), report({ deviceId: 'e-1' })],
      token,
    );
    expect(body).toMatchObject({ accepted: 2, refused: [{ index: 2, code: 'device-forbidden' }] });
    const actors = (await cluster.commits('fleet-')).map(({ metadata }) => metadata.actor);
    expect(actors).toEqual(['Büro 7', 'Büro 7']);
    const forged = { token, headers: { 'x-sluice-handed-on': 'admin' }, body: { reports: [report()] } };
    expect(await b.call('POST', '/v1/reports', forged)).toMatchObject({ status: 403, body: { code: 'forbidden' } });
  });

  it('hands nothing on a second time', async () => {
    const [a] = await start(2);
    const body = { reports: [report({ deviceId: deviceOf(0) }), report({ deviceId: deviceOf(1) })] };
    const answer = await a.call('POST', '/v1/reports', { body, headers: { 'x-sluice-handed-on': 'someone' } });
    expect(answer).toMatchObject({ status: 503, body: { code: 'shard-without-owner' } });
    expect(await stored()).toEqual({ facts: 0, unique: 0 });
  });
});

describe('committing much at once', () => {
  const mine = ids(6 * 1000, 'a-device-with-quite-a-long-name-so-that-ids-count-as-well').filter(
    (id) => shard(id) === 0,
  );

  it.each([
    ['plain', 'x'.repeat(2000)],
    ['escaped', '\u0001'.repeat(2000)],
    ['of several bytes a character', '語'.repeat(2000)],
  ])('keeps each commit below what EventStoreDB takes when details are %s', async (_name, detail) => {
    const [a] = await start(2);
    // The first one is on its way to the disk while all others come.
    cluster.store.slow = { stream: 'fleet-0', delayMs: 60 };
    const { begun } = cluster.store;
    const first = a.send([report({ deviceId: mine[0] })]);
    while (cluster.store.begun === begun) await nextTurn();
    const batches = Array.from({ length: 10 }, () =>
      mine.slice(0, 100).map((deviceId) => report({ deviceId, kind: 'incident', signal: 'crash', detail })),
    );
    const answers = await Promise.all(
      batches.flatMap((each) => [each.slice(0, 50), each.slice(50)]).map((each) => a.send(each)),
    );
    expect((await first).status).toBe(202);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]));
    expect(await stored()).toEqual({ facts: 1001, unique: 1001 });
    expect((await cluster.commits('fleet-0')).length).toBeGreaterThan(3);
  });
});

describe('turning reports away for want of room', () => {
  it('asks each shard for room for its own share only', async () => {
    const [a] = await start(2);
    const [busy, other] = [deviceOf(0), deviceOf(2)];
    const some = (count: number, deviceId: string) => Array.from({ length: count }, () => report({ deviceId }));
    cluster.store.slow = { stream: 'fleet-0', delayMs: 1500 };
    const { begun } = cluster.store;
    const first = a.send(some(1, busy));
    await expect.poll(() => cluster.store.begun, { interval: 2 }).toBe(begun + 1);
    const intake = a.app.get(ReportsIntake);
    const waiting = Array.from({ length: 33 }, () => intake.accept({ reports: some(990, busy) }, admin));
    // 32,671 of 32,768 wait.
    cluster.store.slow = { stream: 'none', delayMs: 0 };
    const mixed = a.send([...some(50, busy), ...some(450, other)]);
    const tooMuch = await a.send(some(200, busy));
    expect(tooMuch).toMatchObject({ status: 503, body: { code: 'overloaded' } });
    expect(await mixed).toMatchObject({ status: 202, body: { accepted: 500 } });
    await Promise.all([first, ...waiting]);
    expect(await stored()).toEqual({ facts: 1 + 33 * 990 + 500, unique: 1 + 33 * 990 + 500 });
  });

  const admin = {
    caller: new Caller('admin', ['admin']),
    cause: { actor: 'admin', correlationId: 'c' },
    handedOn: false,
  };
});

describe('taking shards over', () => {
  it('takes two at a time, and leaves out what is no longer wanted when its turn comes', async () => {
    const { app } = await cluster.start('a');
    const takeover = app.get(ShardTakeover);
    const turns: number[] = [];
    const gains = [0, 1, 2, 3].map((each) => takeover.gain(each, () => (turns.push(each), each !== 2)));
    expect(turns).toEqual([0, 1]);
    const outcomes = await Promise.allSettled(gains);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled']);
    expect(
      app
        .get(Fleet)
        .owned()
        .map((writer) => writer.shard),
    ).toEqual([0, 1, 3]);
  });
});

describe('handing reports on', () => {
  it('tells of what the owner refuses by the index of the request', async () => {
    const [a] = await start(2);
    const refused = [{ index: 0, code: 'invalid-report', detail: 'of a newer version' }];
    await withOddOwner(1, JSON.stringify({ accepted: 1, duplicates: 0, refused }), async () => {
      const reports = [0, 1, 1].map((each) => report({ deviceId: deviceOf(each) }));
      const { body } = await a.send([...reports, 'nonsense']);
      expect(body).toMatchObject({ accepted: 2, refused: [{ index: 1, detail: 'of a newer version' }, { index: 3 }] });
    });
  });

  it('takes an owner that answers nonsense for one that does not answer', async () => {
    const [a] = await start(2);
    await withOddOwner(1, '<html>', async () => {
      const answer = await a.send([report({ deviceId: deviceOf(1) })]);
      expect(answer).toMatchObject({ status: 503, body: { code: 'shard-without-owner' } });
    });
  });
});

/** A shard that, as far as the others know, is owned by a server that answers everything alike. */
async function withOddOwner(owned: number, answer: string | Buffer, act: () => Promise<void>): Promise<void> {
  const server = createServer((request, response) => {
    request.resume().once('end', () => response.end(answer));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  cluster.table.set(owned, { instance: 'odd', address: `http://127.0.0.1:${String(port)}` });
  try {
    await act();
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

describe('asking any instance', () => {
  it('gets the same fleet, devices, lists and health from each', async () => {
    const instances = await start(3);
    await cluster.tellCatalog({
      type: 'PatchPublished',
      platform: 'ios',
      variants: [{ build: PATCHED, prerequisiteBuild: '23D8133', models: ['iPhone18,1'] }],
    });
    const devices = ids(40);
    await instances[1].send(
      devices.map((deviceId, index) =>
        index % 2 === 0
          ? report({ deviceId })
          : report({ deviceId, kind: 'installed', patchId: 'a', osBuild: PATCHED }),
      ),
    );
    await cluster.pass(1);
    const [one, two, three] = await Promise.all(instances.map(fleetOf));
    expect(one).toMatchObject({ facts: 40, devices: 40, patches: { a: { installed: 20 } } });
    expect(one).not.toHaveProperty('shards');
    expect([two, three]).toEqual([one, one]);
    const health = await Promise.all(instances.map((instance) => instance.get('/v1/health?patchId=a')));
    expect(health[0]?.body).toMatchObject({ holders: { holders: 20 } });
    expect(health[1]).toEqual(health[0]);
    expect(health[2]).toEqual(health[0]);
    const token = cluster.tokens.peerToken();
    for (const instance of instances) {
      const { body } = await instance.call('GET', '/v1/shards/holders?patchId=a', { token });
      const { holders } = body['counted'] as { holders: { withinDay: number }[] };
      expect(holders.reduce((sum, { withinDay }) => sum + withinDay, 0)).toBe(20);
    }
    for (const instance of instances) {
      expect((await instance.get('/v1/devices/d-7')).body).toMatchObject({ deviceId: 'd-7', osBuild: PATCHED });
      expect(await instance.get('/v1/devices/nobody')).toMatchObject({
        status: 404,
        body: { code: 'device-not-found' },
      });
      expect(await pages(instance, '/v1/devices?limit=7')).toEqual(devices.toSorted());
      expect(await pages(instance, '/v1/devices?limit=3&patchId=a&state=installed')).toHaveLength(20);
      expect(await verify(instance)).toMatchObject({ status: 'done', matches: true });
    }
  });

  async function pages(instance: Instance, url: string): Promise<string[]> {
    const found: string[] = [];
    let cursor = '';
    for (let page = 0; page < 40; page += 1) {
      const { body } = await instance.get(`${url}${cursor}`);
      found.push(...(body['items'] as { deviceId: string }[]).map(({ deviceId }) => deviceId));
      if (body['nextCursor'] === undefined) return found.toSorted();
      cursor = `&cursor=${body['nextCursor'] as string}`;
    }
    throw new Error('the list does not end');
  }

  it('says of which kinds an instance does not know all that needs a person, until it owns all shards', async () => {
    const [a, b] = await start(2);
    const deviceId = deviceOf(1);
    await b.send([report({ deviceId })]);
    await b.send([report({ deviceId, model: 'iPhone17,1' })]);
    const unknown = (owned: number) => [
      {
        ...{ service: 'telemetry', kinds: ['removals-stubborn', 'id-used-twice'] },
        because: `this instance owns ${String(owned)} of 6 shards, and does not know the devices of the others`,
      },
    ];
    expect((await a.get('/v1/attention')).body).toEqual({ items: [], total: null, unknown: unknown(3) });
    const known = { total: null, unknown: unknown(3), items: [{ id: `id-used-twice:${deviceId}` }] };
    expect((await b.get('/v1/attention')).body).toMatchObject(known);
    for (let each = 0; each < SHARDS; each += 1) await cluster.move(each, b);
    expect((await b.get('/v1/attention')).body).toMatchObject({ ...known, total: 1, unknown: [] });
    expect((await a.get('/v1/attention?kind=id-used-twice')).body).toMatchObject({ items: [], unknown: unknown(0) });
  });

  it('retires a device at its owner, in the name of who asked', async () => {
    const [a, b] = await start(2);
    const deviceId = deviceOf(1);
    await a.send([report({ deviceId })]);
    const token = cluster.tokens.createLocal('olga', ['operator']);
    const retired = await a.call('POST', `/v1/devices/${deviceId}/retire`, { token });
    expect(retired).toMatchObject({ status: 200, body: { deviceId, retiredAt: '2026-03-17T12:00:00.000Z' } });
    expect((await b.get(`/v1/devices/${deviceId}`)).body).toEqual(retired.body);
    expect((await cluster.commits('fleet-')).at(-1)?.metadata.actor).toBe('olga');
    expect((await a.call('POST', '/v1/devices/nobody-knows/retire')).status).toBe(404);
  });
});

describe('reading the feed of one of several instances', () => {
  type Page = { events: { stream: string; place: { revision: number }; data: { deviceId: string } }[]; next?: unknown };
  const feed = async (instance: Instance, query: string) =>
    (await instance.get(`/v1/feed${query}`)).body as unknown as Page;

  /** Two commits a shard: the second ones do not name their devices. */
  async function startWithFacts(): Promise<[Instance, Instance]> {
    const [a, b] = await start(2);
    for (let round = 0; round < 2; round += 1) {
      expect((await a.send(ids(30).map((deviceId) => report({ deviceId })))).status).toBe(202);
    }
    return [a, b];
  }

  it('gives the facts of the shards that are owned here, by default and when asked for, and all other topics', async () => {
    const [a, b] = await startWithFacts();
    await cluster.tellCatalog({ type: 'PatchFoldedIn' });
    await cluster.pass(1);
    const pages = [await feed(a, ''), await feed(b, '')];
    const facts = pages.map(({ events }) => events.filter(({ stream }) => stream.startsWith('fleet-')));
    expect(facts.map((each) => [...new Set(each.map(({ stream }) => stream))].toSorted())).toEqual([
      ['fleet-0', 'fleet-2', 'fleet-4'],
      ['fleet-1', 'fleet-3', 'fleet-5'],
    ]);
    expect(facts.flat()).toHaveLength(60);
    expect(new Set(facts.flat().map(({ data }) => data.deviceId)).size).toBe(30);
    const others = pages.map(({ events }) => events.filter(({ stream }) => !stream.startsWith('fleet-')));
    expect(others[0]?.length).toBeGreaterThan(1);
    expect(others[1]).toEqual(others[0]);
    expect((await feed(b, '?topics=fleet')).events).toEqual(facts[1]);
    await cluster.move(1, a);
    const moved = (await feed(a, '?topics=fleet')).events.filter(({ stream }) => stream === 'fleet-1');
    expect(moved).toEqual(facts[1]?.filter(({ stream }) => stream === 'fleet-1'));
  });

  it('gives the stream of any shard, by its owner', async () => {
    const [a, b] = await startWithFacts();
    const whole = await feed(b, '?stream=fleet-1');
    expect(whole.events.length).toBeGreaterThan(2);
    expect(await feed(a, '?stream=fleet-1')).toEqual(whole);
    const token = cluster.tokens.createLocal('lake', ['viewer']);
    const part = await a.call('GET', '/v1/feed?stream=fleet-1&fromRevision=1&limit=1', { token });
    expect(part.status).toBe(200);
    expect(part.body['events']).toEqual(whole.events.filter(({ place }) => place.revision === 1));
    const device = cluster.tokens.createLocal('d', ['device'], { deviceId: 'd-1' });
    expect((await a.call('GET', '/v1/feed?stream=fleet-1', { token: device })).status).toBe(403);
    expect(await feed(a, '?stream=fleet-99')).toEqual({ events: [] });
    expect((await feed(a, '?stream=health-1')).events).toEqual((await feed(b, '?stream=health-1')).events);
  });

  it('says so when nobody owns the shard of a stream, or a question has been handed on already', async () => {
    const [a, b] = await startWithFacts();
    const headers = { 'x-sluice-handed-on': 'b' };
    const refused = { status: 503, body: { code: 'shard-without-owner' } };
    expect(await a.call('GET', '/v1/feed?stream=fleet-1', { headers })).toMatchObject(refused);
    await cluster.kill(b);
    expect(await a.get('/v1/feed?stream=fleet-1')).toMatchObject(refused);
    await cluster.move(1, undefined);
    expect(await a.get('/v1/feed?stream=fleet-1')).toMatchObject(refused);
    expect((await a.get('/v1/feed')).status).toBe(200);
  });
});

describe('losing an owner', () => {
  it('refuses the reports of its shards, says that sums are not whole, and recovers', async () => {
    const [a, b] = await start(2);
    const reports = ids(40).map((deviceId) => report({ deviceId }));
    await a.send(reports);
    const whole = await fleetOf(a);
    expect(await withoutOwner(a)).toBe(0);
    await cluster.kill(b);
    const more = ids(40).map((deviceId) => report({ deviceId }));
    expect(await a.send(more)).toMatchObject({ status: 503, body: { code: 'shard-without-owner' } });
    expect(await withoutOwner(a)).toBe(3);
    const own = more.filter(({ deviceId }) => shard(String(deviceId)) % 2 === 0);
    expect((await a.send(own)).status).toBe(202);
    expect(await fleetOf(a)).toMatchObject({ shards: { total: SHARDS, withoutOwner: [1, 3, 5] } });
    const lost = await a.get(`/v1/devices/${deviceOf(1)}`);
    expect(lost).toMatchObject({ status: 503, body: { code: 'shard-without-owner' } });
    expect((await a.get('/v1/devices')).status).toBe(503);
    const c = await cluster.start('c');
    await cluster.move(1, c);
    expect(await withoutOwner(a)).toBe(2);
    for (const each of [1, 3, 5]) await cluster.move(each, undefined);
    expect(await withoutOwner(a)).toBe(3);
    expect(await a.send(more)).toMatchObject({ status: 503, body: { code: 'shard-without-owner' } });
    for (const each of [1, 3, 5]) await cluster.move(each, a);
    expect((await a.send(more)).body).toMatchObject({ duplicates: own.length, accepted: 40 - own.length });
    expect(await fleetOf(a)).toMatchObject({ ...whole, facts: 80, position: expect.any(String) });
    expect(await withoutOwner(a)).toBe(0);
    expect(await stored()).toEqual({ facts: 80, unique: 80 });
  });

  it('counts its shards again once it answers', async () => {
    const [a, b] = await start(2);
    const { owner } = b;
    await cluster.kill(b);
    expect((await a.get(`/v1/devices/${deviceOf(1)}`)).status).toBe(503);
    expect(await withoutOwner(a)).toBe(3);
    const { port } = new URL(owner.address);
    const back = createServer((_, response) => {
      response.writeHead(404).end(JSON.stringify({ code: 'device-not-found' }));
    }).listen(Number(port), '127.0.0.1');
    await once(back, 'listening');
    expect((await a.get(`/v1/devices/${deviceOf(1)}`)).status).toBe(404);
    expect(await withoutOwner(a)).toBe(0);
    back.close();
    back.closeAllConnections();
  });

  /** The gauge that an alert looks at. */
  async function withoutOwner({ owner, app }: Instance): Promise<number> {
    const headers = { authorization: `Bearer ${app.get(Tokens).adminToken()}` };
    const metrics = await (await fetch(`${owner.address}/metrics`, { headers })).text();
    return Number(/^sluice_shards_without_owner (\d+)$/m.exec(metrics)?.[1]);
  }
});

describe('asking other instances', () => {
  it('needs nothing but the key of the peers, also once it is gone from the disk', async () => {
    const [a, b] = await start(2);
    for (const file of ['admin-token', 'peers-key']) rmSync(join(cluster.folder, file));
    const reports = ids(20).map((deviceId) => report({ deviceId }));
    expect(await a.send(reports)).toMatchObject({ status: 202, body: { accepted: 20 } });
    expect(await b.get('/v1/fleet')).toMatchObject({ status: 200, body: { devices: 20 } });
  });

  it.each([
    ['a word', 'one'],
    ['a shard that is none', String(SHARDS)],
    ['a part of one', '0.5'],
    ['nothing', ''],
    ['less than nothing', '-1'],
    ['too much', Array.from({ length: 500 }, () => '0').join(',')],
  ])('refuses %s among the shards that are asked after', async (_name, shards) => {
    const [a] = await start(2);
    const headers = { 'x-sluice-handed-on': 'b', 'x-sluice-shards': shards };
    expect(await a.call('GET', '/v1/fleet', { headers })).toMatchObject({
      status: 400,
      body: { code: 'invalid-request' },
    });
    const some = { ...headers, 'x-sluice-shards': '0,1' };
    expect(await a.call('GET', '/v1/fleet', { headers: some })).toMatchObject({
      status: 200,
      body: { shards: { withoutOwner: [1] } },
    });
  });
});

describe('handing shards over', () => {
  it('loses and doubles nothing while reports keep coming', async () => {
    const instances = await start(3);
    cluster.store.delayMs = 3;
    const stop = new AbortController();
    const tally = { sent: 0, acknowledged: 0, refusals: 0 };
    const sender = async (name: string) => {
      while (!stop.signal.aborted) {
        const batch = ids(20, name).map((deviceId) => report({ deviceId }));
        tally.sent += batch.length;
        for (let index = tally.sent; ; index += 1) {
          const { status, body } = (await instances[index % 3]?.send(batch)) ?? { status: 0, body: {} };
          if (status === 202) {
            tally.acknowledged += Number(body['accepted']) + Number(body['duplicates']);
            break;
          }
          expect([status, body['code']]).toEqual([503, 'shard-without-owner']);
          tally.refusals += 1;
        }
      }
    };
    const senders = ['p', 'q', 'r', 's'].map(sender);
    for (let round = 0; round < 60; round += 1) {
      await cluster.move(round % SHARDS, instances[(round * 7 + 1) % 3]);
      // Reports come between one move and the next.
      const { sent } = tally;
      while (tally.sent === sent) await nextTurn();
    }
    stop.abort();
    await Promise.all(senders);
    await cluster.settle();
    expect(tally.acknowledged).toBe(tally.sent);
    expect(await stored()).toEqual({ facts: tally.sent, unique: tally.sent });
    for (const instance of instances) {
      expect(await fleetOf(instance)).toMatchObject({ facts: tally.sent, devices: 80 });
      expect(await verify(instance)).toMatchObject({ matches: true });
    }
    process.stderr.write(
      `handed over 60 times: ${JSON.stringify(tally)}, in store ${String((await stored()).facts)}\n`,
    );
  });

  it('goes on from the snapshot of the former owner, and from its own when the shard comes back', async () => {
    const [a, b] = await start(2);
    const deviceId = deviceOf(0);
    for (let commit = 0; commit < 10; commit += 1) await a.send([report({ deviceId })]);
    const again = report({ deviceId });
    await a.send([again]);
    cluster.store.reads.length = 0;
    await cluster.move(0, b);
    expect(cluster.store.reads.filter(({ stream }) => stream === 'fleet-0')).toEqual([{ stream: 'fleet-0', from: 10 }]);
    expect((await b.send([again])).body).toMatchObject({ duplicates: 1 });
    await b.send([report({ deviceId })]);
    cluster.store.reads.length = 0;
    await cluster.move(0, a);
    expect(cluster.store.reads.filter(({ stream }) => stream === 'fleet-0')).toEqual([{ stream: 'fleet-0', from: 10 }]);
    expect(await fleetOf(a)).toMatchObject({ facts: 12 });
    for (const each of [a, b]) expect(await verify(each)).toMatchObject({ matches: true });
  });

  it.each([
    ['is damaged', (bytes: Buffer) => bytes.fill(7, 100, 101)],
    ['is cut off', (bytes: Buffer) => bytes.subarray(0, 40)],
    ['is empty', (bytes: Buffer) => bytes.subarray(0, 0)],
    ['is ahead of the stream', (bytes: Buffer) => bytes],
  ])('folds the stream from the beginning when the snapshot %s', async (_name, change) => {
    const [a] = await start(2);
    await a.send([report({ deviceId: deviceOf(0) })]);
    await cluster.move(0, undefined);
    const c = await cluster.start('c');
    const ahead = unread();
    ahead.fold.last = { revision: 99, position: '999', commitId: 'never' };
    await withOddOwner(0, change(Buffer.concat([...packSnapshot(0, ahead).pieces])), async () => {
      cluster.store.reads.length = 0;
      await cluster.move(0, c);
    });
    expect(cluster.store.reads.filter(({ stream }) => stream === 'fleet-0').at(-1)).toMatchObject({ from: 0 });
    expect(await fleetOf(c)).toMatchObject({ facts: 1 });
  });

  it('gives a shard up only when what was accepted is in the store', async () => {
    const [a, b] = await start(2);
    cluster.store.delayMs = 40;
    const { begun } = cluster.store;
    const answer = a.send([report({ deviceId: deviceOf(0) })]);
    await expect.poll(() => cluster.store.begun, { interval: 2 }).toBe(begun + 1);
    await cluster.move(0, b);
    expect(await stored()).toEqual({ facts: 1, unique: 1 });
    expect(await answer).toMatchObject({ status: 202, body: { accepted: 1 } });
    expect(await fleetOf(b)).toMatchObject({ facts: 1 });
  });

  it('gives snapshots to other instances only', async () => {
    const [a] = await start(2);
    const token = cluster.tokens.createLocal('viewer', ['viewer']);
    expect(await a.call('GET', '/v1/shards/0/snapshot', { token })).toMatchObject({ status: 403 });
    expect(await a.get('/v1/shards/1/snapshot')).toMatchObject({ status: 503, body: { code: 'shard-without-owner' } });
    expect(await a.get('/v1/shards/one/snapshot')).toMatchObject({ status: 400 });
  });
});

describe('owning a shard twice', () => {
  it('lets one owner write at a time, and keeps what each one acknowledged', async () => {
    const [a, b] = await start(2);
    // As after a pause: `a` does not know that its shard went to `b`.
    await b.ownership.gain(0);
    cluster.store.delayMs = 1;
    const devices = ids(300).filter((deviceId) => shard(deviceId) === 0);
    let acknowledged = 0;
    for (let round = 0; round < 20; round += 1) {
      const answers = await Promise.all(
        [a, b].map((each) => each.send(devices.map((deviceId) => report({ deviceId, model: each.name })))),
      );
      for (const { status, body } of answers) {
        if (status === 202) acknowledged += Number(body['accepted']);
        else expect(body).toMatchObject({ code: 'shard-without-owner' });
      }
      await cluster.settle();
    }
    expect(acknowledged).toBeGreaterThan(0);
    expect(await stored()).toEqual({ facts: acknowledged, unique: acknowledged });
    const revisions = (await cluster.commits('fleet-0')).map(({ revision }) => revision);
    expect(revisions).toEqual(revisions.map((_, index) => index));
    await cluster.move(0, b);
    expect((await b.send([report({ deviceId: deviceOf(0) })])).status).toBe(202);
    expect(await fleetOf(a)).toMatchObject({ facts: acknowledged + 1 });
    for (const each of [a, b]) expect(await verify(each)).toMatchObject({ matches: true });
  });
});

describe('writing to several shards at once', () => {
  it('acknowledges nothing when one of them refuses while another is still being written', async () => {
    const [a, b] = await start(2);
    await b.ownership.gain(0);
    await b.send([report({ deviceId: deviceOf(0) })]);
    cluster.store.slow = { stream: 'fleet-2', delayMs: 30 };
    const reports = [report({ deviceId: deviceOf(2) }), report({ deviceId: deviceOf(0) })];
    expect(await a.send(reports)).toMatchObject({ status: 503, body: { code: 'shard-without-owner' } });
    await cluster.settle();
    expect((await a.send(reports)).body).toMatchObject({ accepted: 1, duplicates: 1 });
  });
});

describe('writing without an answer', () => {
  it('asks again under the same commit id, and writes once', async () => {
    const [a] = await start(2);
    cluster.store.answersLost.count = 1;
    expect(await a.send([report({ deviceId: deviceOf(0) })])).toMatchObject({ status: 202, body: { accepted: 1 } });
    expect(await stored()).toEqual({ facts: 1, unique: 1 });
  });

  it('reads the stream again when no answer comes at all, and goes on', async () => {
    const [a] = await start(2);
    const doubtful = report({ deviceId: deviceOf(0) });
    cluster.store.answersLost.count = 5;
    expect(await a.send([doubtful])).toMatchObject({ status: 503, body: { code: 'store-unavailable' } });
    cluster.store.answersLost.count = 0;
    const other = report({ deviceId: deviceOf(0) });
    const answers = [await a.send([doubtful]), (await cluster.settle(), await a.send([doubtful, other]))];
    expect(answers.map(({ status }) => status)).toEqual([503, 202]);
    expect(answers[1]?.body).toMatchObject({ accepted: 1, duplicates: 1 });
    expect(await stored()).toEqual({ facts: 2, unique: 2 });
    expect(await fleetOf(a)).toMatchObject({ facts: 2 });
  });
});

describe('telling health from owner to owner', () => {
  const trials = async () =>
    (await buckets()).flatMap(({ installs }) => installs.started).reduce((sum, started) => sum + started, 0);

  it('counts every trial once, wherever the shard is', async () => {
    const instances = await start(3);
    let devices = 0;
    for (const [round, minutes] of [0.4, 1, 0.2, 30, 95, 1, 0.5, 130, 0.1, 1].entries()) {
      const reports = Array.from({ length: 12 }, (_, index) => {
        devices += 1;
        const fields = { deviceId: `t-${String(devices)}`, patchId: 'a', occurredAt: cluster.clock.nowText() };
        // Half of them never say that they started, and count once their deadline has passed.
        const ended = report({ ...fields, kind: index % 4 === 0 ? 'install-failed' : 'installed' });
        return index % 2 === 0 ? [report({ ...fields, kind: 'install-started' }), ended] : [ended];
      }).flat();
      expect((await instances[round % 3]?.send(reports))?.status).toBe(202);
      await cluster.pass(minutes);
      for (let each = 0; each < SHARDS; each += 2)
        await cluster.move((each + round) % SHARDS, instances[(each + round * 5) % 3]);
    }
    await cluster.pass(241);
    expect(await trials()).toBe(devices);
    const [one, two] = await Promise.all(instances.map((instance) => instance.get('/v1/health?patchId=a')));
    expect(one?.body).toMatchObject({ cells: [{ trials: devices, failures: devices / 4 }] });
    expect(two).toEqual(one);
  });

  it('counts no trial again that the next owner has told before the shard comes back', async () => {
    const [a, b] = await start(2);
    await a.send([report({ deviceId: deviceOf(0), kind: 'install-started', patchId: 'a' })]);
    await cluster.move(0, b);
    await cluster.pass(1);
    await cluster.move(0, a);
    await cluster.pass(1);
    expect(await trials()).toBe(1);
    expect(await verify(a)).toMatchObject({ matches: true });
  });

  it('folds anew when a former owner has told less than is kept', async () => {
    const [a, b] = await start(2);
    const started = (prefix: string) =>
      report({ deviceId: deviceOf(0, prefix), kind: 'install-started', patchId: 'a' });
    await a.send([started('d')]);
    await b.ownership.gain(0);
    await a.send([started('e')]);
    await a.ownership.lose(0);
    // `b` does not know of the second one, and tells of the first.
    await cluster.pass(1);
    await b.ownership.lose(0);
    cluster.table.delete(0);
    await cluster.move(0, a);
    await cluster.pass(1);
    expect(await trials()).toBe(2);
    expect((await buckets()).filter((bucket) => bucket.shard === 0)).toHaveLength(2);
  });

  it('loses no trial of a bucket that could not be written before the shard went', async () => {
    const [a, b] = await start(2);
    await a.send([report({ deviceId: deviceOf(0), kind: 'install-started', patchId: 'a' })]);
    cluster.store.refusing = 'health-';
    await cluster.pass(1);
    cluster.store.refusing = 'none';
    await cluster.move(0, b);
    await cluster.pass(1);
    expect(await trials()).toBe(1);
  });

  it('writes one bucket when two owners close it, and counts on from there', async () => {
    const [a, b] = await start(2);
    const started = (index: number) =>
      report({ deviceId: ids(300).filter((id) => shard(id) === 0)[index], kind: 'install-started', patchId: 'a' });
    await a.send([started(0), started(1)]);
    await b.ownership.gain(0);
    await cluster.pass(1);
    expect(await trials()).toBe(2);
    await b.send([started(2)]);
    await cluster.move(0, b);
    await b.send([started(3)]);
    await cluster.pass(1);
    await cluster.pass(1);
    expect(await trials()).toBe((await stored()).facts);
    const ofShard = (await buckets()).filter((bucket) => bucket.shard === 0);
    expect(ofShard.map(({ installs }) => installs.patch.length)).not.toContain(0);
  });

  it('tells in several buckets what is too much for one append', async () => {
    const [a, b] = await start(2);
    const model = (index: number) => `a-model-with-a-name-as-long-as-an-agent-may-say-it-${String(index)}`;
    // One shard with a slice for every device: 6000 cells and populations.
    const mine = ids(36_000, 'm').filter((deviceId) => shard(deviceId) === 0);
    for (let index = 0; index < mine.length; index += 500) {
      const some = mine.slice(index, index + 500);
      const started = some.map((deviceId, each) =>
        report({ deviceId, kind: 'install-started', patchId: 'a', model: model(index + each) }),
      );
      expect((await a.send(started)).status).toBe(202);
    }
    await cluster.pass(1);
    const announced = (await buckets()).filter((bucket) => bucket.shard === 0);
    expect(announced.length).toBeGreaterThan(1);
    expect(new Set(announced.map(({ to, throughRevision }) => `${to} ${String(throughRevision)}`)).size).toBe(1);
    expect(await trials()).toBe(mine.length);
    expect(announced.flatMap(({ populations }) => populations)).toHaveLength(mine.length);
    await cluster.move(0, b);
    await cluster.pass(2);
    expect((await buckets()).filter((bucket) => bucket.shard === 0)).toHaveLength(announced.length);
    expect(await verify(b)).toMatchObject({ matches: true });
  });

  it('writes a bucket once when the answer was lost', async () => {
    const [a] = await start(2);
    await a.send([report({ deviceId: deviceOf(0), kind: 'install-started', patchId: 'a' })]);
    cluster.store.answersLost = { prefix: 'health-', count: 1 };
    cluster.store.reads.length = 0;
    await cluster.pass(1);
    await a.send([report({ deviceId: deviceOf(0, 'e'), kind: 'install-started', patchId: 'a' })]);
    await cluster.pass(1);
    await cluster.pass(1);
    expect(await trials()).toBe(2);
    expect((await buckets()).filter((bucket) => bucket.shard === 0)).toHaveLength(2);
    expect(cluster.store.reads).toEqual([]);
  });
});
