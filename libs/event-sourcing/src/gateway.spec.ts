import { appendOf, StoppedClock } from '@sluice/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { type Append, type Appended, BEGINNING, StoreUnavailable } from './event-store.ts';
import { type Delivered, type Delivery, type Gateway, type GatewayPorts, GatewayRun } from './gateway.ts';
import { InMemoryEventStore } from './in-memory-event-store.ts';

/** Fails to append to the streams of gateways when it is told to. */
class FallibleStore extends InMemoryEventStore {
  failing = false;
  override async append(append: Append): Promise<Appended> {
    if (this.failing && append.stream.startsWith('gateway-')) throw new StoreUnavailable('the disk is full');
    return super.append(append);
  }
}

type Parcel = Delivery<string>;

let store: FallibleStore;
let nowMs: number;
let timers: { readonly dueMs: number; readonly call: () => void }[];
let sent: string[];
/** Answers by delivery; what is not in it is accepted. */
let answers: Map<string, Delivered | 'never'>;
let parcels: Map<string, readonly Parcel[]>;
let runs: GatewayRun<string>[];
let commits: number;

const failed: Delivered = { kind: 'failed', because: 'it said 500' };

beforeEach(() => {
  store = new FallibleStore(new StoppedClock());
  [nowMs, timers, sent, runs, commits] = [0, [], [], [], 0];
  [answers, parcels] = [new Map(), new Map()];
});

const ports: GatewayPorts = {
  nowMs: () => nowMs,
  monotonicMs: () => nowMs,
  after: (ms, call) => {
    const timer = { dueMs: nowMs + ms, call };
    timers.push(timer);
    return () => void (timers = timers.filter((each) => each !== timer));
  },
  random: () => 0.5,
};

function gateway(target = 'here'): Gateway<string> {
  return {
    ...{ kind: 'gateway', name: 'spec', target, streams: ['s-'] },
    deliveriesOf: ({ commitId }) => Promise.resolve(parcels.get(commitId) ?? []),
    deliver: ({ id }) => {
      sent.push(id);
      const answer = answers.get(id) ?? { kind: 'accepted' };
      return answer === 'never' ? new Promise(() => undefined) : Promise.resolve(answer);
    },
  };
}

