import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo } from 'node:net';
import { Logger } from '@nestjs/common';
import { Settings, type Tokens } from '@sluice/platform';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Peers } from './peers.ts';

const call = { method: 'GET', path: '/v1/fleet', askedFor: { actor: 'ann' } } as const;
const tokens = { peerToken: () => 'secret' } as Tokens;

let server: Server;
let port: number;
let received: string[];
let answer: (request: IncomingMessage, response: ServerResponse) => void;

beforeEach(async () => {
  Logger.overrideLogger(false);
  received = [];
  answer = (_, response) => response.end('{"devices":3}');
  server = createServer((request, response) => {
    received.push(`${request.url ?? ''} ${request.headers.authorization ?? ''}`);
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ({ port } = server.address() as AddressInfo);
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

function ask(host: string, peerHosts?: string) {
  const settings = Settings.of(peerHosts === undefined ? {} : { peerHosts });
  return new Peers(settings, tokens).ask({ instance: 'i-2', address: `http://${host}:${String(port)}` }, call);
}

describe('asking another instance', () => {
  it('sends the token to a host that was named', async () => {
    expect(await ask('127.0.0.1')).toEqual({ devices: 3 });
    expect(received).toEqual(['/v1/fleet Bearer secret']);
  });

  it('sends nothing to a stranger, and says what names it', async () => {
    const detail = expect.stringContaining('which --peer-hosts does not name') as string;
    await expect(ask('127.0.0.1', 'telemetry-1')).rejects.toMatchObject({ code: 'shard-without-owner', detail });
    expect(received).toEqual([]);
  });

  it('does not follow to where the host sends it', async () => {
    answer = ({ url }, response) => {
      if (url === '/v1/fleet') response.writeHead(307, { location: `http://localhost:${String(port)}/elsewhere` });
      response.end('{}');
    };
    await expect(ask('127.0.0.1')).rejects.toMatchObject({ code: 'shard-without-owner' });
    expect(received).toEqual(['/v1/fleet Bearer secret']);
  });
});
