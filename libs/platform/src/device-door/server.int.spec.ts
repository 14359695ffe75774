import { once } from 'node:events';
import { type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { connect } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { createDoorServer } from './server.ts';

// A key that both ends have takes the place of certificates.
const key = Buffer.from('0123456789abcdef');
const secure = { ciphers: 'PSK', maxVersion: 'TLSv1.2' } as const;

let server: Server;

afterEach(async () => {
  server.close();
  await once(server, 'close');
});

describe('making the server', () => {
  it('speaks TLS where Fastify is told to', async () => {
    server = createDoorServer((_, response) => response.end('over TLS'), {
      https: { ...secure, pskCallback: () => key },
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const psk = { psk: key, identity: 'spec' };
    const socket = connect({ ...secure, port, pskCallback: () => psk, checkServerIdentity: () => undefined });
    socket.write('GET / HTTP/1.0\r\n\r\n');
    expect(await text(socket)).toMatch(/^HTTP\/1.1 200 OK[^]*over TLS$/);
  });

  it('goes on with a connection over TLS that was not read for a while', async () => {
    server = createDoorServer(
      ({ socket, url }, response) => {
        socket.pause();
        setImmediate(() => socket.resume());
        response.end(`${url ?? ''};`);
      },
      { https: { ...secure, pskCallback: () => key } },
    );
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const psk = { psk: key, identity: 'spec' };
    const socket = connect({ ...secure, port, pskCallback: () => psk, checkServerIdentity: () => undefined });
    const ask = (path: string, version = '1.1') => socket.write(`GET ${path} HTTP/${version}\r\nhost: s\r\n\r\n`);
    ask('/1');
    let received = '';
    socket.on('data', (data) => {
      received += data.toString();
      if (received.endsWith('/1;\r\n') || received.endsWith('/1;')) ask('/2');
      else if (received.endsWith('/2;')) ask('/3', '1.0');
    });
    await once(socket, 'end');
    expect(received.match(/\/\d;/g)).toEqual(['/1;', '/2;', '/3;']);
  });

  it('has the time limits that Fastify is told', async () => {
    server = createDoorServer((_, response) => response.end(), {
      http: { headersTimeout: 1234 },
      ...{ keepAliveTimeout: 72_000, requestTimeout: 5000, connectionTimeout: 6000, maxRequestsPerSocket: 7 },
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { headersTimeout, keepAliveTimeout, requestTimeout, timeout, maxRequestsPerSocket } = server;
    expect({ headersTimeout, keepAliveTimeout, requestTimeout, timeout, maxRequestsPerSocket }).toEqual({
      ...{
        headersTimeout: 1234,
        keepAliveTimeout: 72_000,
        requestTimeout: 5000,
        timeout: 6000,
        maxRequestsPerSocket: 7,
      },
    });
  });
});