async function start(target?: string, after = BEGINNING, again = false): Promise<GatewayRun<string>> {
  const run = new GatewayRun(store, gateway(target), ports);
  runs.push(run);
  void run.run(after, again);
  await settled();
  return run;
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** A commit with these deliveries; `key/id`. */
async function commit(...ids: readonly (string | Parcel)[]): Promise<string> {
  const commitId = `c${String(++commits)}`;
  const made = ids.map((each) => (typeof each === 'string' ? parcel(each) : each));
  parcels.set(commitId, made);
  const { position } = await store.append(appendOf({ stream: 's-1', commitId }));
  await settled();
  return position;
}

function parcel(id: string, more: Partial<Parcel> = {}): Parcel {
  return { id, key: id.split('/')[0] ?? '', content: id, ...more };
}

async function pass(ms: number): Promise<void> {
  nowMs += ms;
  const due = timers.filter(({ dueMs }) => dueMs <= nowMs);
  timers = timers.filter((each) => !due.includes(each));
  for (const { call } of due) call();
  for (const run of runs) run.tick(nowMs);
  await settled();
}

async function restart(after = BEGINNING): Promise<GatewayRun<string>> {
  for (const run of runs.splice(0)) await run.stop();
  sent = [];
  return start(undefined, after);
}

describe('delivering to the outside', () => {
  it('begins at the present, and delivers what comes in order', async () => {
    await commit('a/1');
    await start();
    await commit('a/2', 'b/1');
    await commit('a/3');
    expect(sent).toEqual(['a/2', 'b/1', 'a/3']);
  });

  it('lets a key wait for its first one, and no other key', async () => {
    answers.set('a/1', failed);
    const run = await start();
    await commit('a/1', 'a/2', 'b/1');
    expect(sent).toEqual(['a/1', 'b/1']);
    expect(run.status()).toMatchObject({ waiting: 2, lastFailure: { because: 'it said 500' } });
    answers.clear();
    await pass(5_000);
    expect(sent).toEqual(['a/1', 'b/1', 'a/1', 'a/2']);
    expect(run.status()).toMatchObject({ waiting: 0, failingSince: undefined });
  });

  it('doubles the time between attempts up to an hour, waits as long as it is asked to, and gives up after three days', async () => {
    answers.set('a/1', failed);
    const run = await start();
    const ended: string[] = [];
    run.onAttempt = (how) => ended.push(how);
    await commit('a/1', 'a/2');
    for (const ms of [5_000, 10_000, 20_000]) {
      const before = sent.length;
      await pass(ms - 1);
      expect(sent).toHaveLength(before);
      await pass(1);
      expect(sent).toHaveLength(before + 1);
    }
    answers.set('a/1', { ...failed, retryAfterMs: 600_000 });
    await pass(40_000);
    const asked = sent.length;
    await pass(599_999);
    expect(sent).toHaveLength(asked);
    for (let hour = 0; hour < 73; hour += 1) await pass(3_600_000);
    expect(sent.at(-1)).toBe('a/2');
    expect([...new Set(ended)]).toEqual(['failed', 'given-up', 'accepted']);
    await restart();
    expect(sent).toEqual([]);
  });

  it('gives up what was refused eight times, says so, and goes on with its key', async () => {
    answers.set('a/1', { kind: 'refused', because: 'it said 400' });
    const run = await start();
    const ended: string[] = [];
    run.onAttempt = (how) => ended.push(how);
    await commit('a/1', 'a/2');
    for (let times = 1; times < 7; times += 1) await pass(5_000 * 2 ** (times - 1));
    expect([sent.length, run.status().waiting]).toEqual([7, 2]);
    answers.set('a/1', failed);
    await pass(320_000);
    answers.set('a/1', { kind: 'refused', because: 'it said 400' });
    await pass(640_000);
    expect(sent.slice(7)).toEqual(['a/1', 'a/1', 'a/2']);
    expect(ended.slice(7)).toEqual(['failed', 'given-up', 'accepted']);
    expect(run.status()).toMatchObject({
      ...{ waiting: 0, failingSince: undefined },
      lastFailure: { because: 'it said 400; a/1 is given up, refused 8 times' },
    });
    await restart();
    expect(sent).toEqual([]);
  });

  it('sends nothing any more once it is told that nobody is there, until it has another target', async () => {
    answers.set('a/1', { kind: 'gone', because: 'it said 410' });
    const run = await start();
    await commit('a/1', 'b/1');
    expect(run.status()).toMatchObject({ state: 'closed', closedBecause: 'it said 410', waiting: 0 });
    await commit('c/1');
    expect((await restart()).status()).toMatchObject({ state: 'closed' });
    answers.clear();
    sent = [];
    await start('elsewhere');
    await commit('d/1');
    expect(sent).toEqual(['d/1']);
  });

  it('is open again where somebody says so, from then on', async () => {
    answers.set('a/1', { kind: 'gone', because: 'it said 410' });
    await start();
    await commit('a/1', 'a/2');
    await start(undefined, BEGINNING, true);
    await commit('a/3');
    expect(sent).toEqual(['a/1', 'a/3']);
  });

  it('tries at once what has failed when the target was reached by other means', async () => {
    answers.set('a/1', failed);
    const run = await start();
    await commit('a/1', 'a/2');
    answers.clear();
    run.retryNow();
    await settled();
    expect(sent).toEqual(['a/1', 'a/1', 'a/2']);
    await pass(3_600_000);
    expect(sent).toHaveLength(3);
    expect(run.status()).toMatchObject({ waiting: 0, failingSince: undefined });
  });
});

describe('remembering what was delivered', () => {
  it('delivers after a restart only what was not accepted, and nothing when the store is read anew', async () => {
    answers.set('a/1', failed).set('c/1', 'never');
    await start();
    await commit('a/1', 'a/2', 'b/1');
    await commit('b/2', 'c/1');
    answers.clear();
    await restart();
    expect(sent.sort()).toEqual(['a/1', 'a/2', 'c/1']);
    await restart();
    expect(sent).toEqual([]);
  });

  it('passes over what the lease says is done, though no delivery came since', async () => {
    await start();
    await commit('a/1');
    const run = runs[0];
    const later = await commit();
    expect(run?.through).toBe(later);
    await restart(later);
    expect(sent).toEqual([]);
  });

  it('delivers again when the store did not take the last word, and saves it once it can', async () => {
    await start();
    store.failing = true;
    await commit('a/1');
    await restart();
    expect(sent).toEqual(['a/1']);
    store.failing = false;
    await pass(5_000);
    await restart();
    expect(sent).toEqual([]);
  });

  it('lets two that run at once agree on what is done', async () => {
    await start();
    await start();
    await commit('a/1');
    await commit('a/2');
    expect(sent.filter((id) => id === 'a/1').length).toBeGreaterThanOrEqual(1);
    await restart();
    expect(sent).toEqual([]);
  });
});

describe('delivering what is due later', () => {
  it('waits for its time, and holds up nothing of its key', async () => {
    await start();
    await commit(parcel('a/late', { dueMs: 60_000 }), 'a/now');
    expect(sent).toEqual(['a/now']);
    await pass(60_000);
    expect(sent).toEqual(['a/now', 'a/late']);
  });

  it('tells neither begin nor end of what was over before it was due, nor an end whose begin came too early', async () => {
    const early = await commit('a/0');
    await start();
    const position = await commit(parcel('a/1', { dueMs: 60_000 }));
    await commit(parcel('a/1-over', { ends: { id: 'a/1', position } }));
    await commit(parcel('a/0-over', { ends: { id: 'a/0', position: early } }));
    await pass(60_000);
    expect(sent).toEqual([]);
    await restart();
    expect(sent).toEqual([]);
  });

  it('tells the end of what was delivered', async () => {
    await start();
    const position = await commit(parcel('a/1', { dueMs: 60_000 }));
    await pass(60_000);
    await commit(parcel('a/1-over', { ends: { id: 'a/1', position } }));
    expect(sent).toEqual(['a/1', 'a/1-over']);
  });
});
