import { describe, expect, it } from 'vitest';
import { bodyOf, createApiClient, given, RefusedCall } from './index.ts';

const problem = { type: 'urn:sluice:error:patch-not-found', title: 'x', status: 404, code: 'patch-not-found' };

function clientOf(status: number, body: object | undefined) {
  const sent: string[] = [];
  const client = createApiClient({
    baseUrl: 'http://127.0.0.1:4600',
    send: async (request) => {
      sent.push(`${request.method} ${request.url} ${await request.text()}`.trim());
      return new Response(body === undefined ? null : JSON.stringify(body), { status });
    },
  });
  return { client, sent };
}

describe('calling Sluice', () => {
  it('escapes ids, and leaves out of a query what is not given', async () => {
    const { client, sent } = clientOf(200, { items: [] });
    const query = given({ patchId: 'p', status: undefined, limit: 2 });
    expect(await bodyOf(client.GET('/v1/rollouts', { params: { query } }))).toEqual({ items: [] });
    await bodyOf(client.GET('/v1/dead-letters/{id}', { params: { path: { id: 'a/b/3/0' } } }));
    await bodyOf(client.POST('/v1/rollouts/{id}/pause', { params: { path: { id: 'r:1' } }, body: { reason: 'why' } }));
    expect(sent).toEqual([
      'GET http://127.0.0.1:4600/v1/rollouts?patchId=p&limit=2',
      'GET http://127.0.0.1:4600/v1/dead-letters/a%2Fb%2F3%2F0',
      'POST http://127.0.0.1:4600/v1/rollouts/r%3A1/pause {"reason":"why"}',
    ]);
  });

  it('throws what refuses, with the problem', async () => {
    const { client } = clientOf(404, problem);
    const asked = bodyOf(client.GET('/v1/patches/{id}', { params: { path: { id: 'p' } } }));
    await expect(asked).rejects.toThrow(RefusedCall);
    await expect(asked).rejects.toMatchObject({ status: 404, problem });
  });

  it('hands on what the sender throws', async () => {
    const failing = createApiClient({
      baseUrl: 'http://127.0.0.1:4600',
      send: () => Promise.reject(new Error('nothing listens')),
    });
    await expect(bodyOf(failing.GET('/health/live'))).rejects.toThrow('nothing listens');
  });
});
