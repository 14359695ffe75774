import { type ImportReport } from '@sluice/api';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Append, type Appended, StoreUnavailable } from '@sluice/event-sourcing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CatalogFixture } from '../catalog.fixture.ts';

const FEEDS = fileURLToPath(new URL('../../../../../../shared/data/sofa/v2/', import.meta.url));
const EMPTY = { published: [], amended: [], unchanged: [], conflicting: [], refused: [] };

let catalog: CatalogFixture;

beforeEach(async () => {
  catalog = new CatalogFixture();
  await catalog.start();
});
afterEach(() => catalog.stop());

describe('importing a SOFA v2 feed', () => {
  it('publishes its patches, earlier letters first, and reports where each comes from', async () => {
    const report = await run(
      feed([row('26.3.1', 'c', '25D2128'), row('26.3.1', 'a', '25D2128')]),
      '&source=macos.json',
    );
    expect(report).toEqual({
      format: 'sofa-v2',
      dryRun: false,
      ...EMPTY,
      published: [
        { patchId: 'macos-26.3.1-a', source: { file: 'macos.json', row: '/BackgroundSecurityImprovements/26/1' } },
        { patchId: 'macos-26.3.1-c', source: { file: 'macos.json', row: '/BackgroundSecurityImprovements/26/0' } },
      ],
      notPatches: 2,
    });
    expect((await catalog.get('/v1/patches/macos-26.3.1-a')).json()).toMatchObject({
      platform: 'macos',
      baseVersion: '26.3.1',
      letter: 'a',
      variants: [{ build: '25D2128a', prerequisiteBuild: '25D2128', models: ['MacPro7,1'] }],
      cves: [
        { id: 'CVE-2026-20643', exploited: false },
        { id: 'CVE-2026-20700', exploited: true },
      ],
      releaseNotesUrl: 'https://support.apple.com/en-us/126604',
      status: 'superseded',
      supersededBy: 'macos-26.3.1-c',
    });
  });

  it('changes nothing the second time', async () => {
    const file = feed([row('26.3.1', 'a', '25D2128'), row('26.3.2', 'a', '25D2140')]);
    await run(file);
    const head = await catalog.store.head();
    const report = await run(file);
    expect(names(report)).toEqual({ unchanged: ['macos-26.3.1-a', 'macos-26.3.2-a'] });
    expect(await catalog.store.head()).toBe(head);
  });

  it('reports what it did the first time when it is sent again under its key, its answer kept or lost', async () => {
    const file = Buffer.from(JSON.stringify(feed([row('26.3.1', 'a', '25D2128'), row('26.3.2', 'a', '25D2140')])));
    const more = { 'idempotency-key': 'k' };
    const send = async () => (await catalog.post('/v1/imports?format=sofa-v2', file, { more })).json<unknown>();
    const append = catalog.store.append.bind(catalog.store);
    catalog.store.append = (each) =>
      each.stream.startsWith('key-') ? Promise.reject(new StoreUnavailable('full')) : append(each);
    const first = await send();
    expect(first).toMatchObject({ published: [{ patchId: 'macos-26.3.1-a' }, { patchId: 'macos-26.3.2-a' }] });
    const head = await catalog.store.head();
    expect(await send()).toEqual(first);
    expect(await catalog.store.head()).toBe(head);
    catalog.store.append = append;
    expect(await send()).toEqual(first);
    expect(await send()).toEqual(first);
    expect((await catalog.post('/v1/imports?format=sofa-v2', Buffer.from('{}'), { more })).statusCode).toBe(422);
  });

  it('adds what has grown, and reports what contradicts without applying any of it', async () => {
    await run(feed([row('26.3.1', 'a', '25D2128'), row('26.3.2', 'a', '25D2140')]));
    const grown = row('26.3.1', 'a', '25D2128', {
      Build: '25D2129a',
      PrerequisiteBuild: '25D2129',
      CVEs: ['CVE-2026-1000'],
    });
    const changed = row('26.3.2', 'a', '25D2140', { SupportedDevices: ['J160AP'], CVEs: ['CVE-2026-1000'] });
    const file = feed([row('26.3.1', 'a', '25D2128'), grown, changed]);
    const report = await run(file);
    expect(names(report)).toEqual({ amended: ['macos-26.3.1-a'], conflicting: ['macos-26.3.2-a'] });
    expect(report.amended[0]?.source.otherRows).toEqual(['/BackgroundSecurityImprovements/26/1']);
    expect(report.conflicting[0]).toMatchObject({
      reason: 'patch-exists',
      detail: 'variant 25D2140a: models differ (new: MacPro7,1-Rack; gone: MacPro7,1)',
    });
    const amended = (await catalog.get('/v1/patches/macos-26.3.1-a')).json<{ variants: object[]; cves: object[] }>();
    expect([amended.variants.length, amended.cves.length]).toEqual([2, 3]);
    const untouched = (await catalog.get('/v1/patches/macos-26.3.2-a')).json<{ cves: object[] }>();
    expect(untouched.cves).toHaveLength(2);
  });

  it('reports the same in a dry run, and writes nothing', async () => {
    await run(feed([row('26.3.1', 'a', '25D2128')]));
    const taken = row('26.4', 'a', '25E1', { Build: '25D2140a' });
    const file = feed([row('26.3.1', 'a', '25D2128'), row('26.3.2', 'a', '25D2140'), taken, row('26.3', '', '25D1')]);
    const head = await catalog.store.head();
    const rehearsed = await run(file, '&dryRun=true');
    expect(rehearsed.dryRun).toBe(true);
    expect(await catalog.store.head()).toBe(head);
    expect({ ...rehearsed, dryRun: false }).toEqual(await run(file));
    expect(names(rehearsed)).toEqual({
      published: ['macos-26.3.2-a'],
      unchanged: ['macos-26.3.1-a'],
      conflicting: ['macos-26.4-a'],
      refused: [undefined],
    });
    expect(rehearsed.conflicting[0]).toMatchObject({
      reason: 'build-taken',
      detail: '25D2140a belongs to macos-26.3.2-a',
    });
  });

  it('names an entry of another form as such', async () => {
    const other = { version: '26.3.1', build: '25D2128a', prerequisite_build: '25D2128' };
    const report = await run(feed([other, 'none', row('26.3.2', 'a', '25D2140')]));
    expect(report.published.map(({ patchId }) => patchId)).toEqual(['macos-26.3.2-a']);
    expect(report.refused).toMatchObject([
      { reason: 'unknown-form', detail: expect.stringContaining('prerequisite_build') as string },
      { reason: 'unknown-form', source: { row: '/BackgroundSecurityImprovements/26/1' } },
    ]);
  });

  it('takes a table of CVEs in the former form, without the mark', async () => {
    const file = feed([row('26.3.1', 'a', '25D2128', { CVEs: ['CVE-2026-1000'] })]);
    const versions = file.OSVersions.map((version) => ({
      ...version,
      Latest: { ...version.Latest, CVEs: { 'CVE-2026-1000': true } },
    }));
    const report = await run({ ...file, OSVersions: versions });
    expect(report.published).toHaveLength(1);
    expect((await catalog.get('/v1/patches/macos-26.3.1-a')).json()).toMatchObject({
      cves: [{ id: 'CVE-2026-1000', exploited: false }],
    });
  });

  it.each([
    ['no letter', { VersionExtra: null }, 'no-letter'],
    ['no base build', { PrerequisiteBuild: null }, 'no-prerequisite'],
    ['no model', { SupportedDevices: ['J1AP'] }, 'no-models'],
    ['no list of devices', { SupportedDevices: null }, 'unreadable'],
    ['a number for a version', { Version: 26 }, 'unreadable'],
    ['a build that is its own base', { Build: '25D2128' }, 'invalid'],
    ['a version that is none', { Version: '26.3 beta' }, 'invalid'],
    ['a CVE that is none', { CVEs: ['WebKit'] }, 'invalid'],
  ])('refuses an entry with %s, and takes the others', async (_, change, reason) => {
    const report = await run(feed([row('26.3.1', 'a', '25D2128', change), row('26.3.2', 'a', '25D2140')]));
    expect(report.published.map(({ patchId }) => patchId)).toEqual(['macos-26.3.2-a']);
    expect(report.refused).toMatchObject([
      { reason, source: { file: 'body', row: '/BackgroundSecurityImprovements/26/0' } },
    ]);
  });

  it('notes devices without a model, and the next full release without folding in', async () => {
    const successor = { ProductVersion: '26.5', Build: '23T6570' };
    const report = await run(
      feed([row('26.3.1', 'a', '25D2128', { SupportedDevices: ['J152FAP', 'VMM-x86_64'], SupersededBy: successor })]),
    );
    expect(report.published[0]?.notes).toMatchObject([
      { code: 'devices-without-model', detail: expect.stringContaining('VMM-x86_64') as string },
      { code: 'superseded-by-release', detail: expect.stringContaining('26.5 (build 23T6570)') as string },
    ]);
    expect((await catalog.get('/v1/patches/macos-26.3.1-a')).json()).toMatchObject({ status: 'published' });
  });

  it('adds the CVEs of a pulled patch, but no variants', async () => {
    await run(feed([row('26.3.1', 'a', '25D2128')]));
    await catalog.post('/v1/patches/macos-26.3.1-a/pull', { mode: 'withdraw', reason: 'bad' });
    const known = row('26.3.1', 'a', '25D2128', { CVEs: ['CVE-2026-1000'] });
    expect(names(await run(feed([known])))).toEqual({ amended: ['macos-26.3.1-a'] });
    const report = await run(feed([row('26.3.1', 'a', '25D2129')]));
    expect(report.conflicting).toMatchObject([{ patchId: 'macos-26.3.1-a', reason: 'patch-pulled' }]);
  });

  it('says what was not tried when the store fails in the middle, and fails when nothing was written', async () => {
    const append = catalog.store.append.bind(catalog.store);
    // The reservations of the first patch's base and build, and its publication.
    let left = 3;
    catalog.store.append = (wanted: Append): Promise<Appended> =>
      (left -= 1) < 0 ? Promise.reject(new StoreUnavailable('disk full')) : append(wanted);
    const file = feed([row('26.3.1', 'a', '25D2128'), row('26.3.2', 'a', '25D2140'), row('26.3.3', 'a', '25D2150')]);
    const report = await run(file);
    expect(names(report)).toEqual({ published: ['macos-26.3.1-a'], refused: ['macos-26.3.2-a', 'macos-26.3.3-a'] });
    expect(report.refused[0]).toMatchObject({ reason: 'not-tried', detail: 'disk full' });
    const again = await catalog.post('/v1/imports?format=sofa-v2', file);
    expect(again.json()).toMatchObject({ status: 503, code: 'store-unavailable' });
  });
});

