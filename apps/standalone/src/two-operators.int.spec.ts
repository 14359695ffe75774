import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StoreFeed } from '@sluice/event-feed';
import { BEGINNING, EventStore } from '@sluice/event-sourcing';
import { close, Followers, inject, ManualClock, type RunningService, Settings, startService } from '@sluice/platform';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { services } from './services.ts';

// Two instances on one embedded store, as two operators meet them.
const START = Date.parse('2026-11-26T08:00:00Z');
const ROUNDS = 200;
const READ_WITHIN_MS = 60_000;
const patch = {
  patchId: 'ios-26.3.1-a',
  platform: 'ios',
  baseVersion: '26.3.1',
  letter: 'a',
  variants: [{ build: '23D771330a', prerequisiteBuild: '23D8133', models: ['iPhone18,1'] }],
};
const terms = {
  patchId: patch.patchId,
  holdBackPercent: 0,
  waves: [{ name: 'all', ramp: { fromPercent: 100, toPercent: 100, minutes: 0 }, bakeMinutes: 600 }],
  gates: { installFailureRateMax: 0.01 },
};

let folder: string;
let instances: RunningService[];

async function boot(): Promise<void> {
  const settings = Settings.of({ data: folder, port: 0, logLevel: 'silent', store: 'embedded-shared' });
  instances.push(await startService(services, settings, new ManualClock(START)));
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-operators-'));
  instances = [];
  await boot();
  await boot();
});
afterEach(async () => {
  for (const { app } of instances) await close(app);
  rmSync(folder, { recursive: true, force: true });
});

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

interface Sent {
  readonly body?: object | undefined;
  readonly key?: string;
  readonly etag?: string | undefined;
  readonly instance?: 0 | 1;
  /** The admin's if not given. */
  readonly token?: string;
}

interface Answered {
  readonly status: number;
  readonly etag: string | undefined;
  readonly body: Record<string, unknown>;
}

async function send(
  method: Method,
  url: string,
  { body, key, etag, instance = 0, token }: Sent = {},
): Promise<Answered> {
  const service = instances[instance];
  if (service === undefined) throw new Error('no such instance');
  const headers = {
    authorization: `Bearer ${token ?? service.tokens.adminToken()}`,
    ...(key !== undefined && { 'idempotency-key': key }),
    ...(etag !== undefined && { 'if-match': etag }),
  };
  const answer = await inject(service.app, { method, url, headers, ...(body && { payload: body }) });
  const text = answer.body;
  return {
    status: answer.statusCode,
    etag: answer.headers.etag,
    body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>),
  };
}

/** The events of all streams of the services, as they are published. */
async function events(): Promise<string[]> {
  const store = instances[0]?.app.get(EventStore);
  if (store === undefined) throw new Error('no instance');
  const types: string[] = [];
  const topics = ['catalog', 'rollouts', 'fleet'];
  for await (const message of new StoreFeed(store, services.publications).subscribe({
    ...{ topics, after: BEGINNING, signal: AbortSignal.timeout(READ_WITHIN_MS) },
  })) {
    if (message.kind === 'progress') break;
    types.push(message.event.type);
  }
  return types;
}

async function settle(): Promise<void> {
  for (const { app } of instances) await app.get(Followers).settle();
}

