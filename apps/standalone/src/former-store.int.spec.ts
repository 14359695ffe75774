import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { openStore } from '@sluice/composition';
import { type Directive } from '@sluice/contracts/device-protocol';
import { type EventStore } from '@sluice/event-sourcing';
import { close, createApp, Followers, inject, InlineFolds, ManualClock, Settings, Tokens } from '@sluice/platform';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { services } from './services.ts';

const fixture = join(import.meta.dirname, '..', 'fixtures', 'former-store');
const MINUTE = 60_000;
/** As soon after the record an operator starts the present version; the wall's clock would be unsound after a month. */
const STARTED_AFTER_MS = 3 * MINUTE;
const TICK_MS = 1_000;

type Answer = Pick<Directive, 'directive' | 'reason' | 'patchId' | 'patchIds' | 'rolloutId' | 'wave'>;

interface Asked {
  readonly device: { readonly deviceId: string };
  readonly answer: Answer;
  readonly withinWaves?: Answer;
}

interface Views {
  readonly recordedAt: string;
  readonly rollouts: readonly RolloutView[];
  readonly holds: readonly object[];
  readonly recall: object;
  readonly patches: readonly object[];
  readonly fleet: object;
  readonly past: { readonly at: string; readonly fleet: object };
}

interface PlacedHold {
  readonly holdId: string;
  readonly placedAt: string;
}

interface RolloutView {
  readonly rolloutId: string;
  readonly status: string;
  readonly wave?: number;
  readonly exposurePercent: number | null;
}

interface Granted {
  readonly because?: string;
  readonly fromPercent: number;
  readonly toPercent: number;
}

/** The store was written on the wall's clock, and goes on on no other; this one is moved by the test. */
class FixedWallClock extends ManualClock {
  override readonly kind = 'wall' as never;
}

const asked = read('answers.jsonl')
  .toString()
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as Asked);
const views = JSON.parse(read('views.json').toString()) as Views;

let folder: string;
let clock: ManualClock;
let store: EventStore;
let tokens: Tokens;
let app: NestFastifyApplication;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-former-store-'));
  const path = join(folder, 'sluice.db');
  writeFileSync(path, gunzipSync(read('sluice.db.gz')));
  clock = new FixedWallClock(Date.parse(views.recordedAt) + STARTED_AFTER_MS);
  store = await openStore({ kind: 'embedded', path, url: '' }, clock);
  tokens = new Tokens(folder);
  app = await createApp(services.modules, {
    settings: Settings.of({ data: folder, shards: 2 }),
    clock,
    store,
    tokens,
    folds: new InlineFolds(store, services.folds),
    publications: services.publications,
  });
  await app.get(Followers).settle();
  // What an upgrade adds, it adds with the first tick.
  await tick();
});
afterAll(async () => {
  await close(app);
  rmSync(folder, { recursive: true });
});

