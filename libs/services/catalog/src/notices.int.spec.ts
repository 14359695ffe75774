import { noticeKinds } from '@sluice/api';
import { WebhookWorld } from '@sluice/platform';
import { WebhookReceiverDouble } from '@sluice/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CatalogFixture } from './catalog.fixture.ts';

let catalog: CatalogFixture;
let receiver: WebhookReceiverDouble;

beforeEach(async () => {
  [catalog, receiver] = [new CatalogFixture(), await new WebhookReceiverDouble().start()];
  const { url, secret } = receiver;
  const pager = { name: 'pager', url, secret, format: 'standard' as const, kinds: noticeKinds, waitLongerMinutes: 60 };
  await catalog.start(new WebhookWorld({ receivers: [pager], sluiceUrl: undefined }));
});
afterEach(async () => {
  await catalog.stop();
  await receiver.stop();
});

describe('telling receivers of pulls', () => {
  it('tells a withdraw and a recall in order, and not why, which may name a device', async () => {
    const variants = [{ build: '23D771330a', prerequisiteBuild: '23D8133', models: ['iPhone18,1'] }];
    const patchId = 'ios-26.3.1-a';
    await catalog.post('/v1/patches', { patchId, platform: 'ios', baseVersion: '26.3.1', letter: 'a', variants });
    for (const mode of ['withdraw', 'recall']) {
      const pulled = await catalog.post(`/v1/patches/${patchId}/pull`, { mode, reason: 'device-4711 loops' });
      expect(pulled.statusCode).toBe(200);
    }
    await expect.poll(() => receiver.notices()).toEqual(['patch-pulled happened', 'patch-pulled happened']);
    expect(receiver.received.map(({ data }) => data)).toMatchObject([
      {
        words: `${patchId} was withdrawn: it is offered to no device any more`,
        command: `sluice patch show ${patchId}`,
      },
      { about: { patchId }, severity: 'critical', command: `sluice recall show ${patchId}`, service: 'catalog' },
    ]);
    expect(receiver.received.every(({ isSigned, text }) => isSigned && !text.includes('4711'))).toBe(true);
  });

  it('tells that a recall is asked for, and lists it until a second person has confirmed it', async () => {
    const variants = [{ build: '23D771330a', prerequisiteBuild: '23D8133', models: ['iPhone18,1'] }];
    const cves = [{ id: 'CVE-2026-20643', exploited: true }];
    await catalog.post('/v1/patches', {
      patchId: 'p-a',
      platform: 'ios',
      baseVersion: '26.3.1',
      letter: 'a',
      variants,
      cves,
    });
    const { digest } = (await catalog.get('/v1/patches/p-a/re-exposure')).json<{ digest: string }>();
    const ask = { mode: 'recall', reason: 'device-4711 loops', ledgerDigest: digest };
    const items = async () => (await catalog.get('/v1/attention')).json<{ items: { id: string }[] }>().items;
    await catalog.post('/v1/patches/p-a/pull', ask, { as: 'responder' });
    const [first] = await items();
    expect(first).toMatchObject({ id: expect.stringMatching(/^recall-requested:p-a:0:/) as string });
    await catalog.post(`/v1/attention/${String(first?.id)}/take`, {});
    await catalog.clock.advanceTo(catalog.clock.now() + 1);
    await catalog.post('/v1/patches/p-a/pull', { ...ask, removePerHourMax: 10 });
    const [other] = await items();
    expect(other).toMatchObject({ severity: 'critical', owner: null });
    expect(other?.id).not.toBe(first?.id);
    await catalog.post('/v1/patches/p-a/pull', { ...ask, removePerHourMax: 10 }, { as: 'responder' });
    expect(await items()).toEqual([]);
    await expect
      .poll(() => receiver.received.map(({ data }) => data['id']))
      .toEqual(['patch-pulled:p-a:1', first?.id, other?.id, 'patch-pulled:p-a:2']);
    expect(receiver.received.filter(({ text }) => text.includes('4711'))).toEqual([]);
  });
});
