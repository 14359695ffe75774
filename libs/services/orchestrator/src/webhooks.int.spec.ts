import { attentionKinds, type AttentionPage, noticeKinds, type WebhookPage, type WebhookTests } from '@sluice/api';
import { StoreUnavailable } from '@sluice/event-sourcing';
import { Webhooks, WebhookWorld } from '@sluice/platform';
import { WebhookReceiverDouble } from '@sluice/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AttentionFixture, published } from './attention.fixture.ts';

const HOUR = 60;
/** In everything that a person can write: no device is ever named to the outside. */
const DEVICE = 'device-4711';

let orchestrator: AttentionFixture;
let one: WebhookReceiverDouble;
let two: WebhookReceiverDouble;
let underWay: number;

beforeEach(async () => {
  orchestrator = new AttentionFixture();
  underWay = 0;
  [one, two] = [await new WebhookReceiverDouble().start(), await new WebhookReceiverDouble().start()];
  await orchestrator.start(world());
  await orchestrator.happened('patch-p-a', published);
});
afterEach(async () => {
  await orchestrator.stop();
  for (const receiver of [one, two]) await receiver.stop();
});

type Receivers = WebhookWorld['settings']['receivers'];

function world(more: Partial<Receivers[number]> = {}) {
  const receivers = Object.entries({ one, two }).map(([name, { url, secret }]) => ({
    ...{ name, url, secret, format: 'standard' as const, kinds: noticeKinds, waitLongerMinutes: 30 },
    ...more,
  }));
  return { webhooks: new WebhookWorld({ receivers, sluiceUrl: undefined }, countedFetch) };
}

async function countedFetch(url: string, init: RequestInit): Promise<Response> {
  underWay += 1;
  try {
    return await fetch(url, init);
  } finally {
    underWay -= 1;
  }
}

async function restart(): Promise<void> {
  await orchestrator.stop();
  for (const receiver of [one, two]) receiver.received.length = 0;
  await orchestrator.start(world());
  await orchestrator.settle();
}

const halted = (rolloutId: string, by = 'gate') =>
  orchestrator.happened(`rollout-${rolloutId}`, {
    ...{ type: 'RolloutHalted', v: 2, rolloutId, wave: 1, by, exposurePercent: 100 },
    reason: by === 'gate' ? '9 of 20 installs failed' : `it hurts ${DEVICE}`,
  });
const resumed = (rolloutId: string) =>
  orchestrator.happened(`rollout-${rolloutId}`, { type: 'RolloutResumed', rolloutId, evidenceSeen: DEVICE });
const waits = (code: string) =>
  orchestrator.happened('rollout-r1', {
    ...{ type: 'WaveWaiting', rolloutId: 'r1', wave: 1, waitsFor: [{ code, words: 'x' }] },
  });

/** Each kind of its receiver has come so often. */
async function come(receiver: WebhookReceiverDouble, notices: readonly string[]): Promise<void> {
  await expect.poll(() => receiver.notices(), PATIENTLY).toEqual(notices);
  await expect.poll(() => underWay, PATIENTLY).toBe(0);
}

/** With time, it comes to the first receiver. */
async function comes(notice: string, how = {}): Promise<void> {
  await expect
    .poll(async () => {
      await minutes(1, how);
      return one.notices();
    }, PATIENTLY)
    .toContain(notice);
}

/** For what takes many turns of time. */
const PATIENTLY = { timeout: 15_000, interval: 5 };

/** Minute by minute; nobody is slow, so that what is sent arrives within its minute. */
async function minutes(count: number, how = {}): Promise<void> {
  for (let minute = 0; minute < count; minute += 1) {
    await orchestrator.advance(1, how);
    await expect.poll(() => underWay, { interval: 1 }).toBe(0);
  }
}

const evidence = {
  ...{ rule: 'e-sum', rollouts: 1, alpha: 0.001, resumes: 0, through: '2026-03-17T12:00:00.000Z', words: '9 of 20' },
};