describe('refusing a file', () => {
  const importing = (payload: string | Buffer | object, query = 'format=sofa-v2', type?: string) =>
    catalog.post(`/v1/imports?${query}`, payload, type === undefined ? {} : { type });

  it('names everything that is wrong with it, and applies none of it', async () => {
    const file = {
      ...feed([row('26.3.1', 'a', '25D2128')]),
      Devices: [],
    };
    const answer = await importing({
      ...file,
      OSVersions: [{ Latest: { ProductName: 'Android' }, SecurityReleases: {} }],
    });
    expect(answer.json()).toMatchObject({ status: 400, code: 'invalid-request' });
    const paths = answer.json<{ errors: { path: string }[] }>().errors.map(({ path }) => path);
    expect(paths.sort()).toEqual(['/Devices', '/OSVersions', '/OSVersions/0/SecurityReleases']);
    expect(await catalog.store.head()).toBe('0');
  });

  it.each([
    ['what is no JSON', '{"a":', 'malformed-json'],
    ['what is no text', Buffer.from([0xff, 0xfe]), 'malformed-json'],
    ['what is empty', '', 'malformed-json'],
    ['another JSON file', { OSVersions: [] }, 'nothing-to-import'],
    ['a list', [], 'nothing-to-import'],
  ])('refuses %s', async (_, payload, code) => {
    expect((await importing(payload)).json()).toMatchObject({ status: 400, code });
  });

  it('refuses other formats and unknown options', async () => {
    const file = feed([]);
    expect((await importing(file, 'format=kev')).json()).toMatchObject({ code: 'unknown-import-format' });
    expect((await importing(file, 'format=sofa-v2&dryRun=yes')).json()).toMatchObject({ code: 'invalid-request' });
    expect((await importing(file, 'format=sofa-v2&force=true')).json()).toMatchObject({ code: 'invalid-request' });
  });

  it('takes more than other routes do, up to its limit, under any content type', async () => {
    const file = JSON.stringify({ ...feed([row('26.3.1', 'a', '25D2128')]), Padding: 'x'.repeat(3 * 1024 * 1024) });
    const answer = await importing(file, 'format=sofa-v2', 'application/x-www-form-urlencoded');
    expect(names(answer.json<ImportReport>())).toEqual({ published: ['macos-26.3.1-a'] });
    const tooLarge = await importing(Buffer.alloc(32 * 1024 * 1024 + 1, 0x20));
    expect(tooLarge.json()).toMatchObject({ status: 413, code: 'body-too-large' });
  });
});

