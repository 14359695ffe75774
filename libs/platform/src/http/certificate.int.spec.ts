import { mkdtempSync, writeFileSync } from 'node:fs';
import { type IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { InMemoryEventStore } from '@sluice/event-sourcing';
import { keyPairs } from '@sluice/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Tokens } from '../auth/tokens.ts';
import { ManualClock } from '../time/clock.ts';
import { InlineFolds } from '../replay/folds.ts';
import { Settings, SettingsError } from '../settings/settings.ts';
import { ManualTimers } from '../time/timers.ts';
import { Certificate } from './certificate.ts';
import { close, createApp } from './serve.ts';

const LOOK_EVERY_MS = 10_000;
const ca = [keyPairs.one.cert, keyPairs.two.cert];

let folder: string;
let files: { tlsCert: string; tlsKey: string };
let timers: ManualTimers;
let tokens: Tokens;
let app: NestFastifyApplication;
let port: number;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-tls-'));
  files = { tlsCert: join(folder, 'tls.crt'), tlsKey: join(folder, 'tls.key') };
  write(keyPairs.one);
  const clock = new ManualClock(0);
  const store = new InMemoryEventStore(clock);
  timers = new ManualTimers();
  tokens = new Tokens(folder);
  const ports = { settings: Settings.of(), clock, store, tokens, folds: new InlineFolds(store, {}), timers };
  app = await createApp([], { ...ports, publications: [], certificate: new Certificate(files) });
  await app.listen(0, '127.0.0.1');
  port = Number(new URL(await app.getUrl()).port);
});
afterEach(() => close(app));

function write({ cert, key }: { cert: string; key: string }): void {
  writeFileSync(files.tlsCert, cert);
  writeFileSync(files.tlsKey, key);
}

async function get(path: string, headers = {}) {
  const sent = request({ host: '127.0.0.1', port, path, headers, ca, agent: false }).end();
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  return { status: response.statusCode, headers: response.headers, body: await text(response) };
}

/** The name in the certificate that a new connection is shown. */
async function shown(): Promise<string | undefined> {
  const socket = connect({ host: '127.0.0.1', port, ca });
  await once(socket, 'secureConnect');
  const { CN } = socket.getPeerCertificate().subject;
  socket.destroy();
  return String(CN);
}

describe('listening with TLS', () => {
  it('tells browsers to come back so, which it does not without', async () => {
    const { headers } = await get('/health/live');
    expect(headers['strict-transport-security']).toContain('max-age=');
    expect(headers['content-security-policy']).toContain('upgrade-insecure-requests');
  });

  it('takes a new pair while it runs, and keeps the old one while the new one is broken', async () => {
    expect(await shown()).toBe('sluice one');
    const kept = connect({ host: '127.0.0.1', port, ca });
    await once(kept, 'secureConnect');
    const ready = async () => (await get('/health/ready')).body;
    writeFileSync(files.tlsCert, keyPairs.two.cert);
    timers.advance(LOOK_EVERY_MS);
    expect(await shown()).toBe('sluice one');
    expect(await ready()).toContain('are no certificate and its key');
    writeFileSync(files.tlsKey, keyPairs.two.key);
    timers.advance(LOOK_EVERY_MS);
    expect(await shown()).toBe('sluice two');
    expect(await ready()).not.toContain('certificate');
    writeFileSync(files.tlsKey, '');
    timers.advance(LOOK_EVERY_MS);
    expect(await shown()).toBe('sluice two');
    expect(kept.closed).toBe(false);
    kept.destroy();
  });

  it('does not start with a pair that is none', () => {
    write({ cert: keyPairs.one.cert, key: keyPairs.two.key });
    expect(() => new Certificate(files)).toThrow(SettingsError);
    expect(() => new Certificate({ ...files, tlsKey: join(folder, 'none') })).toThrow('none');
  });

  it('bounds connections without a token, and none that is known', async () => {
    const socket = () => connect({ host: '127.0.0.1', port, ca }).on('error', () => undefined);
    const ask = async (known: TLSSocket) => {
      known.write(`GET /metrics HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${tokens.adminToken()}\r\n\r\n`);
      const [data] = (await once(known, 'data')) as [Buffer];
      return String(data).split('\r\n')[0];
    };
    const known = socket();
    await once(known, 'secureConnect');
    expect(await ask(known)).toBe('HTTP/1.1 200 OK');
    known.pause();
    const strangers: TLSSocket[] = [];
    for (let n = 0; n < 1_010; n += 1) {
      const stranger = socket();
      strangers.push(stranger);
      await once(stranger, 'connect');
    }
    const [first] = strangers;
    if (first?.closed === false) await once(first, 'close');
    expect(known.closed).toBe(false);
    expect(strangers.at(-1)?.closed).toBe(false);
    for (const each of [known, ...strangers]) each.destroy();
  });
});
