import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CatalogFixture } from './catalog.fixture.ts';

const artifact = { url: 'https://example.org/a', sha256: 'a'.repeat(64), sizeBytes: 58_720_256 };

let catalog: CatalogFixture;

beforeEach(async () => {
  catalog = new CatalogFixture();
  await catalog.start();
});
afterEach(() => catalog.stop());

describe('publishing a patch', () => {
  it('answers 201 with the patch, and shows it at once', async () => {
    const answer = await post('/v1/patches', patch('a', { variants: [variant('a', { artifact })] }));
    expect(answer.statusCode).toBe(201);
    const expected = {
      ...patch('a', { variants: [variant('a', { artifact })] }),
      cves: [],
      status: 'published',
      publishedAt: '2026-03-17T10:00:00.000Z',
      recallEpoch: 0,
    };
    expect(answer.json()).toEqual(expected);
    expect((await get('/v1/patches/ios-26.3.1-a')).json()).toEqual(expected);
  });

  it('answers 200 and writes nothing when the same is sent again, 409 when something else is', async () => {
    await post('/v1/patches', patch('a'));
    const again = await post('/v1/patches', { ...patch('a'), cves: [] });
    expect(again.statusCode).toBe(200);
    // The reservations of the base and of the build, and the publication.
    expect(await catalog.store.head()).toBe('3');
    const other = await post('/v1/patches', patch('a', { letter: 'b' }));
    expect(other.json()).toMatchObject({ status: 409, code: 'patch-exists' });
  });

  it('adds what the body has beyond what was published, and changes nothing of it', async () => {
    const models = ['iPhone18,1', 'iPad16,3'];
    const [phone, pad] = models.map((model) => ({ ...artifact, url: `https://example.org/${model}`, models: [model] }));
    const packed = (...artifacts: unknown[]) => patch('a', { variants: [variant('a', { models, artifacts })] });
    expect((await post('/v1/patches', packed(phone))).statusCode).toBe(201);
    const more = await post('/v1/patches', { ...packed(phone, pad), releaseNotesUrl: 'https://example.org' });
    expect([more.statusCode, more.json()]).toMatchObject([200, packed(phone, pad)]);
    const { events } = (await get('/v1/feed')).json<{ events: { type: string }[] }>();
    expect(events.map(({ type }) => type)).toEqual(['PatchPublished', 'PatchAmended']);
    const other = await post('/v1/patches', packed({ ...phone, sizeBytes: 1 }));
    expect(other.json()).toMatchObject({ status: 409, code: 'patch-exists' });
    const build = variant('b', { models: ['iPhone17,1'] });
    const taken = { ...patch('b', { variants: [build] }), patchId: 'twin' };
    await post('/v1/patches', taken);
    const grown = patch('a', { variants: [variant('a', { models, artifacts: [phone, pad] }), build] });
    expect((await post('/v1/patches', grown)).json()).toMatchObject({ status: 409, code: 'build-taken' });
  });

  it('writes who did it, and events of the public shape', async () => {
    await post('/v1/patches', patch('a'));
    const page = (await get('/v1/feed')).json<{ events: object[] }>();
    expect(page.events).toMatchObject([
      {
        source: 'catalog',
        type: 'PatchPublished',
        stream: 'patch-ios-26.3.1-a',
        actor: 'admin',
        data: { type: 'PatchPublished', patchId: 'ios-26.3.1-a', at: '2026-03-17T10:00:00.000Z', platform: 'ios' },
      },
    ]);
  });

  it('refuses a build that another patch of the platform has, also when both come at once', async () => {
    const twin = { ...patch('b', { variants: [variant('a')] }), patchId: 'twin' };
    const answers = await Promise.all([post('/v1/patches', patch('a')), post('/v1/patches', twin)]);
    expect(answers.map(({ statusCode }) => statusCode).sort()).toEqual([201, 409]);
    expect(answers.map((answer) => answer.json<{ code?: string }>().code)).toContain('build-taken');
    const elsewhere = { ...patch('a'), patchId: 'macos-26.3.1-a', platform: 'macos' };
    expect((await post('/v1/patches', elsewhere)).statusCode).toBe(201);
  });

  it('refuses a patch on top of a patch, whichever comes first', async () => {
    const based = (letter: string, build: string, prerequisiteBuild: string) =>
      patch(letter, { variants: [{ ...variant(letter), build, prerequisiteBuild }] });
    await post('/v1/patches', based('a', '23D2', '23D1'));
    const stacked = await post('/v1/patches', based('c', '23D3', '23D2'));
    expect(stacked.json()).toMatchObject({ status: 409, code: 'prerequisite-is-patch' });
    const below = await post('/v1/patches', based('d', '23D1', '23D0'));
    expect(below.json()).toMatchObject({ status: 409, code: 'prerequisite-is-patch' });
    const elsewhere = { ...based('c', '23D3', '23D2'), patchId: 'macos-c', platform: 'macos' };
    expect((await post('/v1/patches', elsewhere)).statusCode).toBe(201);
  });

  it('refuses a letter that another patch has on the base build, for a model of both', async () => {
    await post('/v1/patches', patch('a'));
    const [{ build, ...rest }] = [variant('a')];
    const again = { ...patch('a', { variants: [{ ...rest, build: `${build}x` }] }), patchId: 'again' };
    expect((await post('/v1/patches', again)).json()).toMatchObject({ status: 409, code: 'letter-taken' });
    const others = {
      ...patch('a', { variants: [{ ...rest, build: `${build}x`, models: ['iPad8,1'] }] }),
      patchId: 'ipads',
    };
    expect((await post('/v1/patches', others)).statusCode).toBe(201);
  });

  it('names every fault at once', async () => {
    const answer = await post('/v1/patches', {
      patchId: 'a b',
      platform: 'linux',
      baseVersion: '26.3 beta',
      letter: 'A',
      variants: [{ build: '', prerequisiteBuild: '1', models: [], artifact: { ...artifact, sha256: 'x', extra: 1 } }],
      cves: [{ id: 'CVE-1', exploited: 'no' }],
      releaseNotesUrl: null,
    });
    expect(answer.json()).toMatchObject({ status: 400, code: 'invalid-request' });
    expect(new Set(answer.json<{ errors: { path: string }[] }>().errors.map(({ path }) => path))).toEqual(
      new Set([
        ...['/patchId', '/platform', '/baseVersion', '/letter', '/variants/0/build', '/variants/0/models'],
        ...['/variants/0/artifact/sha256', '/variants/0/artifact/extra', '/cves/0/id', '/cves/0/exploited'],
        '/releaseNotesUrl',
      ]),
    );
  });

  it.each([
    ['no variant', { variants: [] }, '/variants'],
    ['65 variants', { variants: Array.from({ length: 65 }, () => variant('a')) }, '/variants'],
    ['variants that are no list', { variants: { length: 1 } }, '/variants'],
    ['a build that is its own prerequisite', { variants: [variant('a', { build: '23D8133' })] }, '/variants/0/build'],
    ['one build twice', { variants: [variant('a'), variant('a', { models: ['iPad16,3'] })] }, '/variants/1/build'],
    ['two variants for one model', { variants: [variant('a'), variant('b')] }, '/variants/1/models/0'],
    ['1001 models', { variants: [variant('a', { models: models(1001) })] }, '/variants/0/models'],
  ])('refuses %s', async (_, change, path) => {
    const answer = await post('/v1/patches', { ...patch('a'), ...change });
    expect(answer.json()).toMatchObject({ code: 'invalid-request' });
    expect(answer.json<{ errors: { path: string }[] }>().errors.map((fault) => fault.path)).toContain(path);
  });

  it.each([
    ['viewer', '/v1/patches', patch('a')],
    ['responder', '/v1/patches', patch('a')],
    ['publisher', '/v1/patches/ios-26.3.1-a/pull', { mode: 'withdraw', reason: 'bad' }],
    ['responder', '/v1/patches/ios-26.3.1-a/fold-in', { version: '26.4', build: '23E246' }],
    ['operator', '/v1/imports?format=sofa-v2', {}],
  ] as const)('is not for a %s at %s', async (role, path, body) => {
    const answer = await catalog.post(path, body, { as: role });
    expect(answer.json()).toMatchObject({ status: 403, code: 'forbidden' });
  });
});

