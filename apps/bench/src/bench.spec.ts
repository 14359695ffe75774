import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SqliteReader } from '@sluice/event-store-sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { measureDecide } from './decide.ts';
import { checkInBody, reportsBody } from './examples.ts';
import { type Figure, inWords, isReached, median, quantile, toTable } from './figure.ts';
import { measureFsync } from './fsync.ts';
import { playHistory } from './history/played-history.ts';
import { measureReplay } from './replay.ts';
import { paced } from './paced.ts';
import { ReportStream } from './report-stream.ts';
import { createServer } from './servers.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-bench-spec-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const figure: Figure = { what: 'x', value: 2, unit: 'perSecond', target: 1, beside: 'y', limitedBy: 'z' };

describe('measuring', () => {
  it('counts decisions that all bring the patch', () => {
    expect(measureDecide({ rounds: 1, calls: 200 })).toMatchObject({ value: expect.any(Number), unit: 'perSecond' });
  });

  it('folds every fact that it has written', async () => {
    const figures = await measureReplay(folder, { devices: 500, factsPerDevice: 4, factsPerCommit: 20, runs: 1 });
    expect(figures).toHaveLength(1);
    expect(figures[0]?.value).toBeGreaterThan(0);
    expect(figures[0]?.value).toBeLessThan(Infinity);
  });

  it('writes a history in which a patch comes, is recalled, and some devices cannot follow', async () => {
    const devices = 300;
    expect(await playHistory(join(folder, 'history'), { devices, days: 6 })).toBeGreaterThan(devices * 6);
    const store = SqliteReader.open(join(folder, 'history', 'sluice.db'));
    const types = [...store.iterateAll({ prefixes: ['recall-', 'rollout-'] })].flatMap(({ body }) =>
      body.kind === 'events' ? body.events.map(({ type }) => type) : [],
    );
    store.close();
    expect(types).toEqual(expect.arrayContaining(['RolloutStarted', 'ExposureGranted', 'RecallStarted']));
    expect(types).not.toContain('RecallCompleted');
  }, 60_000);

  it('waits for the disk', () => {
    expect(measureFsync(folder, 3).value).toBeGreaterThan(0);
  });
});

describe('serving what is measured', () => {
  it('brings every device the patch, and the bare route answers the same', async () => {
    const sluice = await createServer({ kind: 'check-ins', folder });
    const { status, answer } = await sluice.inject('/v1/check-in', checkInBody(1));
    expect({ status, answer }).toMatchObject({ status: 200, answer: { directive: 'install', reason: 'in-wave' } });
    const bare = await createServer({ kind: 'bare', path: '/v1/check-in', status, answer });
    expect(await bare.inject('/v1/check-in', checkInBody(1))).toEqual({ status, answer });
    await Promise.all([sluice.close(), bare.close()]);
  });

  it('accepts every report of a batch, and none twice', async () => {
    const server = await createServer({ kind: 'reports', folder });
    const [first, second] = [reportsBody(0, 30, Date.now()), reportsBody(200_010, 30, Date.now())];
    for (const body of [first, second]) {
      expect(await server.inject('/v1/reports', body)).toEqual({
        status: 202,
        answer: { accepted: 30, duplicates: 0, refused: [] },
      });
    }
    await server.close();
  });
});

describe('showing figures', () => {
  it.each<[Partial<Figure>, boolean | undefined]>([
    [{}, true],
    [{ value: 0.5 }, false],
    [{ unit: 'bytes' }, false],
    [{ unit: 'bytes', value: 1 }, true],
  ])('tells of %j whether it is reached: %s', (change, reached) => {
    expect(isReached({ ...figure, ...change })).toBe(reached);
  });

  it('puts them in a table, and knows one without a target', () => {
    const { target: _, ...aimless } = figure;
    const [head = '', , row = ''] = toTable([figure]).split('\n');
    expect(head.length).toBe(row.length);
    expect(row).toContain('| yes ');
    expect(isReached(aimless)).toBeUndefined();
  });

  it('rounds for people', () => {
    expect([1234567.8, 0.12345, 12.345].map(inWords)).toEqual(['1,234,568', '0.123', '12.3']);
    expect([median([3, 1, 2]), median([4, 1, 3, 2])]).toEqual([2, 2.5]);
    expect([0.5, 0.99].map((share) => quantile([4, 1, 3, 2], share))).toEqual([2, 4]);
  });
});

describe('loading', () => {
  it('makes bodies of reports that are never the same, also when their bytes are used again', () => {
    const stream = new ReportStream(Date.now(), 2);
    const idsOf = (body: Buffer) => [...body.toString().matchAll(/"reportId":"(\w+)"/g)].map(([, id]) => id);
    const ids = [1, 2, 3, 4, 5].flatMap(() => idsOf(stream.next()));
    expect([ids.length, new Set(ids).size]).toEqual([5000, 5000]);
  });

  it('keeps the pace, and makes up for a call that held it up', async () => {
    const startedAt = performance.now();
    const made = await paced({ perSecond: 1000, calls: 50 }, (n) =>
      n === 0 ? new Promise((resolve) => setTimeout(resolve, 30)) : undefined,
    );
    expect(made).toBe(50);
    expect(performance.now() - startedAt).toBeGreaterThan(45);
  });
});
