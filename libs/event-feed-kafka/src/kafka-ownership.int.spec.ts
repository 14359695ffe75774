import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { kafkaForTests, uniqueTopicPrefix } from '@sluice/testing';
import { describe, expect, it } from 'vitest';
import { kafkaClient, KafkaOwnership, KafkaTopicMismatch } from './index.ts';

const shared = await kafkaForTests();
const SHARDS = 8;

/** An instance that keeps a list of what it owns, and complains of what is out of order. */
class Instance {
  readonly owned = new Set<number>();
  readonly complaints: string[] = [];
  moves = 0;
  refusals = 0;
  readonly ownership: KafkaOwnership;

  constructor(
    readonly name: string,
    prefix: string,
    brokers = shared?.brokers ?? '',
  ) {
    this.ownership = new KafkaOwnership({
      client: kafkaClient({ brokers: [brokers], clientId: name }),
      instance: name,
      address: `http://${name}:1`,
      topics: { prefix },
      sessionMs: 6_000,
      heartbeatMs: 300,
    });
  }

  start(shards = SHARDS): Promise<void> {
    return this.ownership.start(shards, {
      gain: async (shard) => {
        if (this.owned.has(shard)) this.complaints.push(`${String(shard)} gained twice`);
        await turn();
        if (this.refusals-- > 0) throw new Error('not now');
        this.owned.add(shard);
        this.moves += 1;
      },
      lose: async (shard) => {
        if (!this.owned.delete(shard)) this.complaints.push(`${String(shard)} lost twice`);
        await turn();
      },
    });
  }
}

async function until(isTrue: () => boolean, what: string): Promise<void> {
  for (let tries = 0; tries < 300; tries += 1) {
    if (isTrue()) return;
    await sleep(50);
  }
  throw new Error(`not within 15 s: ${what}`);
}

/** Each instance has its share, each shard one owner, and all instances say who it is. */
function isSettled(...instances: Instance[]): boolean {
  if (instances.some(({ owned }) => owned.size < Math.floor(SHARDS / instances.length))) return false;
  return Array.from({ length: SHARDS }, (_, shard) => shard).every((shard) => {
    const owners = instances.filter(({ owned }) => owned.has(shard));
    return (
      owners.length === 1 && instances.every(({ ownership }) => ownership.ownerOf(shard)?.instance === owners[0]?.name)
    );
  });
}

describe.runIf(shared)('sharing shards out over a consumer group', () => {
  it('moves as few as can be when instances come and go', { timeout: 60_000 }, async () => {
    const prefix = uniqueTopicPrefix();
    const [a, b, c] = [new Instance('a', prefix), new Instance('b', prefix), new Instance('c', prefix)];
    expect(a.ownership.notReady()).toBe('no shards were assigned yet');
    a.refusals = 2;
    await a.start();
    await until(() => isSettled(a), 'one instance owns all');
    await until(() => a.ownership.notReady() === undefined, 'ready');
    await b.start();
    await until(() => isSettled(a, b), 'two share');
    expect([a.owned.size, b.owned.size, b.moves]).toEqual([4, 4, 4]);
    await c.start();
    await until(() => isSettled(a, b, c), 'three share');
    expect([a.owned.size, b.owned.size, c.owned.size].sort()).toEqual([2, 3, 3]);
    expect([a.moves, b.moves, c.moves]).toEqual([8, 4, 2]);
    const first = [...a.owned][0] ?? 0;
    a.ownership.release(first);
    expect(a.ownership.ownerOf(first)).toBeUndefined();
    await until(() => isSettled(a, b, c), 'a shard that was given back comes again');
    await b.ownership.stop();
    expect(b.owned.size).toBe(0);
    await until(() => isSettled(a, c), 'two share what the third had');
    await Promise.all([a.ownership.stop(), c.ownership.stop()]);
    expect([a, b, c].flatMap(({ complaints }) => complaints)).toEqual([]);
    expect([a, b, c].flatMap(({ owned }) => [...owned])).toEqual([]);
  });

  it('settles after instances came and went in quick succession', { timeout: 60_000 }, async () => {
    const prefix = uniqueTopicPrefix();
    const stays = new Instance('stays', prefix);
    await stays.start();
    const others: Instance[] = [];
    for (let times = 0; times < 8; times += 1) {
      const other = new Instance(`other-${String(times)}`, prefix);
      others.push(other);
      other.refusals = times % 3;
      await other.start();
      // Some go on while the last one has not come in yet.
      if (times % 3 > 0)
        await until(() => other.ownership.notReady() !== 'no shards were assigned yet', 'it has joined');
      if (times % 2 === 0) await other.ownership.stop();
      else void others[times - 1]?.ownership.stop();
    }
    const left = others.filter((_, index) => index % 2 === 1);
    await until(() => isSettled(stays, ...left), 'five share');
    await Promise.all([stays, ...left].map(({ ownership }) => ownership.stop()));
    expect([stays, ...others].flatMap(({ complaints, owned }) => [...complaints, ...owned])).toEqual([]);
  });

  it('says of a shard that is given up that nobody has it', { timeout: 60_000 }, async () => {
    const prefix = uniqueTopicPrefix();
    const [a, b] = [new Instance('a', prefix), new Instance('b', prefix)];
    await a.start();
    await until(() => isSettled(a), 'one instance owns all');
    b.refusals = Number.MAX_SAFE_INTEGER;
    await b.start();
    const mayKnow = (shard: number) => b.ownership.ownerOf(shard) !== undefined;
    await until(() => a.owned.size === SHARDS / 2 && [...a.owned].every(mayKnow), 'b knows of the half that a has');
    const given = Array.from({ length: SHARDS }, (_, shard) => shard).filter((shard) => !a.owned.has(shard));
    await until(() => !given.some(mayKnow), 'nobody has what a gave up');
    await a.ownership.stop();
    await until(() => !Array.from({ length: SHARDS }, (_, shard) => shard).some(mayKnow), 'nobody has what a had');
    await b.ownership.stop();
  });

  it('does not begin when it is stopped while it waits for the broker', async () => {
    const instance = new Instance('a', uniqueTopicPrefix(), '127.0.0.1:1');
    const starting = instance.start();
    await instance.ownership.stop();
    await starting;
    expect(instance.ownership.notReady()).toBe('no shards were assigned yet');
    expect(instance.ownership).toMatchObject({ membership: { status: 'new' } });
  });

  it('refuses a topic with another number of partitions', async () => {
    const prefix = uniqueTopicPrefix();
    const [a, b] = [new Instance('a', prefix), new Instance('b', prefix)];
    await a.start();
    await expect(b.start(4)).rejects.toBeInstanceOf(KafkaTopicMismatch);
    await a.ownership.stop();
  });
});