describe('two operators at two instances', () => {
  it(`loses no plan in ${String(ROUNDS)} rounds of PUT against PUT`, { timeout: 120_000 }, async () => {
    await send('POST', '/v1/patches', { body: patch });
    await send('POST', '/v1/rollouts', { body: { rolloutId: 'r1', ...terms } });
    await settle();
    let { etag } = await send('GET', '/v1/rollouts/r1');
    for (let round = 1; round <= ROUNDS; round += 1) {
      const [seen, plan] = [etag, (notes: string) => ({ ...terms, notes: `${notes} ${String(round)}` })];
      const answers = await Promise.all([
        send('PUT', '/v1/rollouts/r1', { body: plan('olga'), etag: seen, instance: 0 }),
        send('PUT', '/v1/rollouts/r1', { body: plan('otto'), etag: seen, instance: 1 }),
      ]);
      const [won, lost] = answers.toSorted((one, other) => one.status - other.status);
      expect([won?.status, lost?.status]).toEqual([200, 412]);
      // Who was too late is shown what is there now, with the ETag that a second try needs.
      expect(lost?.body['current']).toMatchObject({ notes: won?.body['notes'] });
      expect(lost?.etag).toBe(won?.etag);
      etag = won?.etag;
    }
    const { body } = await send('GET', '/v1/rollouts/r1');
    expect(body).toMatchObject({ revision: ROUNDS });
  });

  it(`loses neither in ${String(ROUNDS)} rounds of hold against lift`, { timeout: 120_000 }, async () => {
    for (let round = 1; round <= ROUNDS; round += 1) {
      const holdId = `h${String(round)}`;
      const hold = { holdId, reason: 'odd', slice: { model: ['iPhone18,1'] } };
      const lift = (reason: string, instance: 0 | 1, etag?: string) =>
        send('POST', `/v1/holds/${holdId}/lift`, { body: { reason }, instance, etag });
      const [placed, early] = await Promise.all([
        send('POST', '/v1/holds', { body: hold, instance: 0 }),
        lift('fine', 1),
      ]);
      expect(placed.status).toBe(201);
      // A lift that came first found nothing to lift, and the hold is in force.
      expect([200, 404]).toContain(early.status);
      const lifts = await Promise.all([lift('fine', 0, placed.etag), lift('looked at', 1, placed.etag)]);
      const good = lifts.filter(({ status }) => status === 200);
      expect(lifts.every(({ status }) => status === 200 || status === 412)).toBe(true);
      expect(good).toHaveLength(early.status === 200 ? 0 : 1);
    }
    await settle();
    const types = await events();
    expect(types.filter((type) => type === 'HoldPlaced')).toHaveLength(ROUNDS);
    expect(types.filter((type) => type === 'HoldLifted')).toHaveLength(ROUNDS);
  });
});

describe('recalling what re-opens an exploited CVE, by two people at two instances', () => {
  const RECALLS = 20;
  const cves = [{ id: 'CVE-2026-20643', exploited: true }];
  const idOf = (n: number) => `p-${String(n)}`;
  const issue = async (name: string) => {
    const answer = await send('POST', '/v1/tokens', { body: { name, roles: ['responder'] } });
    await settle();
    return String(answer.body['token']);
  };

  it(
    'takes two people, each of whom counts once, whatever is sent at once and where',
    { timeout: 120_000 },
    async () => {
      const [ann, ben] = [await issue('ann'), await issue('ben')];
      for (let n = 0; n < RECALLS; n += 1) {
        const patchId = idOf(n);
        const variants = [
          { build: `23D77${String(n)}a`, prerequisiteBuild: `23D8${String(n)}`, models: ['iPhone18,1'] },
        ];
        await send('POST', '/v1/patches', {
          body: { ...patch, patchId, baseVersion: `26.${String(n)}`, variants, cves },
        });
        await settle();
        const { digest } = (await send('GET', `/v1/patches/${patchId}/re-exposure`)).body;
        const recall = (token: string, instance: 0 | 1, key?: string) =>
          send('POST', `/v1/patches/${patchId}/pull`, {
            ...{ body: { mode: 'recall', reason: 'boot loops', ledgerDigest: digest }, token, instance },
            ...(key !== undefined && { key }),
          });
        const alone = await Promise.all([recall(ann, 0), recall(ann, 1), recall(ann, 0, 'k'), recall(ann, 1, 'k')]);
        expect(alone.map(({ body }) => (body['pulled'] as { mode: string }).mode)).toEqual(alone.map(() => 'withdraw'));
        const both = await Promise.all([recall(ben, 1, 'k'), recall(ben, 0, 'k'), recall(ann, 0, 'k')]);
        expect(both.map(({ status }) => status)).toEqual([200, 200, 200]);
        expect(both[0].body).toMatchObject({ pulled: { mode: 'recall', requestedBy: 'ann', confirmedBy: 'ben' } });
        expect(both[1]).toEqual(both[0]);
      }
      await settle();
      const types = (await events()).filter((type) => type.startsWith('PatchPulled') || type === 'PullRequested');
      const each = ['PatchPulled', 'PullRequested', 'PatchPulled'];
      expect(types).toEqual(Array.from({ length: RECALLS }, () => each).flat());
      const recalls = (await send('GET', '/v1/recalls?limit=100')).body['items'] as { causedBy: string }[];
      expect(recalls.map(({ causedBy }) => causedBy)).toEqual(recalls.map(() => 'ben'));
      expect(recalls).toHaveLength(RECALLS);
      // Two that own all shards take them from each other: while one catches up, nobody answers for them.
      await expect
        .poll(async () => (await send('GET', `/v1/recalls/${idOf(0)}/preview`)).body, { timeout: 20_000 })
        .toMatchObject({ unknownBecause: null, holders: 0 });
    },
  );
});

