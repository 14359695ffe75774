import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { columnsOf, nothingCounted } from '@sluice/domain-cohorts';
import { OwnSigns, publishAsIs } from '@sluice/event-feed';
import { type Commit, type DomainEvent, InMemoryEventStore, lastReceipt, type Receipted } from '@sluice/event-sourcing';
import {
  close,
  createApp,
  Followers,
  inject,
  InlineFolds,
  ManualClock,
  type ReceiptsFound,
  type ReceiptsInput,
  seal,
  Settings,
  Tokens,
} from '@sluice/platform';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { folds, OrchestratorModule, orchestratorPublications } from './index.ts';
import { RECEIPTS_FOLD } from './own-streams.fold.ts';
import { OWN_STREAMS } from './publications.ts';

type Event = DomainEvent & Receipted & Readonly<Record<string, unknown>>;

const START = Date.parse('2026-03-17T12:00:00Z');
const MINUTE = 60_000;
const POLL_MS = 5;
const models = ['iPhone18,1', 'iPhone17,1', 'iPhone17,2', 'iPhone16,1'];
const metadata = { actor: 'spec', correlationId: 'c' };
const published = {
  ...{ type: 'PatchPublished', patchId: 'p-a', platform: 'ios', baseVersion: '26.3.1', letter: 'a', cves: [] },
  variants: [{ build: '23D771330a', prerequisiteBuild: '23D8133', models }],
};
const plan = {
  ...{ rolloutId: 'r1', patchId: 'p-a', salt: 's', holdBackPercent: 0, gates: { installFailureRateMax: 0.01 } },
  waves: [{ name: 'all', ramp: { fromPercent: 0, toPercent: 100, minutes: 120 }, bakeMinutes: 60 }],
};

let clock: ManualClock;
let store: InMemoryEventStore;
let app: NestFastifyApplication;
let tokens: Tokens;
let signs: OwnSigns;
let commits = 0;
let buckets = 0;

/** A history with a hold and a halt by the gate, a resume and a pull: of two services, in one store. */
beforeAll(async () => {
  clock = new ManualClock(START);
  store = new InMemoryEventStore(clock);
  tokens = new Tokens(mkdtempSync(join(tmpdir(), 'sluice-receipts-')));
  signs = new OwnSigns();
  signs.setThrough([{ shard: 0, shards: 1, throughMs: START, revision: -1 }]);
  app = await createApp([OrchestratorModule], {
    ...{ settings: Settings.of(), clock, store, tokens, signs, folds: new InlineFolds(store, folds) },
    publications: [
      ...orchestratorPublications(),
      publishAsIs('catalog', 'catalog', ['patch-']),
      publishAsIs('telemetry', 'health', ['health-']),
    ],
  });
  await decideInCatalog(published);
  await send('POST', '/v1/rollouts', plan);
  await send('POST', '/v1/rollouts/r1/start');
  await health([20, 0, 0, 0]);
  await advance(3);
  await health([9, 9, 9, 9]);
  await advance(3);
  await send('POST', '/v1/rollouts/r1/resume', { evidenceSeen: 'its logs' });
  await advance(3);
  await decideInCatalog({ type: 'PatchPulled', patchId: 'p-a', mode: 'recall', reason: 'bad', recallEpoch: 1 });
  await advance(1);
});
afterAll(() => close(app));

async function settle() {
  await app.get(Followers).settle();
}

async function append(stream: string, events: readonly DomainEvent[], into = store) {
  const body = { kind: 'events', events } as const;
  await into.append({ stream, expected: 'any', commitId: String(++commits), metadata, body });
}

async function decideInCatalog(event: DomainEvent & Readonly<Record<string, unknown>>) {
  const last = lastReceipt(await eventsOf(store, 'patch-p-a'), undefined);
  await append('patch-p-a', seal('patch-p-a', [{ ...event, at: clock.nowText() } as DomainEvent], last));
  await settle();
}

