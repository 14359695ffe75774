import { OwnSigns, type ShardThrough } from '@sluice/event-feed';
import { type Append, StoreUnavailable } from '@sluice/event-sourcing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Cluster, type Instance, report, SHARDS } from '../cluster.fixture.ts';
import { hashDevice, shardOf } from '../shard/shard-of.ts';

const MINUTE = 60_000;

let cluster: Cluster;
let creation: number;

beforeEach(() => {
  cluster = new Cluster();
  creation = cluster.clock.now();
});
afterEach(() => cluster.stop());

function throughOf({ app }: Instance, shard: number): ShardThrough | undefined {
  return app
    .get(OwnSigns)
    .current()
    .through.find((each) => each.shard === shard);
}

function deviceOf(shard: number, count = 1): string[] {
  const ids: string[] = [];
  for (let index = 0; ids.length < count; index += 1) {
    const deviceId = `d-${String(index)}`;
    if (shardOf(hashDevice(deviceId), SHARDS) === shard) ids.push(deviceId);
  }
  return ids;
}

async function restart(instance: Instance): Promise<Instance> {
  const shards = [...instance.ownership.claimed];
  await cluster.kill(instance);
  const again = await cluster.start(instance.name);
  for (const shard of shards) await cluster.move(shard, again);
  return again;
}

describe('saying up to when health is counted', () => {
  it('begins with the creation of the fleet, also for an instance that starts later', async () => {
    const [a] = await cluster.startAll('a');
    expect(a && throughOf(a, 5)).toEqual({ shard: 5, shards: SHARDS, throughMs: creation, revision: -1 });
    await cluster.clock.advanceTo(creation + MINUTE / 2);
    expect(throughOf(await restart(a as Instance), 5)).toMatchObject({ throughMs: creation, revision: -1 });
  });

  it('moves to the end of each bucket, whether something changed or not', async () => {
    const [a] = (await cluster.startAll('a')) as [Instance];
    await a.send(deviceOf(0).map((deviceId) => report({ deviceId })));
    await cluster.pass(1);
    expect(throughOf(a, 0)).toMatchObject({ throughMs: creation + MINUTE, revision: 0 });
    expect(throughOf(a, 1)).toMatchObject({ throughMs: creation + MINUTE, revision: -1 });
    await cluster.pass(3);
    expect(throughOf(a, 0)).toMatchObject({ throughMs: creation + 4 * MINUTE, revision: 0 });
  });

  it('says after a restart what the stored buckets say', async () => {
    const [a] = (await cluster.startAll('a')) as [Instance];
    await a.send(deviceOf(0).map((deviceId) => report({ deviceId })));
    await cluster.pass(1);
    await cluster.pass(5);
    const again = await restart(a);
    expect(throughOf(again, 0)).toMatchObject({ throughMs: creation + MINUTE, revision: 0 });
    expect(throughOf(again, 1)).toMatchObject({ throughMs: creation, revision: -1 });
    // What passed meanwhile is one bucket, and is due at once.
    await cluster.clock.advanceTo(cluster.clock.now() + 1);
    expect(throughOf(again, 1)).toMatchObject({ throughMs: creation + 6 * MINUTE + 1, revision: -1 });
  });

  it('stands still while a bucket cannot be written', async () => {
    const [a] = (await cluster.startAll('a')) as [Instance];
    await a.send(deviceOf(0).map((deviceId) => report({ deviceId })));
    cluster.store.refusing = 'health-';
    await cluster.pass(1);
    await cluster.pass(1);
    expect(throughOf(a, 0)).toMatchObject({ throughMs: creation, revision: -1 });
    cluster.store.refusing = 'none';
    await cluster.pass(1);
    // The bucket that is written now was closed after the first minute.
    expect(throughOf(a, 0)).toMatchObject({ throughMs: creation + MINUTE, revision: 0 });
  });

  it('moves with the last part of a bucket', async () => {
    const [a] = (await cluster.startAll('a')) as [Instance];
    const model = (index: number) => `a-model-with-a-name-as-long-as-an-agent-may-say-it-${String(index)}`;
    const ids = deviceOf(0, 6_000);
    for (let index = 0; index < ids.length; index += 500) {
      const some = ids.slice(index, index + 500);
      await a.send(
        some.map((deviceId, each) =>
          report({ deviceId, kind: 'install-started', patchId: 'a', model: model(index + each) }),
        ),
      );
    }
    let parts = 1;
    const append = cluster.store.append.bind(cluster.store);
    cluster.store.append = (each: Append) => {
      if (each.stream !== 'health-0' || parts > 0) {
        if (each.stream === 'health-0') parts -= 1;
        return append(each);
      }
      return Promise.reject(new StoreUnavailable('the disk is full'));
    };
    await cluster.pass(1);
    expect(await cluster.commits('health-0')).toHaveLength(1);
    expect(throughOf(a, 0)).toMatchObject({ throughMs: creation, revision: -1 });
    cluster.store.append = append;
    await cluster.pass(1);
    const { length } = await cluster.commits('health-0');
    expect(length).toBeGreaterThan(1);
    expect(throughOf(a, 0)).toMatchObject({ throughMs: creation + MINUTE, revision: length - 1 });
  });

  it('leaves out what was received but waits for the disk', async () => {
    const [a] = (await cluster.startAll('a')) as [Instance];
    await cluster.clock.advanceTo(creation + MINUTE / 2);
    cluster.store.slow = { stream: 'fleet-0', delayMs: 100 };
    const sent = a.send(deviceOf(0).map((deviceId) => report({ deviceId })));
    const { begun } = cluster.store;
    await expect.poll(() => cluster.store.begun, { interval: 1 }).toBeGreaterThan(begun);
    await cluster.clock.advanceTo(creation + MINUTE);
    expect(throughOf(a, 0)).toMatchObject({ throughMs: creation + MINUTE / 2, revision: -1 });
    expect(throughOf(a, 1)).toMatchObject({ throughMs: creation + MINUTE });
    await sent;
    await cluster.pass(1);
    expect(throughOf(a, 0)).toMatchObject({ throughMs: creation + 2 * MINUTE, revision: 0 });
  });
});

describe('several instances that say up to when health is counted', () => {
  it('each speaks for the shards that it owns; the last word on a lost shard stands', async () => {
    const [a, b] = (await cluster.startAll('a', 'b')) as [Instance, Instance];
    await cluster.pass(1);
    expect(throughOf(a, 0)).toMatchObject({ throughMs: creation + MINUTE });
    expect(throughOf(b, 0)).toBeUndefined();
    await cluster.move(0, undefined);
    await cluster.pass(1);
    expect(throughOf(a, 0)).toMatchObject({ throughMs: creation + MINUTE });
    expect(throughOf(a, 2)).toMatchObject({ throughMs: creation + 2 * MINUTE });
    await cluster.move(0, b);
    await cluster.pass(1);
    expect(throughOf(a, 0)).toMatchObject({ throughMs: creation + MINUTE });
    expect(throughOf(b, 0)).toMatchObject({ throughMs: creation + 3 * MINUTE });
  });
});
