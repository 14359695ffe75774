import { setTimeout as sleep } from 'node:timers/promises';
import { type Commit, type DomainEvent, InMemoryEventStore, lastReceipt, type Receipted } from '@sluice/event-sourcing';
import { LISTED_MAX } from '@sluice/domain-rollout';
import { InlineFolds, type ReceiptsFound, type ReceiptsInput, seal } from '@sluice/platform';
import { appendOf } from '@sluice/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { folds } from './index.ts';
import { OrchestratorWorld, plan, published, pulled, type StoredEvent as Event } from './orchestrator.fixture.ts';
import { RECEIPTS_FOLD } from './own-streams.fold.ts';
import { OWN_STREAMS } from './publications.ts';
import { Views } from './views.ts';

const POLL_MS = 5;
const world = new OrchestratorWorld();
const { store, clock } = world;

/** A history with holds and a halt by the gate, a resume and a pull: of two services, in one store. */
beforeAll(async () => {
  await world.boot();
  await world.decideInCatalog(published);
  await world.send('POST', '/v1/rollouts', { body: plan });
  await world.send('POST', '/v1/rollouts/r1/start');
  await world.countInstalls([20, 0, 0, 0]);
  await world.advance(3);
  await world.countInstalls([9, 9, 9, 9]);
  await world.advance(3);
  await world.send('POST', '/v1/rollouts/r1/resume', { body: { evidenceSeen: 'its logs' } });
  await world.advance(3);
  await world.decideInCatalog(pulled);
  await world.advance(1);
});
afterAll(() => world.close());

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
    await world.append(stream, written, copy);
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

const withoutReceipt = ({ receipt: _, cause: __, ...event }: Event): Event => event;
const inEvidenceOf = (change: (evidence: Stored) => object) => (event: Event) =>
  event['evidence'] === undefined ? event : { ...event, evidence: change(event['evidence'] as Stored) };
type Stored = { readonly tests: readonly Readonly<Record<string, unknown>>[] };
const withRule = (rule: string) => inEvidenceOf((evidence) => ({ ...evidence, rule }));
const withCountsOf = (by: string) =>
  inEvidenceOf((evidence) => ({ ...evidence, tests: evidence.tests.map((test) => ({ ...test, madeOf: { by } })) }));
const withoutCounts = inEvidenceOf((evidence) => ({
  ...evidence,
  tests: evidence.tests.map(({ madeOf: _, ...test }) => test),
}));
/** A halt with as many tests as may be listed, each of next to no weight; all that is left is said to be in the others. */
const padded = (event: Event) =>
  event.type === 'RolloutHalted'
    ? inEvidenceOf(({ tests: [first], ...evidence }) => {
        const tests = Array.from({ length: LISTED_MAX }, (_, index) => ({
          ...{ ...first, weight: 1e-30 },
          ...(index > 0 && { level: 'model', of: `iPhone1,${String(index)}` }),
        }));
        return { ...evidence, tests, logOthers: 50, logSum: 50 };
      })(event)
    : event;

describe('knowing the last receipt of a stream', () => {
  it('knows that of an event which a later version wrote', () => {
    const views = new Views();
    const body = { kind: 'events', events: [], places: [], receipt: 'r' } as const;
    views.applyOwn({
      ...appendOf({ stream: 'rollout-r9', commitId: 'x', body }),
      revision: 0,
      position: '1',
      recordedAt: clock.nowText(),
    });
    expect(views.causeIn('rollout-r9')).toEqual({ stream: 'rollout-r9', receipt: 'r' });
    expect(views.known('rollout-r9', {})).toMatchObject({ revision: 0, receipt: 'r' });
  });
});