describe('importing the real feeds', () => {
  const isThere = existsSync(FEEDS);
  if (!isThere) console.warn('SKIPPED: import of the real feeds, for ../shared/data/sofa/v2 is not there');

  it.skipIf(!isThere)('publishes the three patches of March 2026, and finds nothing the second time', async () => {
    const files = ['ios', 'macos', 'visionos'].map((name) => readFileSync(`${FEEDS}${name}_data_feed.json`));
    const rehearsed = await Promise.all(files.map((file) => run(file, '&dryRun=true')));
    const [ios, macos, visionos] = [await run(files[0]), await run(files[1]), await run(files[2])];
    expect(rehearsed).toEqual([ios, macos, visionos].map((report) => ({ ...report, dryRun: true })));
    expect([names(ios), names(macos), names(visionos)]).toEqual([
      { published: ['ios-26.3.1-a'] },
      { published: ['macos-26.3.1-a', 'macos-26.3.2-a'] },
      {},
    ]);
    expect([ios.notPatches, macos.notPatches, visionos.notPatches]).toEqual([72, 126, 22]);
    const noteCodes = [ios, macos].map(({ published }) =>
      published.map(({ notes = [] }) => notes.map(({ code }) => code)),
    );
    expect(noteCodes).toEqual([
      [['superseded-by-release']],
      [['devices-without-model', 'superseded-by-release'], ['superseded-by-release']],
    ]);
    expect((await catalog.get('/v1/patches/macos-26.3.1-a')).json()).toMatchObject({
      variants: [
        {
          build: '25D771280a',
          prerequisiteBuild: '25D2128',
          models: expect.arrayContaining(['MacPro7,1']) as string[],
        },
      ],
      cves: [{ id: 'CVE-2026-20643', exploited: false }],
      status: 'published',
    });
    const head = await catalog.store.head();
    const again = [await run(files[0]), await run(files[1]), await run(files[2])];
    expect(again.map(names)).toEqual([
      { unchanged: ['ios-26.3.1-a'] },
      { unchanged: ['macos-26.3.1-a', 'macos-26.3.2-a'] },
      {},
    ]);
    expect(await catalog.store.head()).toBe(head);
  });
});