/** So many of 40 installs on each model have failed. */
async function health(failed: readonly number[]) {
  buckets += 1;
  const cohort = Math.floor(clock.now() / (60 * MINUTE));
  const installs = models.map((model, index) => ({
    ...{
      patchId: 'p-a',
      slice: { platform: 'ios', model, base: '23D8133' } as const,
      cohort,
      band: 0,
      ...nothingCounted,
    },
    ...{ started: 40, failed: failed[index] ?? 0 },
  }));
  const bucket = {
    ...{
      type: 'HealthBucketClosed',
      shard: 0,
      shards: 1,
      from: clock.nowText(),
      to: clock.nowText(),
      throughRevision: 0,
    },
    ...{ part: 1, parts: 1, reportingDeadlineMinutes: 240, holders: [], populations: [] },
    ...columnsOf({ installs, pending: [], unreached: [], harm: [], removals: [] }),
  };
  await append('health-0', [bucket]);
  await settle();
}

async function advance(minutes: number) {
  for (let minute = 0; minute < minutes; minute += 1) {
    signs.setThrough([{ shard: 0, shards: 1, throughMs: clock.now() + MINUTE, revision: buckets - 1 }]);
    await clock.advanceTo(clock.now() + MINUTE);
    await settle();
  }
}

async function send(method: 'GET' | 'POST', url: string, payload?: object) {
  const headers = { authorization: `Bearer ${tokens.adminToken()}` };
  const response = await inject(app, { method, url, headers, ...(payload && { payload }) });
  return response.json<Record<string, unknown>>();
}

async function eventsOf(from: InMemoryEventStore, stream: string): Promise<Event[]> {
  const events: Event[] = [];
  for await (const { body } of from.readStream(stream))
    if (body.kind === 'events') events.push(...(body.events as Event[]));
  return events;
}

/** The same history with other events. `again`: each stream has receipts anew, as who knows the rule would make them. */
async function altered(alter: (event: Event, commit: Commit) => Event | undefined, again = false) {
  const copy = new InMemoryEventStore(clock);
  const last = new Map<string, string | undefined>();
  for await (const commit of store.readAll()) {
    const { stream, body } = commit;
    if (body.kind !== 'events') continue;
    const events = body.events.flatMap((event) => alter(event as Event, commit) ?? []);
    if (events.length === 0) continue;
    const bare = () => events.map(({ receipt: _, ...event }) => event as DomainEvent);
    const isChained = again && !stream.startsWith('health-');
    const written = isChained ? seal(stream, bare(), last.get(stream)) : events;
    last.set(stream, lastReceipt(written as readonly Receipted[], last.get(stream)));
    await append(stream, written, copy);
  }
  return check(copy);
}

async function check(of: InMemoryEventStore, named: ReceiptsInput['named'] = []): Promise<ReceiptsFound> {
  const input: ReceiptsInput = { prefixes: OWN_STREAMS, through: await of.head(), named };
  return (await new InlineFolds(of, folds).run(RECEIPTS_FOLD, input)) as ReceiptsFound;
}

const inEvidence = (event: Event, change: (test: Record<string, unknown>) => object) => {
  const evidence = event['evidence'] as { tests: Record<string, unknown>[] };
  const [first = {}, ...others] = evidence.tests;
  return { ...event, evidence: { ...evidence, tests: [{ ...first, ...change(first) }, ...others] } };
};
const fewerFailures = (type: string) => (event: Event) =>
  event.type === type && event['evidence'] !== undefined
    ? inEvidence(event, ({ failures }) => ({ failures: Number(failures) - 1 }))
    : event;

