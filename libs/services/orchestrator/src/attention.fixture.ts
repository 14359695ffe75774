import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { type EventFeed, OwnSigns, publishAsIs } from '@sluice/event-feed';
import { type EventStore, InMemoryEventStore } from '@sluice/event-sourcing';
import {
  type Composition,
  createApp,
  Followers,
  inject,
  InlineFolds,
  ManualClock,
  ManualTimers,
  type Role,
  Settings,
  Tokens,
} from '@sluice/platform';
import { folds, OrchestratorModule, orchestratorPublications } from './index.ts';

const MINUTE = 60_000;

export const published = {
  type: 'PatchPublished',
  patchId: 'p-a',
  platform: 'ios',
  baseVersion: '26.3.1',
  letter: 'a',
  variants: [{ build: '23D771330a', prerequisiteBuild: '23D8133', models: ['iPhone18,1'] }],
  cves: [],
};

/** As a rollout is stored: one wave, which is over as soon as it has opened. */
export const plan = {
  patchId: 'p-a',
  salt: 's',
  holdBackPercent: 0,
  waves: [{ name: 'all', ramp: { fromPercent: 100, toPercent: 100, minutes: 0 }, bakeMinutes: 0 }],
  gates: { installFailureRateMax: 0.01 },
};

/** The real module on an in-memory store, with catalog and telemetry played by events: for specs. */
export class AttentionFixture {
  readonly clock = new ManualClock(Date.parse('2026-03-17T12:00:00Z'));
  readonly timers = new ManualTimers();
  readonly tokens = new Tokens(mkdtempSync(join(tmpdir(), 'sluice-orchestrator-')));
  readonly signs = new OwnSigns();
  store: EventStore = new InMemoryEventStore(this.clock);
  app!: NestFastifyApplication;
  private commits = 0;
  private buckets = 0;

  async start(more: Partial<Composition> & { readonly feed?: EventFeed } = {}): Promise<void> {
    this.countHealth();
    this.app = await createApp([OrchestratorModule], {
      ...{ settings: Settings.of(), clock: this.clock, store: this.store, tokens: this.tokens, timers: this.timers },
      folds: new InlineFolds(this.store, folds),
      publications: [
        ...orchestratorPublications(),
        publishAsIs('catalog', 'catalog', ['patch-']),
        publishAsIs('telemetry', 'health', ['health-']),
      ],
      signs: this.signs,
      ...more,
    });
  }

  /** The store stays as it is, for another start. */
  async stop(app = this.app): Promise<void> {
    await app.get(Followers).stopTasks();
    await app.close();
    await app.get(Followers).stop();
  }

  async settle(): Promise<void> {
    await this.app.get(Followers).settle();
  }

  async happened(
    stream: string,
    ...events: readonly { readonly type: string; readonly [field: string]: unknown }[]
  ): Promise<void> {
    await this.store.append({
      stream,
      expected: 'any',
      commitId: `c-${String(++this.commits)}`,
      metadata: { actor: 'spec', correlationId: 'c' },
      body: { kind: 'events', events: events.map((event) => ({ ...event, at: this.clock.nowText() })) },
    });
    await this.settle();
  }

  /** A rollout of one wave that runs. */
  async runs(rolloutId: string): Promise<void> {
    const its = { rolloutId, patchId: plan.patchId };
    await this.happened(
      `rollout-${rolloutId}`,
      { type: 'RolloutPlanned', rolloutId, plan },
      { type: 'RolloutStarted', ...its, slices: 1, exposure: 'granted' },
      { type: 'WaveOpened', rolloutId, wave: 1 },
    );
  }

  /** Of the recall of the patch, as all shards (there is one) count it. */
  async counted(patchId: string, recallEpoch: number, recall: object): Promise<void> {
    this.buckets += 1;
    const none = { patch: [], slice: [], count: [] };
    const columns = ['cohort', 'band', 'started', 'failed', 'relapsed', 'fine', 'removed', 'due', 'open'];
    const now = this.clock.nowText();
    await this.happened('health-0', {
      ...{ type: 'HealthBucketClosed', v: 2, shard: 0, shards: 1, from: now, to: now, throughRevision: 0 },
      ...{ part: 1, parts: 1, reportingDeadlineMinutes: 240, patches: [], slices: [] },
      installs: { patch: [], slice: [], ...Object.fromEntries(columns.map((column) => [column, []])) },
      ...{ pending: none, unreached: none, populations: [] },
      holders: [{ patchId, recallEpoch, holders: 2, inFlight: 0, removed: 0, removalsFailed: 0, recall }],
    });
    this.countHealth();
    await this.settle();
  }

  /** Telemetry has counted all that there is by now. */
  countHealth(throughMs = this.clock.now()): void {
    this.signs.setThrough([{ shard: 0, shards: 1, throughMs, revision: this.buckets - 1 }]);
  }

  /** Both clocks, minute by minute; telemetry counts along unless it is away. */
  async advance(minutes: number, { telemetryIsAway = false } = {}): Promise<void> {
    for (let minute = 0; minute < minutes; minute += 1) {
      if (!telemetryIsAway) this.countHealth(this.clock.now() + MINUTE);
      this.timers.advance(MINUTE);
      await this.clock.advanceTo(this.clock.now() + MINUTE);
      await this.settle();
    }
  }

  /** One step, however long it is. */
  async jump(minutes: number): Promise<void> {
    this.countHealth(this.clock.now() + minutes * MINUTE);
    this.timers.advance(minutes * MINUTE);
    await this.clock.advanceTo(this.clock.now() + minutes * MINUTE);
    await this.settle();
  }

  async send(
    method: 'GET' | 'POST',
    url: string,
    payload?: object,
    as?: { readonly name: string; readonly role: Role },
  ) {
    const token = as === undefined ? this.tokens.adminToken() : this.tokens.createLocal(as.name, [as.role]);
    const headers = { authorization: `Bearer ${token}` };
    const response = await inject(this.app, { method, url, headers, ...(payload && { payload }) });
    return { status: response.statusCode, body: response.json<Record<string, unknown>>() };
  }
}
