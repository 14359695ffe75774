import { createServer, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ManualTimers } from '../time/timers.ts';
import { type Ask, askOverHttp, QUESTION_WITHIN_MS, Questions } from './questions.ts';

const tokens = { peerToken: () => 'slc_peer' };
const asking = (ask: Ask, timers = new ManualTimers()) => new Questions(ask, tokens, timers);

describe('asking another service', () => {
  it('is answered with JSON', async () => {
    const seen: object[] = [];
    const questions = asking((service, { path, token }) => {
      seen.push({ service, path, token });
      return Promise.resolve({ status: 200, text: '{"n":1}' });
    });
    expect(await questions.ask('telemetry', '/v1/x')).toEqual({ kind: 'answered', body: { n: 1 } });
    expect(seen).toEqual([{ service: 'telemetry', path: '/v1/x', token: 'slc_peer' }]);
  });

  it.each<[string, Ask, RegExp]>([
    ['it refuses', () => Promise.resolve({ status: 403, text: '{}' }), /^telemetry answered 403$/],
    ['it says no JSON', () => Promise.resolve({ status: 200, text: '<html>' }), /^telemetry did not answer: .*JSON/],
    [
      'it is away',
      () => Promise.reject(new Error('fetch failed', { cause: new Error('ECONNREFUSED') })),
      /: ECONNREFUSED$/,
    ],
  ])('says why nobody answered when %s', async (_, ask, because) => {
    expect(await asking(ask).ask('telemetry', '/')).toEqual({
      kind: 'unanswered',
      because: expect.stringMatching(because) as string,
    });
  });

  it('does not wait for longer than two seconds, and lets go of the line', async () => {
    const timers = new ManualTimers();
    let line: AbortSignal | undefined;
    const questions = asking((_, { signal }) => {
      line = signal;
      return new Promise(() => undefined);
    }, timers);
    const answer = questions.ask('telemetry', '/');
    timers.advance(QUESTION_WITHIN_MS);
    expect(await answer).toEqual({ kind: 'unanswered', because: 'telemetry did not answer within 2 s' });
    expect(line?.aborted).toBe(true);
  });

  it('has no answer where the process has no token to ask with', async () => {
    const questions = new Questions(
      () => Promise.resolve({ status: 200, text: '1' }),
      {
        peerToken: () => {
          throw new Error('no key');
        },
      },
      new ManualTimers(),
    );
    expect(await questions.ask('telemetry', '/')).toMatchObject({ because: 'telemetry did not answer: no key' });
  });
});

describe('asking over HTTP', () => {
  let server: Server;
  let requests: { url: string | undefined; token: string | undefined }[];

  beforeEach(async () => {
    requests = [];
    server = createServer(({ url, headers }, response) => {
      requests.push({ url, token: headers.authorization });
      if (url === '/away') response.writeHead(302, { location: 'http://elsewhere.example/' }).end();
      else response.end('{}');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterEach(() => server.close());

  it('sends the token to the address of the service, and nowhere else', async () => {
    const address = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
    const questions = asking(askOverHttp({ telemetry: address }));
    expect(await questions.ask('telemetry', '/v1/x?y=1')).toEqual({ kind: 'answered', body: {} });
    expect(await questions.ask('telemetry', '/away')).toMatchObject({ kind: 'unanswered' });
    expect(await questions.ask('catalog', '/')).toMatchObject({
      because: 'catalog did not answer: nobody knows where catalog listens',
    });
    expect(requests).toEqual([
      { url: '/v1/x?y=1', token: 'Bearer slc_peer' },
      { url: '/away', token: 'Bearer slc_peer' },
    ]);
  });
});