describe('superseding patches', () => {
  it('shows the earlier letter as superseded once the later one is answered', async () => {
    await post('/v1/patches', patch('a'));
    await post('/v1/patches', patch('c'));
    expect(await status('a')).toMatchObject({ status: 'superseded', supersededBy: 'ios-26.3.1-c' });
    expect(await status('c')).toMatchObject({ status: 'published' });
  });

  it('supersedes a low letter that comes late, and leaves what was pulled alone', async () => {
    await post('/v1/patches', patch('a'));
    await post('/v1/patches/ios-26.3.1-a/pull', { mode: 'recall', reason: 'boot loops' });
    await post('/v1/patches', patch('c'));
    const late = await post('/v1/patches', patch('b'));
    expect(late.json()).toMatchObject({ status: 'superseded', supersededBy: 'ios-26.3.1-c' });
    expect(await status('a')).not.toHaveProperty('supersededBy');
  });

  it('does nothing a second time when the service starts again, and catches up on what it missed', async () => {
    await post('/v1/patches', patch('a'));
    await post('/v1/patches', patch('c'));
    const head = await catalog.store.head();
    await catalog.restart();
    expect(await status('a')).toMatchObject({ status: 'superseded', supersededBy: 'ios-26.3.1-c' });
    expect(await catalog.store.head()).toBe(head);
    const { patchId, ...content } = patch('d');
    const event = { type: 'PatchPublished', at: catalog.clock.nowText(), patchId, ...content, cves: [] };
    await catalog.restart({
      stream: `patch-${patchId}`,
      expected: 'no-stream',
      commitId: 'while it was down',
      metadata: { actor: 'test', correlationId: 'test' },
      body: { kind: 'events', events: [event] },
    });
    await expect.poll(() => status('c')).toMatchObject({ status: 'superseded', supersededBy: 'ios-26.3.1-d' });
    expect(await status('a')).toMatchObject({ supersededBy: 'ios-26.3.1-d' });
  });
});