describe('checking receipts', () => {
  it('finds a genuine history as it was, by the call that clients use', async () => {
    let job = await send('POST', '/v1/replays', { verify: true, receipts: true });
    while (job['status'] === 'running') {
      await sleep(POLL_MS);
      job = await send('GET', `/v1/replays/${String(job['id'])}`);
    }
    expect(job).toMatchObject({ status: 'done', matches: true, differences: [], done: ['orchestrator'] });
    const [report] = job['receipts'] as ReceiptsFound[];
    expect(report).toMatchObject({ withoutReceipt: 0, differing: 0, notRecomputable: 0, causesElsewhere: 0 });
    expect(job['events']).toBe(report?.events);
    expect(report?.events).toBeGreaterThan(12);
    // Two holds and the halt; a hold names its rollout, the abort and the recall name the pull.
    expect(report?.verdicts).toBe(3);
    expect(report?.causes).toBe(4);
  });

  it('names the pull as the cause of the abort and of the recall, by its receipt', async () => {
    const pull = (await eventsOf(store, 'patch-p-a')).at(-1);
    const cause = { stream: 'patch-p-a', receipt: pull?.receipt };
    expect((await eventsOf(store, 'rollout-r1')).at(-1)).toMatchObject({ type: 'RolloutAborted', cause });
    expect(await eventsOf(store, 'recall-p-a')).toMatchObject([{ type: 'RecallStarted', cause }]);
  });

  it('names the one event in which a byte was altered', async () => {
    const found = await altered((event) =>
      event.type === 'RolloutPlanned' ? { ...event, at: '2026-03-17T12:00:00.001Z' } : event,
    );
    expect(found).toMatchObject({
      differing: 1,
      differences: [{ stream: 'rollout-r1', revision: 0, type: 'RolloutPlanned', what: 'receipt' }],
    });
  });

  it('names the event after one that was taken out', async () => {
    const [planned] = await eventsOf(store, 'rollout-r1');
    const found = await altered((event) => (event.receipt === planned?.receipt ? undefined : event));
    expect(found.differences).toMatchObject([{ stream: 'rollout-r1', type: 'RolloutStarted', what: 'receipt' }]);
  });

  it.each(['HoldPlaced', 'RolloutHalted'])(
    'names the verdict of %s that does not follow from its counts, though all receipts were made anew',
    async (type) => {
      const found = await altered(fewerFailures(type), true);
      const verdicts = found.differences.filter(({ what }) => what === 'verdict');
      expect(verdicts[0]).toMatchObject({ type, detail: expect.stringContaining('by its counts') as string });
      expect(new Set(verdicts.map((each) => each.type))).toEqual(new Set([type]));
      expect(found.differences.filter(({ what }) => what.startsWith('receipt'))).toEqual([]);
    },
  );

  it('names a verdict of a gate whose evidence was taken away', async () => {
    const found = await altered(({ evidence: _, ...event }: Event) => event, true);
    expect(found.differences).toContainEqual(expect.objectContaining({ type: 'RolloutHalted', what: 'verdict' }));
  });

  it('names who names a receipt that is gone when the stream of the cause was made anew', async () => {
    const found = await altered(
      (event) => (event.type === 'PatchPulled' ? { ...event, reason: 'other' } : event),
      true,
    );
    expect(found.differing).toBe(2);
    const detail = (stream: string) => expect.stringContaining(stream) as string;
    expect(found.differences).toMatchObject([
      { what: 'cause', stream: 'patch-p-a', detail: detail('rollout-r1/') },
      { what: 'cause', stream: 'patch-p-a', detail: detail('recall-p-a/0') },
    ]);
  });

  it('says of a history from before there were receipts only that it has none', async () => {
    const found = await altered(({ receipt: _, cause: __, ...event }: Event) => event);
    expect(found).toMatchObject({ differing: 0, withoutReceipt: found.events, causes: 0, verdicts: 3 });
  });

  it('names an event without a receipt in a chain that has begun', async () => {
    const found = await altered(({ receipt, ...event }: Event) =>
      event.type === 'RolloutHalted' ? event : ({ ...event, receipt } as Event),
    );
    expect(found.differences.map(({ what, type }) => [what, type])).toEqual([
      ['receipt-missing', 'RolloutHalted'],
      ['receipt', 'RolloutResumed'],
    ]);
  });

  it('looks for receipts that are of streams which other services have, where it is asked to', async () => {
    const [receipt = ''] = (await eventsOf(store, 'rollout-r1')).map((event) => event.receipt);
    const by = 'hold-h1/0';
    expect(await check(store, [{ stream: 'rollout-r1', receipt, by }])).toMatchObject({ causes: 5, differing: 0 });
    const other = { stream: 'rollout-r9', receipt, by };
    expect(await check(store, [other])).toMatchObject({ causesElsewhere: 1, elsewhere: [other], differing: 0 });
    const invented = { stream: 'rollout-r1', receipt: '0'.repeat(64), by };
    expect(await check(store, [invented])).toMatchObject({ differing: 1, differences: [{ what: 'cause' }] });
  });
});
