import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { columnsOf, type HolderCount, nothingCounted } from '@sluice/domain-cohorts';
import { OwnSigns, publishAsIs } from '@sluice/event-feed';
import { type DomainEvent, InMemoryEventStore, lastReceipt, type Receipted } from '@sluice/event-sourcing';
import {
  close,
  createApp,
  Followers,
  inject,
  InlineFolds,
  ManualClock,
  type Role,
  seal,
  Settings,
  Tokens,
} from '@sluice/platform';
import { folds, OrchestratorModule, orchestratorPublications } from './index.ts';

export type StoredEvent = DomainEvent & Receipted & Readonly<Record<string, unknown>>;

interface Sent {
  readonly body?: object;
  readonly token?: string;
  readonly ifMatch?: string | undefined;
  /** Of which instance it is asked. */
  readonly instance?: number;
}

const MINUTE = 60_000;
const metadata = { actor: 'spec', correlationId: 'c' };
export const models = ['iPhone18,1', 'iPhone17,1', 'iPhone17,2', 'iPhone16,1'] as const;
export const base = '23D8133';

export const published = {
  ...{ type: 'PatchPublished', patchId: 'p-a', platform: 'ios', baseVersion: '26.3.1', letter: 'a', cves: [] },
  variants: [{ build: '23D771330a', prerequisiteBuild: base, models }],
};
export const pulled = { type: 'PatchPulled', patchId: 'p-a', mode: 'recall', reason: 'bad', recallEpoch: 1 };
export const plan = {
  ...{ rolloutId: 'r1', patchId: 'p-a', salt: 's', holdBackPercent: 0, gates: { installFailureRateMax: 0.01 } },
  waves: [{ name: 'all', ramp: { fromPercent: 0, toPercent: 100, minutes: 120 }, bakeMinutes: 60 }],
};

/** The orchestrator in one or more instances, with a catalog and a telemetry that a spec speaks for, all on one store. */
export class OrchestratorWorld {
  readonly clock = new ManualClock(Date.parse('2026-03-17T12:00:00Z'));
  readonly store = new InMemoryEventStore(this.clock);
  readonly tokens = new Tokens(mkdtempSync(join(tmpdir(), 'sluice-orchestrator-')));
  private readonly signs = new OwnSigns();
  private readonly instances: NestFastifyApplication[] = [];
  private commits = 0;
  private buckets = 0;

  constructor(private readonly settings = Settings.of()) {
    this.countHealth();
  }

  /** One more instance. */
  async boot(): Promise<this> {
    const app = await createApp([OrchestratorModule], {
      ...{ settings: this.settings, clock: this.clock, store: this.store, tokens: this.tokens, signs: this.signs },
      folds: new InlineFolds(this.store, folds),
      publications: [
        ...orchestratorPublications(),
        publishAsIs('catalog', 'catalog', ['patch-']),
        publishAsIs('telemetry', 'health', ['health-']),
      ],
    });
    this.instances.push(app);
    await this.settle();
    return this;
  }

  async close(): Promise<void> {
    for (const app of this.instances) await close(app);
  }

  async settle(): Promise<void> {
    for (const app of this.instances) await app.get(Followers).settle();
  }

  async append(stream: string, events: readonly DomainEvent[], into = this.store): Promise<void> {
    const body = { kind: 'events', events } as const;
    await into.append({ stream, expected: 'any', commitId: String(++this.commits), metadata, body });
  }

  /** An event of the patch p-a, with its receipt; of now, where it does not say when. */
  async decideInCatalog(event: DomainEvent & Readonly<Record<string, unknown>>): Promise<void> {
    const last = lastReceipt(await this.eventsOf('patch-p-a'), undefined);
    const decided = { at: this.clock.nowText(), ...event };
    await this.append('patch-p-a', seal('patch-p-a', [decided], last));
    await this.settle();
  }

  /** A bucket of telemetry: so many of 40 installs on each model have failed. */
  async countInstalls(failed: readonly number[]): Promise<void> {
    const cohort = Math.floor(this.clock.now() / (60 * MINUTE));
    const installs = failed.map((count, index) => ({
      ...{ patchId: 'p-a', slice: { platform: 'ios', model: models[index] ?? '', base } as const, cohort, band: 0 },
      ...{ ...nothingCounted, started: 40, failed: count, fine: 40 - count },
    }));
    await this.closeBucket(columnsOf({ installs, pending: [], unreached: [], harm: [], removals: [] }), {});
  }

  /** A bucket of telemetry: so many devices are known on each model. */
  async countDevices(devices: readonly number[]): Promise<void> {
    const populations = devices.map((count, index) => ({
      ...{
        platform: 'ios',
        model: models[index] ?? `other-${String(index)}`,
        base,
        track: 'automatic',
        devices: count,
      },
    }));
    await this.closeBucket(nothing, { populations });
  }

  async countHolders(holders: readonly HolderCount[]): Promise<void> {
    await this.closeBucket(nothing, { holders });
  }

  /** Minute by minute, as grants are given; telemetry counts along. */
  async advance(minutes: number): Promise<void> {
    for (let minute = 0; minute < minutes; minute += 1) {
      this.countHealth(MINUTE);
      await this.clock.advanceTo(this.clock.now() + MINUTE);
      await this.settle();
    }
  }

  /** A token of a person. */
  tokenOf(name: string, roles: readonly Role[] = ['operator']): string {
    return this.tokens.createLocal(name, roles);
  }

  async send(method: 'GET' | 'POST' | 'PUT', url: string, { body, token, ifMatch, instance = 0 }: Sent = {}) {
    const app = this.instances[instance];
    if (app === undefined) throw new Error('there is no such instance');
    const headers = {
      authorization: `Bearer ${token ?? this.tokens.adminToken()}`,
      ...(ifMatch !== undefined && { 'if-match': ifMatch }),
    };
    const response = await inject(app, { method, url, headers, ...(body && { payload: body }) });
    return { status: response.statusCode, body: response.json<Record<string, unknown>>(), etag: response.headers.etag };
  }

  async eventsOf(stream: string): Promise<StoredEvent[]> {
    const events: StoredEvent[] = [];
    for await (const { body } of this.store.readStream(stream))
      if (body.kind === 'events') events.push(...(body.events as readonly StoredEvent[]));
    return events;
  }

  /** The health is counted up to so long after now. */
  private countHealth(aheadMs = 0): void {
    const throughMs = this.clock.now() + aheadMs;
    this.signs.setThrough([{ shard: 0, shards: 1, throughMs, revision: this.buckets - 1 }]);
  }

  private async closeBucket(columns: object, absolute: object): Promise<void> {
    this.buckets += 1;
    const at = this.clock.nowText();
    const times = { from: at, to: at, throughRevision: 0, part: 1, parts: 1, reportingDeadlineMinutes: 240 };
    const bucket = { type: 'HealthBucketClosed', shard: 0, shards: 1, ...times, ...columns };
    await this.append('health-0', [{ holders: [], populations: [], ...bucket, ...absolute } as DomainEvent]);
    await this.settle();
    this.countHealth();
  }
}

const nothing = columnsOf({ installs: [], pending: [], unreached: [], harm: [], removals: [] });