describe('pulling a patch', () => {
  it('shows in the metrics how many patches are in which state', async () => {
    await post('/v1/patches', patch('a'));
    await post('/v1/patches', patch('b'));
    await post('/v1/patches/ios-26.3.1-b/pull', { mode: 'withdraw', reason: 'boot loops' });
    const { body } = await get('/metrics');
    expect(body.split('\n').filter((line) => line.startsWith('sluice_patches{'))).toEqual([
      'sluice_patches{status="published"} 0',
      'sluice_patches{status="superseded"} 1',
      'sluice_patches{status="folded-in"} 0',
      'sluice_patches{status="pulled"} 1',
    ]);
  });

  it('withdraws, then recalls, each with an epoch of its own', async () => {
    await post('/v1/patches', patch('a'));
    const withdrawn = await post('/v1/patches/ios-26.3.1-a/pull', { mode: 'withdraw', reason: 'boot loops' });
    expect(withdrawn.json()).toMatchObject({
      status: 'pulled',
      recallEpoch: 1,
      pulled: { mode: 'withdraw', reason: 'boot loops', at: '2026-03-17T10:00:00.000Z' },
    });
    const { digest } = (await get('/v1/patches/ios-26.3.1-a/re-exposure')).json<{ digest: string }>();
    const recall = { mode: 'recall', reason: 'worse than thought', ledgerDigest: digest };
    const recalled = await post('/v1/patches/ios-26.3.1-a/pull', recall);
    expect(recalled.json()).toMatchObject({ recallEpoch: 2, pulled: { mode: 'recall', ledgerDigest: digest } });
    expect((await post('/v1/patches/ios-26.3.1-a/pull', recall)).statusCode).toBe(200);
    const more = await post('/v1/patches/ios-26.3.1-a/pull', { mode: 'withdraw', reason: 'other' });
    expect(more.json()).toMatchObject({ status: 409, code: 'patch-already-recalled' });
    expect(await catalog.store.head()).toBe('5');
  });

  it('withdraws without a word, whatever the client calls that', async () => {
    for (const [letter, type] of [
      ['a', undefined],
      ['b', 'application/x-www-form-urlencoded'],
      ['c', 'text/plain'],
    ] as const) {
      await post('/v1/patches', patch(letter));
      const path = `/v1/patches/ios-26.3.1-${letter}/pull`;
      const answer = await catalog.post(path, '', type === undefined ? {} : { type });
      expect(answer.json()).toMatchObject({
        status: 'pulled',
        pulled: { mode: 'withdraw', reason: 'no reason given' },
      });
    }
  });

  it('takes a replacement that stands on the same base', async () => {
    await post('/v1/patches', patch('a'));
    await post('/v1/patches', patch('c'));
    const body = { mode: 'recall', reason: 'boot loops', replacement: 'ios-26.3.1-c' };
    const answer = await post('/v1/patches/ios-26.3.1-a/pull', body);
    expect(answer.json()).toMatchObject({ status: 'pulled', supersededBy: 'ios-26.3.1-c', pulled: body });
    await post('/v1/patches/ios-26.3.1-c/pull', { mode: 'withdraw', reason: 'bad too' });
    expect((await post('/v1/patches/ios-26.3.1-a/pull', body)).statusCode).toBe(200);
  });

  it.each(['ios-26.3.1-a', 'ios-26.3.1-b', 'ios-26.3.1-x', 'ios-26.4-a', 'macos-26.3.1-a'])(
    'refuses %s as its replacement',
    async (replacement) => {
      const ofOther = { variants: [variant('z')] };
      await post('/v1/patches', patch('a'));
      await post('/v1/patches', patch('b'));
      await post('/v1/patches/ios-26.3.1-b/pull', { mode: 'withdraw', reason: 'bad' });
      await post('/v1/patches', { ...patch('a', ofOther), baseVersion: '26.4', patchId: 'ios-26.4-a' });
      await post('/v1/patches', { ...patch('a', ofOther), platform: 'macos', patchId: 'macos-26.3.1-a' });
      const answer = await post('/v1/patches/ios-26.3.1-a/pull', { mode: 'recall', reason: 'bad', replacement });
      expect(answer.json()).toMatchObject({ status: 409, code: 'replacement-unsuitable' });
      expect(await status('a')).not.toHaveProperty('pulled');
    },
  );

  it('answers 404 for a patch that is not there, and names the faults of a body', async () => {
    const body = { mode: 'withdraw', reason: 'bad' };
    expect((await post('/v1/patches/none/pull', body)).json()).toMatchObject({ status: 404, code: 'patch-not-found' });
    const faulty = await post('/v1/patches/none/pull', { mode: 'stop', reason: '', replacement: null, force: true });
    const paths = faulty.json<{ errors: { path: string }[] }>().errors.map(({ path }) => path);
    expect(new Set(paths)).toEqual(new Set(['/mode', '/reason', '/replacement', '/force']));
  });
});

