import { type Append, type Appended, StoreUnavailable } from '@sluice/event-sourcing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CatalogFixture } from '../catalog.fixture.ts';

const ROUNDS = 200;

let one: CatalogFixture;
let two: CatalogFixture;

beforeEach(async () => {
  [one, two] = [new CatalogFixture(), new CatalogFixture()];
  two.store = one.store;
  await one.start();
  await two.start();
});
afterEach(async () => {
  await one.stop();
  await two.stop();
});

const patch = (patchId: string, ...builds: string[]) => ({
  patchId,
  platform: 'ios',
  baseVersion: '26.3.1',
  letter: 'a',
  variants: builds.map((build, index) => ({
    build,
    prerequisiteBuild: `base-of-${patchId}`,
    models: [`iPhone18,${String(index + 1)}`],
  })),
  cves: [],
});

const publish = async (catalog: CatalogFixture, body: object) => {
  const answer = await catalog.post('/v1/patches', body);
  const { code } = answer.json<{ code?: string }>();
  return { status: answer.statusCode, code, retryAfter: answer.headers['retry-after'] };
};

/** The instance dies after the reservation: nothing of the patch's own stream is written. */
function dieBetweenAppends(catalog: CatalogFixture, patchId: string): () => void {
  const append = catalog.store.append.bind(catalog.store);
  catalog.store.append = (wanted: Append): Promise<Appended> =>
    wanted.stream === `patch-${patchId}` ? Promise.reject(new StoreUnavailable('killed')) : append(wanted);
  return () => {
    catalog.store.append = append;
  };
}

describe('publishing one build at two instances on one store', () => {
  it(`has one winner in each of ${String(ROUNDS)} rounds`, async () => {
    const wins = { one: 0, two: 0 };
    for (let round = 0; round < ROUNDS; round += 1) {
      const build = `23D${String(round)}`;
      const answers = await Promise.all([
        publish(one, patch(`one-${String(round)}`, build)),
        publish(two, patch(`two-${String(round)}`, build)),
      ]);
      expect(answers.map(({ status }) => status).sort()).toEqual([201, 409]);
      expect(answers.find(({ status }) => status === 409)?.code).toBe('build-taken');
      wins[answers[0].status === 201 ? 'one' : 'two'] += 1;
    }
    expect(wins.one + wins.two).toBe(ROUNDS);
    const { items } = (await two.get('/v1/patches?limit=1000')).json<{ items: object[] }>();
    expect(items).toHaveLength(ROUNDS);
  }, 60_000);

  it('refuses at one what the other has just published', async () => {
    await publish(one, patch('first', '23D1', '23D2'));
    expect(await publish(two, patch('second', '23D3', '23D2'))).toMatchObject({ status: 409, code: 'build-taken' });
    expect(await publish(two, patch('second', '23D3'))).toMatchObject({ status: 201 });
  });

  it('frees what a dead instance reserved, ten seconds after it was first seen', async () => {
    const revive = dieBetweenAppends(one, 'dead');
    expect(await publish(one, patch('dead', '23D1'))).toMatchObject({ status: 503 });
    revive();
    expect(await publish(two, patch('heir', '23D1'))).toEqual({ status: 409, code: 'build-taken', retryAfter: '10' });
    two.timers.advance(9999);
    expect(await publish(two, patch('heir', '23D1'))).toMatchObject({ status: 409, retryAfter: '1' });
    two.timers.advance(1);
    expect(await publish(two, patch('heir', '23D1'))).toMatchObject({ status: 201 });
    expect(await publish(one, patch('dead', '23D1'))).toMatchObject({ status: 409, code: 'build-taken' });
  });

  it('lets the instance itself go on with what it had reserved', async () => {
    const revive = dieBetweenAppends(one, 'slow');
    await publish(one, patch('slow', '23D1'));
    revive();
    expect(await publish(one, patch('slow', '23D1'))).toMatchObject({ status: 201 });
  });

  it('counts the builds of patches that were published before there were reservations', async () => {
    const { patchId, ...content } = patch('old', '23D1');
    await one.store.append({
      stream: `patch-${patchId}`,
      expected: 'no-stream',
      commitId: 'before',
      metadata: { actor: 'test', correlationId: 'test' },
      body: {
        kind: 'events',
        events: [{ type: 'PatchPublished', patchId, at: one.clock.nowText(), ...content } as { type: string }],
      },
    });
    expect(await publish(two, patch('new', '23D1'))).toMatchObject({ status: 409, code: 'build-taken' });
  });
});

describe('publishing a patch and one on top of it at two instances at once', () => {
  const onTop = (patchId: string, build: string, base: string) => {
    const { variants, ...content } = patch(patchId, build);
    return { ...content, letter: 'b', variants: variants.map((variant) => ({ ...variant, prerequisiteBuild: base })) };
  };

  it(`takes one of them in each of ${String(ROUNDS)} rounds`, async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const build = `23D${String(round)}`;
      const answers = await Promise.all([
        publish(one, patch(`below-${String(round)}`, build)),
        publish(two, onTop(`above-${String(round)}`, `${build}x`, build)),
      ]);
      expect(answers.map(({ status }) => status).sort()).toEqual([201, 409]);
      expect(answers.find(({ status }) => status === 409)?.code).toBe('prerequisite-is-patch');
    }
  }, 60_000);

  it('has many patches on one base, and frees a base that a dead instance reserved', async () => {
    const answers = await Promise.all([
      publish(one, onTop('first', '23D1', '23D0')),
      publish(two, { ...onTop('second', '23D2', '23D0'), letter: 'c' }),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([201, 201]);
    const revive = dieBetweenAppends(one, 'dead');
    expect(await publish(one, onTop('dead', '23D3', '23D4'))).toMatchObject({ status: 503 });
    revive();
    expect(await publish(two, patch('heir', '23D4'))).toMatchObject({
      code: 'prerequisite-is-patch',
      retryAfter: '10',
    });
    two.timers.advance(10_000);
    expect(await publish(two, patch('heir', '23D4'))).toMatchObject({ status: 201 });
    expect(await publish(two, patch('below', '23D0'))).toMatchObject({ status: 409, code: 'prerequisite-is-patch' });
  });
});

describe('keeping reservations to the catalog', () => {
  it('publishes none of them, and finds them in no replay', async () => {
    await publish(one, patch('first', '23D1'));
    const { events } = (await one.get('/v1/feed')).json<{ events: { stream: string }[] }>();
    expect(events.map(({ stream }) => stream)).toEqual(['patch-first']);
    const { id } = (await one.post('/v1/replays', { verify: true })).json<{ id: string }>();
    const read = async () => (await one.get(`/v1/replays/${id}`)).json<{ status: string }>();
    await expect.poll(read).toMatchObject({ status: 'done', matches: true });
  });
});
