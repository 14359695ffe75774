import { describe, expect, it } from 'vitest';
import { ManualTimers } from '../time/timers.ts';
import { post } from './post.ts';
import { type TestNotice } from './templates.ts';

const notice: TestNotice = {
  ...{ id: 'test:1', kind: 'test', state: 'happened', service: 'spec', severity: 'info', about: {} },
  ...{ since: '2026-03-17T10:00:00.000Z', words: 'a test', command: 'sluice webhook list' },
};

async function kindAfter(status: number): Promise<string> {
  const receiver = {
    name: 'one',
    url: 'http://one',
    secret: undefined,
    format: 'standard',
    waitLongerMinutes: 60,
  } as const;
  const message = { notice, webhookId: 'msg_1', sluiceUrl: undefined };
  const fetch = () => Promise.resolve(new Response(null, { status }));
  const ports = { fetch, wallMs: () => 0, timers: new ManualTimers(), signal: new AbortController().signal };
  return (await post({ ...receiver, kinds: [] }, message, ports)).kind;
}

describe('posting a notice', () => {
  it.each([
    ['accepted', [200, 204]],
    ['failed', [302, 408, 425, 429, 500, 503]],
    ['refused', [400, 401, 404, 422]],
    ['gone', [410]],
  ])('is %s when the receiver answers one of %s', async (kind, statuses) => {
    for (const status of statuses) expect([status, await kindAfter(status)]).toEqual([status, kind]);
  });
});