describe('telling receivers of webhooks', () => {
  it('tells a halt and its end, signed, with the command and without a word of a person', async () => {
    await orchestrator.runs('r1');
    await halted('r1', 'responder');
    await come(one, ['rollout-halted began']);
    await minutes(1);
    await resumed('r1');
    await come(one, ['rollout-halted began', 'rollout-halted ended']);
    const [begin, end] = one.received;
    expect(begin).toMatchObject({
      isSigned: true,
      body: { type: 'sluice.rollout-halted.began', timestamp: '2026-03-17T12:00:00.000Z' },
      data: {
        about: { rolloutId: 'r1', patchId: 'p-a', wave: 1 },
        words: 'r1 was halted in wave 1 by a responder',
        command: 'sluice rollout resume r1 --evidence-seen "<what you looked at>"',
      },
    });
    expect(end?.data).toMatchObject({ since: '2026-03-17T12:00:00.000Z', endedAt: '2026-03-17T12:01:00.000Z' });
    await come(two, ['rollout-halted began', 'rollout-halted ended']);
    expect(two.received[0]?.id).toBe(begin?.id);
  });

  it('tells a wait that takes longer than it was asked for, and its end; not one that is over by then', async () => {
    await orchestrator.runs('r1');
    await waits('outcomes');
    await orchestrator.advance(29);
    await orchestrator.happened('rollout-r1', { type: 'WaveBaked', rolloutId: 'r1', wave: 1, because: 'advanced' });
    await orchestrator.happened('rollout-r1', { type: 'WaveOpened', rolloutId: 'r1', wave: 1 });
    await orchestrator.advance(5);
    await waits('outcomes');
    await waits('pace');
    await orchestrator.advance(30);
    await come(one, ['rollout-waits began']);
    await orchestrator.happened('rollout-r1', { type: 'WaveBaked', rolloutId: 'r1', wave: 1, because: 'advanced' });
    await come(one, ['rollout-waits began', 'rollout-waits ended']);
  });

  it('tells each kind that it owns, and names no device in any of them', async () => {
    const none = { recall: 0, user: 0, failure: 0, unknown: 0 };
    const count = { set: 2, freed: none, replaced: 0, retired: 0, failing: 1, offline: 0, waiting: 1, inFlight: 0 };
    const reason = `boot loops on ${DEVICE}`;
    await orchestrator.runs('r1');
    await waits('person');
    await minutes(30);
    await halted('r1', 'responder');
    const hold = { holdId: 'gate-r1-1', patchId: 'p-a', slice: { model: ['iPhone18,1'], base: ['23D8133'] } };
    await orchestrator.happened('hold-gate-r1-1', {
      ...{ type: 'HoldPlaced', ...hold, owner: 'gate', reason: '9 of 20 failed', evidence },
    });
    await orchestrator.happened('hold-gate-r1-1', { type: 'HoldLifted', holdId: 'gate-r1-1', reason });
    await orchestrator.happened('hold-h1', { type: 'HoldPlaced', ...hold, holdId: 'h1', owner: 'olga', reason });
    const pulled = { type: 'PatchPulled', patchId: 'p-a', mode: 'recall', reason, recallEpoch: 1 };
    await orchestrator.happened('patch-p-a', pulled);
    await orchestrator.counted('p-a', 1, count);
    await expect.poll(() => underWay, { interval: 1 }).toBe(0);
    await orchestrator.jump(7 * HOUR);
    await orchestrator.counted('p-a', 1, count);
    await comes('recall-stalled began');
    await orchestrator.counted('p-a', 1, { ...count, failing: 0, waiting: 0, freed: { ...none, recall: 2 } });
    await comes('recall-completed happened');
    await comes('recall-stalled ended');
    await orchestrator.counted('p-a', 1, count);
    await comes('recall-reopened happened');
    await comes('stale began', { telemetryIsAway: true });
    await comes('blind ended');
    const notices = one.notices();
    expect(new Set(one.received.map(({ data }) => data['kind']))).toEqual(
      new Set(noticeKinds.filter((kind) => kind !== 'patch-pulled')),
    );
    for (const kind of ['rollout-waits', 'gate-hold', 'recall-stalled', 'stale', 'blind']) {
      expect(notices.filter((each) => each.startsWith(`${kind} `))).toEqual([`${kind} began`, `${kind} ended`]);
    }
    expect(one.received.filter(({ text }) => text.includes(DEVICE))).toEqual([]);
    expect(one.received.every(({ isSigned }) => isSigned)).toBe(true);
  });

  it('tells each kind that the list has too under the id of its item', async () => {
    const none = { recall: 0, user: 0, failure: 0, unknown: 0 };
    const count = { set: 1, freed: none, replaced: 0, retired: 0, failing: 0, offline: 0, waiting: 1, inFlight: 0 };
    const listed = new Set<string>();
    const minute = async (how = {}) => {
      await minutes(1, how);
      const { body } = await orchestrator.send('GET', '/v1/attention');
      for (const { id } of (body as unknown as AttentionPage).items) listed.add(id);
    };
    const begun = () => one.received.flatMap(({ data }) => (data['state'] === 'began' ? [String(data['id'])] : []));
    const begins = async (kind: string, times: number, how = {}) => {
      const idsBegun = async () => {
        await minute(how);
        return new Set(begun().filter((id) => id.startsWith(kind))).size;
      };
      await expect.poll(idsBegun, PATIENTLY).toBe(times);
    };
    await orchestrator.runs('r1');
    await waits('person');
    await begins('rollout-waits', 1);
    await halted('r1');
    await begins('rollout-halted', 1);
    await resumed('r1');
    await orchestrator.happened('rollout-r1', {
      ...{ type: 'WaveWaiting', rolloutId: 'r1', wave: 1 },
      waitsFor: ['outcomes', 'person'].map((code) => ({ code, words: 'x' })),
    });
    await begins('rollout-waits', 2);
    const pulled = { type: 'PatchPulled', patchId: 'p-a', mode: 'recall', reason: 'x', recallEpoch: 1 };
    await orchestrator.happened('patch-p-a', pulled);
    await orchestrator.counted('p-a', 1, count);
    await orchestrator.jump(7 * HOUR);
    await orchestrator.counted('p-a', 1, count);
    await begins('recall-stalled', 1);
    await begins('stale', 1, { telemetryIsAway: true });
    const both = noticeKinds.filter((kind) => (attentionKinds as readonly string[]).includes(kind));
    expect(new Set(begun().map((id) => id.split(':')[0]))).toEqual(new Set(both));
    expect(begun().filter((id) => !listed.has(id))).toEqual([]);
  });

  it('tells a receiver only the kinds that it asked for', async () => {
    await orchestrator.stop();
    await orchestrator.start(world({ kinds: ['gate-hold'] }));
    await orchestrator.runs('r1');
    await halted('r1');
    await orchestrator.happened('hold-g', {
      type: 'HoldPlaced',
      holdId: 'g',
      slice: {},
      owner: 'gate',
      reason: 'x',
      evidence,
    });
    await come(one, ['gate-hold began']);
  });
});

