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
});