describe('sending each command again under its key', () => {
  const report = {
    ...{ deviceId: 'd-1', kind: 'status', occurredAt: '2026-11-26T08:00:00Z', platform: 'ios', model: 'iPhone18,1' },
    ...{ osVersion: '26.3.1', osBuild: '23D8133', track: 'automatic' },
  };
  const { variants, ...rest } = patch;
  const other = { ...rest, patchId: 'ios-26.3.1-b', letter: 'b', variants: [{ ...variants[0], build: '23D771331b' }] };
  const commands: readonly (readonly [Method, string, object?])[] = [
    ['POST', '/v1/patches', patch],
    ['POST', '/v1/patches', other],
    ['POST', '/v1/patches/ios-26.3.1-a/fold-in', { version: '26.4', build: '23E246' }],
    ['POST', '/v1/rollouts', { rolloutId: 'r1', ...terms }],
    ['PUT', '/v1/rollouts/r1', { ...terms, notes: 'two' }],
    ['POST', '/v1/rollouts/r1/start'],
    ['POST', '/v1/rollouts/r1/pause', { reason: 'lunch' }],
    ['POST', '/v1/rollouts/r1/resume'],
    ['POST', '/v1/rollouts/r1/advance', { wave: 1, force: { reason: 'a lab device' } }],
    ['POST', '/v1/rollouts/r1/halt', { reason: 'odd' }],
    ['POST', '/v1/rollouts/r1/resume', { evidenceSeen: 'all of it' }],
    ['POST', '/v1/rollouts/r1/abort'],
    ['POST', '/v1/holds', { holdId: 'h1', reason: 'odd', slice: { model: ['iPhone18,1'] } }],
    ['POST', '/v1/holds/h1/lift', { reason: 'fine' }],
    ['POST', '/v1/stop', { reason: 'all' }],
    ['POST', '/v1/holds/stop-1/lift', { reason: 'fine' }],
    ['POST', '/v1/patches/ios-26.3.1-a/pull', { mode: 'recall', reason: 'boot loops' }],
    ['POST', '/v1/recalls/ios-26.3.1-a/pause', { reason: 'wait' }],
    ['POST', '/v1/recalls/ios-26.3.1-a/resume'],
    ['POST', '/v1/devices/d-1/retire'],
  ];

  /** The first time at one instance, the second at once at the other, the third after more has happened. */
  it('gives the same answer and makes one event', { timeout: 120_000 }, async () => {
    const sent: (() => Promise<Answered>)[] = [];
    const answers: Answered[] = [];
    for (const [index, [method, url, body]] of commands.entries()) {
      if (url === '/v1/devices/d-1/retire') {
        await send('POST', '/v1/reports', { body: { reports: [{ reportId: 'i-1', ...report }] } });
      }
      const etag = method === 'PUT' ? (await send('GET', url)).etag : undefined;
      // Here both instances would write to the shard of the device; in a cluster, it has one owner.
      const onlyOne = url.endsWith('/retire');
      const again = (instance: 0 | 1) =>
        send(method, url, { body, etag, key: `k-${String(index)}`, instance: onlyOne ? 0 : instance });
      const [first, second] = await Promise.all([again(0), again(1)]);
      expect(first.status, `${method} ${url}: ${JSON.stringify(first.body)}`).toBeLessThan(300);
      expect(second).toEqual(first);
      answers.push(first);
      sent.push(() => again(1));
      await settle();
    }
    const before = await events();
    for (const [index, again] of sent.entries()) expect(await again()).toEqual(answers[index]);
    await settle();
    expect(await events()).toEqual(before);
    const once = ['RolloutStarted', 'RolloutPaused', 'RolloutHalted', 'RecallResumed'];
    for (const type of [...once, 'RolloutAborted', 'PatchPulled', 'PatchFoldedIn', 'RecallPaused', 'DeviceRetired']) {
      expect(before.filter((each) => each === type)).toEqual([type]);
    }
    // The second one is the change of a plan that has not started.
    for (const type of ['RolloutPlanned', 'PatchPublished', 'HoldPlaced', 'HoldLifted', 'RolloutResumed']) {
      expect(before.filter((each) => each === type)).toEqual([type, type]);
    }
  });

  it('counts each key once, whatever is sent, when and where', { timeout: 120_000 }, async () => {
    let runs = 0;
    const sending = fc.record({
      key: fc.nat(3),
      instance: fc.constantFrom(0 as const, 1 as const),
      lifts: fc.boolean(),
      waits: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(sending, { maxLength: 10 }), async (sendings) => {
        const run = String((runs += 1));
        const answers = new Map<string, string[]>();
        const underWay: Promise<unknown>[] = [];
        for (const { key, instance, lifts, waits } of sendings) {
          const holdId = `h-${run}-${String(key)}`;
          const name = `${holdId} ${lifts ? 'lift' : 'place'}`;
          const [url, body] = lifts
            ? [`/v1/holds/${holdId}/lift`, { reason: 'fine' }]
            : ['/v1/holds', { holdId, reason: 'odd', slice: { model: ['iPhone18,1'] } }];
          const answered = send('POST', url, { body, key: name, instance }).then((answer) => {
            // Who lifts too early is refused, and has not used the key.
            if (answer.status < 300) answers.set(name, [...(answers.get(name) ?? []), JSON.stringify(answer)]);
            else expect(answer.body['code']).toBe('hold-not-found');
          });
          underWay.push(answered);
          if (waits) await answered;
        }
        await Promise.all(underWay);
        for (const each of answers.values()) expect(new Set(each).size).toBe(1);
        const wanted = [...answers.keys()].map((name) => name.split(' '));
        expect((await holdEvents(run)).sort()).toEqual(wanted.sort());
      }),
      { numRuns: 25 },
    );
  });

  /** The events of the holds of a run: of which hold, and what was done. */
  async function holdEvents(run: string): Promise<string[][]> {
    const [store] = instances.map(({ app }) => app.get(EventStore));
    if (store === undefined) throw new Error('no instance');
    const found: string[][] = [];
    for await (const { stream, body } of store.readAll({ prefixes: [`hold-h-${run}-`] })) {
      const types = body.kind === 'events' ? body.events.map(({ type }) => type) : [];
      for (const type of types) found.push([stream.replace('hold-', ''), type === 'HoldPlaced' ? 'place' : 'lift']);
    }
    return found;
  }
});