describe('checking receipts', () => {
  it('finds a genuine history as it was, by the call that clients use', async () => {
    let { body: job } = await world.send('POST', '/v1/replays', { body: { verify: true, receipts: true } });
    while (job['status'] === 'running') {
      await sleep(POLL_MS);
      ({ body: job } = await world.send('GET', `/v1/replays/${String(job['id'])}`));
    }
    expect(job).toMatchObject({ status: 'done', matches: true, differences: [], done: ['orchestrator'] });
    const [report] = job['receipts'] as ReceiptsFound[];
    expect(report).toMatchObject({
      ...{ withoutReceipt: 0, differing: 0, causesElsewhere: 0 },
      notRecomputable: { anotherRule: 0, countsNotKept: 0, notAllListed: 0 },
    });
    expect(job['events']).toBe(report?.events);
    expect(report?.events).toBeGreaterThan(12);
    // Two holds and the halt; a hold names its rollout, the abort and the recall name the pull.
    expect(report?.verdicts).toBe(3);
    expect(report?.causes).toBe(4);
  });

  it('names the pull as the cause of the abort and of the recall, by its receipt', async () => {
    const pull = (await world.eventsOf('patch-p-a')).at(-1);
    const cause = { stream: 'patch-p-a', receipt: pull?.receipt };
    expect((await world.eventsOf('rollout-r1')).at(-1)).toMatchObject({ type: 'RolloutAborted', cause });
    expect(await world.eventsOf('recall-p-a')).toMatchObject([{ type: 'RecallStarted', cause }]);
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
    const [planned] = await world.eventsOf('rollout-r1');
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

  it('holds what a wave waited for with pending failures against the limit of a halt', async () => {
    const waiting = (code: string) => (event: Event) => {
      if (event.type !== 'RolloutHalted') return event;
      const { rolloutId, wave, evidence, at } = event;
      return { ...{ type: 'WaveWaiting', rolloutId, wave, evidence, at }, waitsFor: [{ code, words: 'x' }] };
    };
    expect(await altered(waiting('pending-failures'), true)).toMatchObject({ differing: 0, verdicts: 3 });
    const weaker = (event: Event) => fewerFailures('WaveWaiting')(waiting('pending-failures')(event));
    expect((await altered(weaker, true)).differences).toMatchObject([{ what: 'verdict', type: 'WaveWaiting' }]);
  });

  it('names a verdict of a gate whose evidence was taken away', async () => {
    const found = await altered(({ evidence: _, ...event }: Event) => event, true);
    const types = found.differences.flatMap(({ what, type }) => (what === 'verdict' ? type : []));
    expect(types).toEqual(['HoldPlaced', 'HoldPlaced', 'RolloutHalted']);
  });

  it.each([
    ['its rule renamed', withRule('evidence-sum/3'), 'evidence-sum/3'],
    ['the counts taken away that it is made of', withoutCounts, 'are not there'],
    ['unknown counts', withCountsOf('tea-leaves'), 'does not have'],
  ])('names a verdict that has %s, though all receipts were made anew', async (_what, alter, words) => {
    const found = await altered(alter, true);
    const detail = expect.stringContaining(words) as string;
    expect(found.differences).toMatchObject(
      ['HoldPlaced', 'HoldPlaced', 'RolloutHalted'].map((type) => ({ what: 'verdict', type, detail })),
    );
    expect(found).toMatchObject({ verdicts: 0, notRecomputable: { anotherRule: 0, countsNotKept: 0 } });
  });

  it.each([
    ['another rule', withRule('evidence-sum/3'), 'anotherRule'],
    ['no counts', withoutCounts, 'countsNotKept'],
  ])('counts verdicts with %s apart where they are from before there were receipts', async (_what, alter, kind) => {
    const none = { anotherRule: 0, countsNotKept: 0, notAllListed: 0 };
    const found = await altered((event) => alter(withoutReceipt(event)));
    expect(found).toMatchObject({ differing: 0, verdicts: 0, notRecomputable: { ...none, [kind]: 3 } });
  });

  it('counts a verdict apart whose listed tests are padded, so that they do not carry it', async () => {
    const found = await altered(padded, true);
    expect(found.differences).toEqual([]);
    const notRecomputable = { anotherRule: 0, countsNotKept: 0, notAllListed: 1 };
    expect(found).toMatchObject({ differing: 0, verdicts: 2, notRecomputable });
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
    const found = await altered(withoutReceipt);
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

  it('names an event whose cause cannot be read', async () => {
    const found = await altered(
      (event) => (event.type === 'RecallStarted' ? { ...event, cause: null as never } : event),
      true,
    );
    expect(found.differences).toMatchObject([{ stream: 'recall-p-a', revision: 0, what: 'cause' }]);
  });

  it('looks for receipts that are of streams which other services have, where it is asked to', async () => {
    const [receipt = ''] = (await world.eventsOf('rollout-r1')).map((event) => event.receipt);
    const by = 'hold-h1/0';
    expect(await check(store, [{ stream: 'rollout-r1', receipt, by }])).toMatchObject({ causes: 5, differing: 0 });
    const other = { stream: 'rollout-r9', receipt, by };
    expect(await check(store, [other])).toMatchObject({ causesElsewhere: 1, elsewhere: [other], differing: 0 });
    const invented = { stream: 'rollout-r1', receipt: '0'.repeat(64), by };
    expect(await check(store, [invented])).toMatchObject({ differing: 1, differences: [{ what: 'cause' }] });
  });
});
