import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InMemoryEventStore, toTimeText } from '@sluice/event-sourcing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { close, type RunningService, startService, WallClock } from './index.ts';
import { readSettings } from './settings/settings.ts';

const DAY = 24 * 3_600_000;
const metadata = { actor: 'spec', correlationId: 'c' };

let service: RunningService | undefined;
let printed: string[];

beforeEach(() => {
  printed = [];
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => printed.push(String(text)) > 0);
});

afterEach(async () => {
  vi.restoreAllMocks();
  if (service !== undefined) await close(service.app);
  service = undefined;
});

/** On a store whose last record is so old. */
async function startOn(agoMs: number, flags: readonly string[] = []): Promise<void> {
  const data = mkdtempSync(join(tmpdir(), 'sluice-run-'));
  const { settings } = readSettings(['--data', data, '--port', '0', '--log-level', 'silent', ...flags], {});
  const store = new InMemoryEventStore({ nowText: () => toTimeText(Date.now() - agoMs) });
  const events = [{ type: 'PatchPublished' }];
  await store.append({
    stream: 'patch-1',
    expected: 'any',
    commitId: 'a',
    metadata,
    body: { kind: 'events', events },
  });
  const [foldsWorker, feedWorker] = [new URL('file:///none'), new URL('file:///none')];
  const openStore = () => Promise.resolve(store);
  service = await startService(
    { modules: [], publications: [], openStore, foldsWorker, feedWorker },
    settings,
    new WallClock(),
  );
}

async function call(method: 'GET' | 'POST', url: string, payload?: object) {
  if (service === undefined) throw new Error('nothing was started');
  const headers = { authorization: `Bearer ${service.tokens.adminToken()}` };
  const response = await service.app.inject({ method, url, headers, ...(payload && { payload }) });
  return { status: response.statusCode, body: response.json<Record<string, unknown>>() };
}

describe('starting with traces', () => {
  it('refuses to where the file for them cannot be opened', async () => {
    await expect(startOn(0, ['--traces', 'file:/nowhere/spans.jsonl'])).rejects.toThrow(
      /^Traces cannot be written to \/nowhere\/spans\.jsonl: ENOENT/,
    );
    expect(printed).toEqual([]);
  });
});

describe('starting on a clock that is far from the last record of the store', () => {
  it.each([
    ['40 days after it', 40 * DAY, 'long-after-store'],
    ['a day before it', -DAY, 'before-store'],
  ])('says first that it is not believed, %s, and how it is', async (_, agoMs, because) => {
    await startOn(agoMs);
    expect(printed.map((line) => line.split(/[:,]/)[0])).toEqual(['The clock is not believed', 'Admin token']);
    expect(printed[0]).toContain('sluice clock accept');
    const { body } = await call('GET', '/v1/clock');
    expect(body).toMatchObject({ kind: 'wall', sound: false, because });
    expect((await call('GET', '/health/ready')).body).toMatchObject({
      status: 'ok',
      troubles: [expect.stringContaining(`clock not believed (${because})`)],
    });

    const { differenceSeconds } = body as { differenceSeconds: number };
    const other = await call('POST', '/v1/clock/accept', { differenceSeconds: differenceSeconds + 60 });
    expect(other).toMatchObject({ status: 409, body: { code: 'clock-moved-on' } });
    const accepted = await call('POST', '/v1/clock/accept', { differenceSeconds });
    expect(accepted).toMatchObject({ status: 200, body: { sound: true } });
    expect('aheadSeconds' in accepted.body).toBe(agoMs < 0);
    const again = await call('POST', '/v1/clock/accept', { differenceSeconds });
    expect(again).toMatchObject({ status: 409, body: { code: 'clock-is-sound' } });
    expect((await call('GET', '/health/ready')).body).toEqual({ status: 'ok' });
  });

  it('says nothing after a weekend', async () => {
    await startOn(3 * DAY);
    expect(printed.map((line) => line.split(/[:,]/)[0])).toEqual(['Admin token']);
    expect((await call('GET', '/v1/clock')).body).toMatchObject({ sound: true });
    expect((await call('POST', '/v1/clock/accept', { differenceSeconds: Number.NaN })).status).toBe(400);
  });
});