describe('folding in a patch', () => {
  it('records the full release that contains it, once', async () => {
    await post('/v1/patches', patch('a'));
    const body = { version: '26.4', build: '23E246' };
    const answer = await post('/v1/patches/ios-26.3.1-a/fold-in', body);
    expect(answer.json()).toMatchObject({ status: 'folded-in', foldedInto: body });
    expect((await post('/v1/patches/ios-26.3.1-a/fold-in', body)).statusCode).toBe(200);
    const other = await post('/v1/patches/ios-26.3.1-a/fold-in', { version: '26.5', build: '23F77' });
    expect(other.json()).toMatchObject({ status: 409, code: 'patch-folded-in' });
  });

  it('records it of a pulled patch, too, and the ledger names it', async () => {
    await post('/v1/patches', patch('a'));
    await post('/v1/patches/ios-26.3.1-a/pull', { mode: 'withdraw', reason: 'bad' });
    const body = { version: '26.4', build: '23E246' };
    const answer = await post('/v1/patches/ios-26.3.1-a/fold-in', body);
    expect(answer.json()).toMatchObject({ status: 'pulled', pulled: { mode: 'withdraw' }, foldedInto: body });
    expect((await get('/v1/patches/ios-26.3.1-a/re-exposure')).json()).toMatchObject({ fullRelease: body });
  });

  it('folds a patch in only as it was seen, where somebody says what was, and shows what it is now', async () => {
    const published = await post('/v1/patches', patch('a'));
    expect(published.headers.etag).toBe('"0"');
    await post('/v1/patches', patch('a', { variants: [variant('a', { artifact })] }));
    const body = { version: '26.4', build: '23E246' };
    const foldIn = (etag: unknown) =>
      catalog.post('/v1/patches/ios-26.3.1-a/fold-in', body, { more: { 'if-match': String(etag) } });
    const refused = await foldIn(published.headers.etag);
    expect(refused.json()).toMatchObject({ status: 412, current: { variants: [{ artifact }] } });
    expect(refused.headers.etag).toBe('"1"');
    expect((await foldIn('"1"')).headers.etag).toBe('"2"');
    expect((await get('/v1/patches/ios-26.3.1-a')).headers.etag).toBe('"2"');
  });

  it('refuses a full release that is not later than the base', async () => {
    await post('/v1/patches', patch('a'));
    const answer = await post('/v1/patches/ios-26.3.1-a/fold-in', { version: '26.3.1', build: '23D8133' });
    expect(answer.json()).toMatchObject({ status: 409, code: 'release-not-later' });
  });
});

