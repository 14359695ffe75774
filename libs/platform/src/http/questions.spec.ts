import { createServer, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo } from 'node:net';
import { type HttpAdapterHost } from '@nestjs/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Tokens } from '../auth/tokens.ts';
import { ManualTimers } from '../time/timers.ts';
import { Questions } from './questions.ts';

const ANSWER_WITHIN_MS = 2_000;
const WAITING_MAX = 64;

let server: Server;
let timers: ManualTimers;
let requests: { url: string | undefined; token: string | undefined }[];
/** What waits for an answer that does not come. */
let waiting: ServerResponse[];

beforeEach(async () => {
  [requests, waiting, timers] = [[], [], new ManualTimers()];
  server = createServer(({ url, headers }, response) => {
    requests.push({ url, token: headers.authorization });
    if (url === '/away') response.writeHead(302, { location: 'http://elsewhere.example/' }).end();
    else if (url === '/words') response.end('<html>');
    else if (url === '/forbidden') response.writeHead(403).end('{"code":"forbidden"}');
    else if (url === '/slow') waiting.push(response);
    else response.end('{"n":1}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

function asking(tokens: Pick<Tokens, 'peerToken'> = { peerToken: () => 'slc_peer' }): Questions {
  const telemetry = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  const addresses = { telemetry, catalog: 'http://127.0.0.1:1', orchestrator: telemetry };
  return new Questions({ addresses, tokens: tokens as Tokens, timers, host: {} as HttpAdapterHost });
}

describe('asking another service', () => {
  it('is answered with JSON and a status, and sends the token of peers', async () => {
    expect(await asking().ask('telemetry', '/v1/x?y=1')).toEqual({ kind: 'answer', status: 200, body: { n: 1 } });
    expect(await asking().ask('telemetry', '/forbidden')).toMatchObject({ kind: 'answer', status: 403 });
    expect(requests[0]).toEqual({ url: '/v1/x?y=1', token: 'Bearer slc_peer' });
  });

  it('says why nobody answered: no JSON, nobody there, no token', async () => {
    expect(await asking().ask('telemetry', '/words')).toMatchObject({
      because: expect.stringMatching(/JSON/) as string,
    });
    expect(await asking().ask('catalog', '/')).toMatchObject({
      ...{ kind: 'silence', because: expect.stringMatching(/^catalog did not answer/) as string },
    });
    const peerToken = () => {
      throw new Error('no key');
    };
    expect(await asking({ peerToken }).ask('telemetry', '/')).toMatchObject({
      because: 'telemetry did not answer: no key',
    });
  });

  it('carries the token to nowhere else', async () => {
    expect(await asking().ask('telemetry', '/away')).toMatchObject({ kind: 'silence' });
    expect(requests.map(({ url }) => url)).toEqual(['/away']);
  });

  it('does not wait for longer than two seconds, and lets go of the line', async () => {
    const asked = asking().ask('telemetry', '/slow');
    await expect.poll(() => waiting.length).toBe(1);
    const closed = new Promise((resolve) => waiting[0]?.on('close', resolve));
    timers.advance(ANSWER_WITHIN_MS);
    expect(await asked).toEqual({ kind: 'silence', because: 'telemetry did not answer within 2 s' });
    await closed;
  });

  it('lets no more questions wait than it can keep', async () => {
    const questions = asking();
    const asked = Array.from({ length: WAITING_MAX }, () => questions.ask('telemetry', '/slow'));
    expect(await questions.ask('telemetry', '/')).toEqual({
      ...{ kind: 'silence', because: '64 questions wait for their answers' },
    });
    timers.advance(ANSWER_WITHIN_MS);
    await Promise.all(asked);
    expect(await questions.ask('telemetry', '/')).toMatchObject({ kind: 'answer' });
  });
});