describe('going on with a data folder of the former version', () => {
  it('has a device of each kind to ask', () => {
    expect(new Set(asked.map(({ answer }) => `${answer.directive} ${answer.reason}`))).toEqual(
      new Set([
        'install in-wave',
        'install completed',
        'offer manual-track',
        'remove recalled',
        'none beyond-exposure',
        'none hold-back',
        'none on-hold',
        'none already-installed',
        'none rollout-paused',
        'none rollout-aborted',
        'none no-rollout',
        'none pulled',
      ]),
    );
    expect(asked.filter(({ withinWaves }) => withinWaves !== undefined).length).toBeGreaterThan(10);
  });

  it('answers each device what the former version answered', async () => {
    const differing = [];
    for (const each of asked) {
      const expected = expectedOf(each);
      const { statusCode, answer } = await checkIn(each.device);
      if (statusCode === 200 && JSON.stringify(answer) === JSON.stringify(expected)) continue;
      differing.push({ deviceId: each.device.deviceId, expected, answer, statusCode });
    }
    expect(differing).toEqual([]);
  });

  it('explains what the former version answered each device, as of its last record', async () => {
    const differing = [];
    for (const { device, ...each } of asked) {
      const expected = expectedOf({ device, ...each });
      const { status, body } = await send('POST', '/v1/explain', { ...device, at: views.recordedAt });
      const answer = body['directive'] as Answer | null;
      if (status === 200 && answer?.directive === expected.directive && answer.reason === expected.reason) continue;
      differing.push({ deviceId: device.deviceId, expected, status, body });
    }
    expect(differing).toEqual([]);
  });

  it('explains a device that was recalled, now and then, by what telemetry in the same process knows', async () => {
    const explain = async (query: string) => (await get(`/v1/explain?deviceId=d-recalled-0${query}`)).body;
    expect(await explain('')).toMatchObject({ deviceBy: 'reports', reason: 'pulled' });
    expect(await explain('&at=2026-03-16T08:10:00Z')).toMatchObject({
      deviceBy: 'reports',
      decidedBy: expect.any(String) as string,
    });
    expect(await explain('&at=2020-01-01T00:00:00Z')).toMatchObject({ code: 'at-before-first-record' });
  });

  it('shows the same rollouts, holds and patches', async () => {
    const rollouts = await items<RolloutView>('/v1/rollouts');
    const essence = ({ rolloutId, status, wave }: RolloutView) => ({ rolloutId, status, wave });
    const byId = (one: RolloutView, other: RolloutView) => (one.rolloutId < other.rolloutId ? -1 : 1);
    expect(rollouts.map(essence)).toEqual(views.rollouts.toSorted(byId).map(essence));
    expect(rollouts.find(({ rolloutId }) => rolloutId === 'r-halted')).toMatchObject(
      pick(
        views.rollouts.find(({ rolloutId }) => rolloutId === 'r-halted'),
        ['haltedBecause', 'salt', 'gates'],
      ),
    );
    const byPlace = (one: PlacedHold, other: PlacedHold) =>
      `${one.placedAt} ${one.holdId}` < `${other.placedAt} ${other.holdId}` ? -1 : 1;
    expect(await items('/v1/holds')).toMatchObject((views.holds as PlacedHold[]).toSorted(byPlace));
    expect(await items('/v1/patches')).toMatchObject(views.patches);
  });

  it('grants a running rollout what it had reached at the last record, once, and goes on from there', async () => {
    const events = async () =>
      (await get('/v1/feed?stream=rollout-r-running')).body['events'] as { readonly data: Granted }[];
    const upgrades = (await events()).filter(({ data }) => data.because === 'upgrade');
    expect(upgrades).toHaveLength(1);
    const { fromPercent, toPercent } = upgrades[0]?.data ?? { fromPercent: -1, toPercent: -2 };
    expect(fromPercent).toBe(toPercent);
    const reached = views.rollouts.find(({ rolloutId }) => rolloutId === 'r-running')?.exposurePercent ?? -1;
    expect(fromPercent).toBeCloseTo(reached, 0);
    for (let ticks = 0; ticks < 60; ticks += 1) await tick();
    const { plannedPercent } = (await get('/v1/rollouts/r-running')).body as { plannedPercent: number };
    expect(plannedPercent).toBeGreaterThan(toPercent);
    // A minute of a ramp of many hours; a leap over the time without service would be more.
    expect(plannedPercent - toPercent).toBeLessThan(0.2);
  });

  it('goes on with the recall', async () => {
    const { recall } = views as { recall: { patchId: string } };
    expect((await get(`/v1/recalls/${recall.patchId}`)).body).toMatchObject(
      pick(recall, ['status', 'recallEpoch', 'startedAt', 'devices', 'removed', 'remaining']),
    );
  });

  it('has the fleet of now and of then', async () => {
    const counts = ['facts', 'devices', 'byPlatform', 'byBase', 'patches'];
    expect((await get('/v1/fleet')).body).toMatchObject(pick(views.fleet, counts));
    const { at, fleet } = views.past;
    // From before the upgrade nothing is noted of builds, so that a patched device stands under the build of its patch.
    const then = [...counts.filter((count) => count !== 'byBase'), 'asOf'];
    expect((await get(`/v1/fleet?at=${at}`)).body).toMatchObject(pick(fleet, then));
  });

  it('has a device of now and of then', async () => {
    const { patchId } = (views as { recall: { patchId: string } }).recall;
    const stateAt = async (query: string) => (await get(`/v1/devices/d-recalled-0${query}`)).body['patches'];
    expect(await stateAt('?at=2026-03-16T08:10:00Z')).toMatchObject({ [patchId]: { state: 'installed' } });
    expect(await stateAt('')).toMatchObject({ [patchId]: { state: 'rolledBack' } });
  });

  it('builds the same again from the store', async () => {
    const { body } = await send('POST', '/v1/replays', { verify: true });
    await expect
      .poll(async () => (await get(`/v1/replays/${String(body['id'])}`)).body)
      .toMatchObject({ status: 'done', matches: true, differences: [] });
  });
});

/** As before, but for completed rollouts: they offer what their last wave says, and no longer everything to everybody. */
function expectedOf({ answer, withinWaves }: Asked): Answer {
  return withinWaves ?? answer;
}

async function checkIn(device: object): Promise<{ statusCode: number; answer: Answer }> {
  const { status, body } = await send('POST', '/v1/check-in', device);
  const { directive, reason, patchId, patchIds, rolloutId, wave } = body as unknown as Answer;
  return { statusCode: status, answer: { directive, reason, patchId, patchIds, rolloutId, wave } as Answer };
}

async function tick(): Promise<void> {
  await clock.advanceTo(clock.now() + TICK_MS);
  await app.get(Followers).settle();
}

async function items<Item>(url: string): Promise<Item[]> {
  return (await get(url)).body['items'] as Item[];
}

function get(url: string) {
  return send('GET', url);
}

async function send(method: 'GET' | 'POST', url: string, payload?: object) {
  const headers = { authorization: `Bearer ${tokens.adminToken()}` };
  const response = await inject(app, { method, url, headers, ...(payload && { payload }) });
  return { status: response.statusCode, body: response.json<Record<string, unknown>>() };
}

function pick(view: object | undefined, fields: readonly string[]): object {
  return Object.fromEntries(Object.entries(view ?? {}).filter(([field]) => fields.includes(field)));
}

function read(name: string): Buffer {
  return readFileSync(join(fixture, name));
}