describe('telling a receiver that fails, is slow, and comes back', () => {
  it('brings it each notice once or more, in order per rollout, and holds up nobody else', async () => {
    await orchestrator.runs('r1');
    await orchestrator.runs('r2');
    one.answer = ({ data }) => (String(data['id']).includes(':r1:') ? 'never' : 500);
    await halted('r1');
    await resumed('r1');
    await halted('r2');
    await resumed('r2');
    const all = ['rollout-halted began', 'rollout-halted ended'];
    await expect.poll(() => two.notices().sort()).toEqual([...all, ...all].sort());
    await expect.poll(() => one.received.length).toBe(2);
    await expect
      .poll(async () => {
        await orchestrator.advance(1);
        return one.received.length;
      }, PATIENTLY)
      .toBeGreaterThan(4);
    expect(one.notices().every((notice) => notice === 'rollout-halted began')).toBe(true);
    one.answer = () => 204;
    await expect
      .poll(async () => {
        await orchestrator.advance(1);
        return new Set(one.received.flatMap(({ data: { id, state } }) => (state === 'ended' ? [id] : []))).size;
      }, PATIENTLY)
      .toBe(2);
    for (const rolloutId of ['r1', 'r2']) {
      const states = one.received
        .filter(({ data }) => String(data['id']).includes(`:${rolloutId}:`))
        .map(({ data }) => data['state']);
      // What was given up after ten seconds may come late: what counts is what came first.
      expect(states.indexOf('began')).toBeLessThan(states.indexOf('ended'));
      expect(states).toContain('began');
    }
  });

  it('gives up what a receiver refuses, and says so, so that the next one of the rollout comes', async () => {
    one.answer = ({ data }) => (data['kind'] === 'rollout-halted' && data['state'] === 'began' ? 422 : 204);
    await orchestrator.runs('r1');
    await halted('r1');
    await resumed('r1');
    await comes('rollout-halted ended');
    expect(one.notices().filter((notice) => notice === 'rollout-halted began')).toHaveLength(8);
    const { body } = await orchestrator.send('GET', '/v1/webhooks');
    const [its] = (body as unknown as WebhookPage).items;
    expect(its?.lastFailure?.because).toMatch(
      /^it answered 422: .*; rollout-halted:r1:\d+ is given up, refused 8 times$/,
    );
  });

  it('sends after a restart only what was not accepted, and by a replay nothing', async () => {
    await orchestrator.runs('r1');
    await halted('r1');
    await come(one, ['rollout-halted began']);
    two.answer = () => 500;
    await resumed('r1');
    await come(one, ['rollout-halted began', 'rollout-halted ended']);
    await come(two, ['rollout-halted began', 'rollout-halted ended']);
    two.answer = () => 204;
    await restart();
    await come(two, ['rollout-halted ended']);
    const { body } = await orchestrator.send('POST', '/v1/replays', { verify: true });
    await expect
      .poll(async () => (await orchestrator.send('GET', `/v1/replays/${String(body['id'])}`)).body['status'])
      .toBe('done');
    await minutes(1);
    expect([one.notices(), two.notices()]).toEqual([[], ['rollout-halted ended']]);
    await restart();
    await halted('r1');
    await come(one, ['rollout-halted began']);
    await come(two, ['rollout-halted began']);
  });

  it('is sent to by one of two instances, and by the other one when that is gone', async () => {
    const first = orchestrator.app;
    await orchestrator.start(world());
    const second = orchestrator.app;
    await expect.poll(() => stateAt(second)).toBe('open');
    orchestrator.timers.advance(5_000);
    await expect.poll(() => stateAt(first)).toBe('standing-by');
    await orchestrator.runs('r1');
    await halted('r1');
    await come(one, ['rollout-halted began']);
    await orchestrator.stop(second);
    orchestrator.app = first;
    await expect
      .poll(() => {
        orchestrator.timers.advance(1_000);
        return stateAt(first);
      }, PATIENTLY)
      .toBe('open');
    await resumed('r1');
    await come(one, ['rollout-halted began', 'rollout-halted ended']);
  });
});