describe('listing patches', () => {
  const base = (version: string, letter: string) => ({
    ...patch(letter, {
      variants: [{ ...variant(`${version.replaceAll('.', '')}${letter}`), prerequisiteBuild: `23D${version}` }],
    }),
    patchId: `ios-${version}-${letter}`,
    baseVersion: version,
  });

  it('pages through them in version order', async () => {
    for (const [version, letter] of [
      ['26.10', 'a'],
      ['26.3.1', 'c'],
      ['26.3', 'a'],
      ['26.3.1', 'a'],
    ] as const) {
      expect((await post('/v1/patches', base(version, letter))).statusCode).toBe(201);
    }
    const first = (await get('/v1/patches?limit=3')).json<{ items: { patchId: string }[]; nextCursor: string }>();
    expect(first.items.map(({ patchId }) => patchId)).toEqual(['ios-26.3-a', 'ios-26.3.1-a', 'ios-26.3.1-c']);
    const second = (await get(`/v1/patches?limit=3&cursor=${first.nextCursor}`)).json<object>();
    expect(second).toMatchObject({ items: [{ patchId: 'ios-26.10-a' }], total: 4 });
    expect(second).not.toHaveProperty('nextCursor');
  });

  it('filters by platform, status and base version', async () => {
    await post('/v1/patches', patch('a'));
    await post('/v1/patches', patch('c'));
    await post('/v1/patches', { ...patch('a'), patchId: 'macos-26.3.1-a', platform: 'macos' });
    const ids = async (query: string) =>
      (await get(`/v1/patches?${query}`)).json<{ items: { patchId: string }[] }>().items.map(({ patchId }) => patchId);
    expect(await ids('platform=macos')).toEqual(['macos-26.3.1-a']);
    expect(await ids('status=superseded')).toEqual(['ios-26.3.1-a']);
    expect(await ids('baseVersion=26.3.1&platform=ios')).toEqual(['ios-26.3.1-a', 'ios-26.3.1-c']);
    expect(await ids('baseVersion=26.3')).toEqual([]);
  });

  it('refuses a cursor that is none', async () => {
    expect((await get('/v1/patches?cursor=none')).json()).toMatchObject({ status: 400, code: 'unknown-cursor' });
  });

  it.each(['limit=0', 'limit=1001', 'limit=x', 'status=gone', 'platform=linux', 'cursor=', 'page=2'])(
    'refuses %s',
    async (query) => {
      expect((await get(`/v1/patches?${query}`)).json()).toMatchObject({ status: 400, code: 'invalid-request' });
    },
  );
});