async function run(file: Buffer | object | undefined, options = ''): Promise<ImportReport> {
  const answer = await catalog.post(`/v1/imports?format=sofa-v2${options}`, file ?? '');
  expect(answer.statusCode).toBe(200);
  return answer.json<ImportReport>();
}

/** The names in each list of a report that has any. */
function names({ published, amended, unchanged, conflicting, refused }: ImportReport) {
  const lists = Object.entries({ published, amended, unchanged, conflicting, refused });
  return Object.fromEntries(
    lists
      .filter(([, entries]) => entries.length > 0)
      .map(([list, entries]) => [list, entries.map(({ patchId }) => patchId)]),
  );
}

function feed(rows: readonly unknown[]) {
  const exploited = { ActivelyExploitedCVEs: [], CVEs: { 'CVE-2026-20700': { ActivelyExploited: true } } };
  return {
    SchemaVersion: '2026.04.11.2',
    OSVersions: [
      {
        OSVersion: 'Tahoe 26',
        Latest: { ProductName: 'macOS', ProductVersion: '26.4', ActivelyExploitedCVEs: [], CVEs: {} },
        SecurityReleases: [
          { ProductVersion: '26.4', CVEs: { 'CVE-2026-20643': {} } },
          { ProductVersion: '26.3', ...exploited },
        ],
      },
    ],
    Devices: {
      J152FAP: { DeviceID: 'MacPro7,1', MarketingName: 'Mac Pro (2019)' },
      J160AP: { DeviceID: 'MacPro7,1-Rack', MarketingName: 'Mac Pro (Rack, 2019)' },
      'VMM-x86_64': { MarketingName: 'Virtual Machine (x86_64)' },
    },
    BackgroundSecurityImprovements: { 26: rows },
  };
}

function row(version: string, letter: string, base: string, change: object = {}) {
  return {
    Version: version,
    VersionExtra: `(${letter})`,
    Build: `${base}${letter}`,
    PrerequisiteBuild: base,
    SupportedDevices: ['J152FAP'],
    SecurityInfo: 'https://support.apple.com/en-us/126604',
    CVEs: ['CVE-2026-20643', 'CVE-2026-20700'],
    SupersededBy: null,
    ...change,
  };
}