function stateAt(app: AttentionFixture['app']): string | undefined {
  const webhooks = app.get(Webhooks);
  return webhooks.receivers.map((receiver) => webhooks.view(receiver).state)[0];
}

describe('looking at receivers of webhooks', () => {
  const list = async () => (await orchestrator.send('GET', '/v1/webhooks')).body as unknown as WebhookPage;
  const attention = async () => (await orchestrator.send('GET', '/v1/attention')).body as unknown as AttentionPage;

  it('shows them without their secrets, and how they are', async () => {
    await orchestrator.runs('r1');
    two.answer = () => 503;
    await halted('r1');
    await expect.poll(async () => (await list()).items.map(({ waiting }) => waiting)).toEqual([0, 1]);
    const page = await list();
    expect(page.items).toMatchObject([
      { name: 'one', state: 'open', to: new URL(one.url).origin, failingSince: null },
      { name: 'two', waiting: 1, lastFailure: { because: 'it answered 503: as the spec wants it' } },
    ]);
    expect(JSON.stringify(page)).not.toContain('whsec_');
    expect(JSON.stringify(page)).not.toContain('/hook');
    await orchestrator.advance(31);
    const items = (await attention()).items.filter(({ kind }) => kind === 'webhook-failing');
    expect(items).toMatchObject([{ about: { receiver: 'two' }, command: 'sluice webhook test two' }]);
  });

  it('tests each now, and says what each made of it', async () => {
    two.answer = () => 302;
    const { body } = await orchestrator.send('POST', '/v1/webhooks/test', {});
    expect((body as unknown as WebhookTests).results).toMatchObject([
      { receiver: 'one', outcome: 'accepted' },
      { receiver: 'two', outcome: 'failed', because: expect.stringContaining('302') as string },
    ]);
    expect(one.received).toMatchObject([{ isSigned: true, path: '/hook', data: { kind: 'test' } }]);
    expect(two.received.map(({ path }) => path)).toEqual(['/hook']);
    await orchestrator.send('POST', '/v1/webhooks/test', { receiver: 'one' });
    expect([one.received.length, two.received.length]).toEqual([2, 1]);
    const unknown = await orchestrator.send('POST', '/v1/webhooks/test', { receiver: 'three' });
    expect(unknown).toMatchObject({ status: 404, body: { code: 'receiver-not-found' } });
  });

  it('sends nothing any more to one that is gone, and shows it', async () => {
    two.answer = () => 410;
    await orchestrator.runs('r1');
    await halted('r1');
    await expect.poll(async () => (await list()).items.map(({ state }) => state)).toEqual(['open', 'gone']);
    expect((await attention()).items.map(({ id }) => id)).toContain('webhook-gone:two');
    await resumed('r1');
    await come(one, ['rollout-halted began', 'rollout-halted ended']);
    expect(two.received).toHaveLength(1);
    two.answer = () => 204;
    await orchestrator.send('POST', '/v1/webhooks/test', { receiver: 'two' });
    await expect.poll(async () => (await list()).items.map(({ state }) => state)).toEqual(['open', 'open']);
    await halted('r1');
    await come(two, ['rollout-halted began', 'test happened', 'rollout-halted began']);
  });

  it('sends again to one that was gone and accepts a test, also where the store fails just then', async () => {
    const states = async () => (await list()).items.map(({ state }) => state);
    two.answer = () => 410;
    await orchestrator.runs('r1');
    await halted('r1');
    await expect.poll(states).toEqual(['open', 'gone']);
    const { store } = orchestrator;
    const append = store.append.bind(store);
    let failed = 0;
    store.append = (each) => {
      if (failed > 0 || !each.stream.startsWith('gateway-')) return append(each);
      failed += 1;
      return Promise.reject(new StoreUnavailable('the disk is full'));
    };
    two.answer = () => 204;
    await orchestrator.send('POST', '/v1/webhooks/test', { receiver: 'two' });
    await expect.poll(() => failed).toBe(1);
    const statesLater = async () => {
      await minutes(1);
      return states();
    };
    await expect.poll(statesLater, PATIENTLY).toEqual(['open', 'open']);
    await resumed('r1');
    await halted('r1');
    await come(two, ['rollout-halted began', 'test happened', 'rollout-halted began']);
  });

  it('speaks as Slack and Alertmanager want it', async () => {
    await orchestrator.stop();
    const its = { kinds: noticeKinds, waitLongerMinutes: 30, secret: undefined };
    const receivers = [
      { ...its, name: 'one', url: one.url, format: 'slack' as const },
      { ...its, name: 'two', url: two.url, format: 'alertmanager' as const },
    ];
    await orchestrator.start({ webhooks: new WebhookWorld({ receivers, sluiceUrl: 'https://sluice.example' }) });
    await orchestrator.runs('r1');
    await halted('r1');
    await expect.poll(() => [one.received.length, two.received.length]).toEqual([1, 1]);
    await minutes(1);
    await resumed('r1');
    await expect.poll(() => [one.received.length, two.received.length]).toEqual([2, 2]);
    expect(one.received[0]?.body).toMatchObject({
      text: 'Critical: rollout halted r1: r1 was halted in wave 1 by a gate: 9 of 20 installs failed',
      blocks: [{ type: 'header' }, { type: 'section' }, { type: 'section' }, { type: 'context' }],
    });
    interface Alert {
      readonly labels: object;
      readonly startsAt: string;
      readonly endsAt: string;
    }
    const [begin, end] = two.received.flatMap(({ body }) => body as readonly Alert[]);
    expect(begin).toMatchObject({
      labels: {
        alertname: 'SluiceRolloutHalted',
        severity: 'critical',
        rollout: 'r1',
        patch: 'p-a',
        service: 'orchestrator',
      },
      startsAt: '2026-03-17T12:00:00.000Z',
      endsAt: '2026-04-16T12:00:00.000Z',
      generatorURL: 'https://sluice.example/v1/rollouts/r1',
    });
    expect(end).toEqual({
      ...end,
      labels: begin?.labels,
      startsAt: begin?.startsAt,
      endsAt: '2026-03-17T12:01:00.000Z',
    });
  });
});