describe('looking back', () => {
  it('shows patches as they were at an instant', async () => {
    await post('/v1/patches', patch('a'));
    await catalog.clock.advanceTo(catalog.clock.now() + 60_000);
    const between = catalog.clock.nowText();
    await catalog.clock.advanceTo(catalog.clock.now() + 60_000);
    await post('/v1/patches', patch('c'));
    await post('/v1/patches/ios-26.3.1-a/pull', { mode: 'withdraw', reason: 'boot loops' });
    const shown = await get(`/v1/patches/ios-26.3.1-a?at=${between}`);
    expect(shown.json()).toMatchObject({ status: 'published', recallEpoch: 0 });
    expect(shown.json()).not.toHaveProperty('pulled');
    expect(shown.headers).not.toHaveProperty('etag');
    expect((await get(`/v1/patches?at=${between}`)).json()).toMatchObject({
      total: 1,
      items: [{ status: 'published' }],
    });
    expect((await get(`/v1/patches/ios-26.3.1-c?at=${between}`)).json()).toMatchObject({ code: 'patch-not-found' });
    expect((await get('/v1/patches/ios-26.3.1-a')).json()).toMatchObject({ status: 'pulled' });
  });

  it('knows no future', async () => {
    const at = new Date(catalog.clock.now() + 1).toISOString();
    expect((await get(`/v1/patches?at=${at}`)).json()).toMatchObject({ code: 'at-in-future' });
    expect((await get(`/v1/patches/ios-26.3.1-a?at=${at}`)).json()).toMatchObject({ code: 'at-in-future' });
  });
});

describe('verifying the catalog', () => {
  it('finds the live patches as the store says', async () => {
    await post('/v1/patches', patch('a'));
    await post('/v1/patches', patch('c'));
    await post('/v1/patches/ios-26.3.1-a/pull', { mode: 'recall', reason: 'boot loops', replacement: 'ios-26.3.1-c' });
    expect(await verify()).toMatchObject({ status: 'done', done: ['catalog-patches'], matches: true, differences: [] });
  });
});

async function verify(): Promise<object> {
  const { id } = (await post('/v1/replays', { verify: true })).json<{ id: string }>();
  const read = async () => (await get(`/v1/replays/${id}`)).json<{ status: string }>();
  await expect.poll(read).toMatchObject({ status: expect.not.stringMatching('running') as string });
  return read();
}

async function status(letter: string): Promise<object> {
  return (await get(`/v1/patches/ios-26.3.1-${letter}`)).json<object>();
}

function patch(letter: string, change: object = {}) {
  return {
    patchId: `ios-26.3.1-${letter}`,
    platform: 'ios',
    baseVersion: '26.3.1',
    letter,
    variants: [variant(letter)],
    ...change,
  };
}

function variant(letter: string, change: object = {}) {
  return { build: `23D771330${letter}`, prerequisiteBuild: '23D8133', models: ['iPhone18,1'], ...change };
}

function models(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `Mac${String(index)},1`);
}

function post(url: string, payload: object) {
  return catalog.post(url, payload);
}

function get(url: string) {
  return catalog.get(url);
}
