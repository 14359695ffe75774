import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { type Append, InMemoryEventStore } from '@sluice/event-sourcing';
import {
  close,
  createApp,
  InlineFolds,
  ManualClock,
  ManualTimers,
  type Role,
  Settings,
  Tokens,
  type WebhookWorld,
} from '@sluice/platform';
import { CatalogModule, catalogPublications, folds } from './index.ts';

/** The real module on an in-memory store, spoken to over HTTP: for specs. */
export class CatalogFixture {
  readonly clock = new ManualClock(Date.parse('2026-03-17T10:00:00Z'));
  readonly tokens = new Tokens(mkdtempSync(join(tmpdir(), 'sluice-catalog-')));
  readonly timers = new ManualTimers();
  store = new InMemoryEventStore(this.clock);
  private app: NestFastifyApplication | undefined;

  async start(webhooks?: WebhookWorld): Promise<void> {
    this.app = await createApp([CatalogModule], {
      settings: Settings.of(),
      clock: this.clock,
      store: this.store,
      tokens: this.tokens,
      folds: new InlineFolds(this.store, folds),
      publications: catalogPublications(),
      timers: this.timers,
      ...(webhooks && { webhooks }),
    });
  }

  async stop(): Promise<void> {
    await close(this.running);
  }

  /** Starts again on the same history, and what came to it in between: a closed store does not open again, so it moves to a new one. */
  async restart(...meanwhile: readonly Append[]): Promise<void> {
    const history: Append[] = [];
    for await (const commit of this.store.readAll()) history.push({ ...commit, expected: 'any' });
    await this.stop();
    this.store = new InMemoryEventStore(this.clock);
    for (const append of [...history, ...meanwhile]) await this.store.append(append);
    await this.start();
  }

  /** A string or a Buffer goes as it is, anything else as JSON. */
  post(
    url: string,
    payload: string | Buffer | object,
    { as, type, more }: { as?: Role; type?: string; more?: Record<string, string> } = {},
  ) {
    const token = as === undefined ? this.tokens.adminToken() : this.tokens.createLocal('someone', [as]);
    const headers = { authorization: `Bearer ${token}`, ...(type !== undefined && { 'content-type': type }), ...more };
    return this.running.inject({ method: 'POST', url, payload, headers });
  }

  get(url: string) {
    return this.send('GET', url);
  }

  /** A request as it is given, with the headers that it has. */
  inject(request: { method: 'POST'; url: string; payload: object; headers: Record<string, string> }) {
    return this.running.inject(request);
  }

  /** With the admin token, if no other is given. */
  send(
    method: 'GET' | 'POST' | 'DELETE',
    url: string,
    { body, token = this.tokens.adminToken() }: { body?: object; token?: string | undefined } = {},
  ) {
    const headers = { authorization: `Bearer ${token}` };
    return this.running.inject({ method, url, headers, ...(body !== undefined && { payload: body }) });
  }

  /** A provider of the running application, by its class. */
  provided<Provided>(token: abstract new (...parameters: never[]) => Provided): Provided {
    return this.running.get<Provided>(token);
  }

  private get running(): NestFastifyApplication {
    if (this.app === undefined) throw new Error('start the fixture first');
    return this.app;
  }
}
