import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { type KnownOwner, publishAsIs, type ShardKeeper, type ShardOwner, ShardOwnership } from '@sluice/event-feed';
import {
  type Append,
  type Appended,
  type Commit,
  type DomainEvent,
  InMemoryEventStore,
  StoreUnavailable,
} from '@sluice/event-sourcing';
import { createApp, Followers, InlineFolds, ManualClock, Settings, type SettingValues, Tokens } from '@sluice/platform';
import { DeviceNames } from './shard/device-names.ts';
import { folds, TelemetryModule, telemetryPublications } from './index.ts';

const NOON = Date.parse('2026-03-17T12:00:00Z');
export const SHARDS = 6;
/** What EventStoreDB takes an append. */
const APPEND_BYTES_MAX = 1024 * 1024;

/** A store that takes as little at once as EventStoreDB, that can write without being able to say so, and that tells from where its streams were read. */
export class WatchedStore extends InMemoryEventStore {
  /** So many of the next appends to streams with the prefix are written, and answered as if they had not been. */
  answersLost = { prefix: 'fleet-', count: 0 };
  /** How long an append is on its way, and its answer on the way back. */
  delayMs = 0;
  /** The same for one stream. */
  slow = { stream: '', delayMs: 0 };
  /** Appends to streams with this prefix are refused. */
  refusing = 'none';
  readonly reads: { stream: string; from: number }[] = [];
  /** Appends that have come here, whatever became of them. */
  begun = 0;

  override async append(append: Append): Promise<Appended> {
    this.begun += 1;
    if (bytesOf(append) > APPEND_BYTES_MAX) throw new Error(`an append of ${String(bytesOf(append))} bytes`);
    if (append.stream.startsWith(this.refusing)) throw new StoreUnavailable('the disk is full');
    const delayMs = append.stream === this.slow.stream ? this.slow.delayMs : this.delayMs;
    if (delayMs > 0) await sleep(delayMs);
    const appended = await super.append(append);
    if (delayMs > 0) await sleep(delayMs);
    if (this.answersLost.count === 0 || !append.stream.startsWith(this.answersLost.prefix)) return appended;
    this.answersLost.count -= 1;
    throw new StoreUnavailable('the line broke');
  }

  override readStream(stream: string, from = 0): AsyncIterable<Commit> {
    this.reads.push({ stream, from });
    return super.readStream(stream, from);
  }
}

function bytesOf({ body, ...rest }: Append): number {
  const bytes = body.kind === 'packed' ? body.bytes.length : Buffer.byteLength(JSON.stringify(body.events));
  return bytes + Buffer.byteLength(JSON.stringify(rest));
}

/** Ownership as a test says it is. */
class ScriptedOwnership extends ShardOwnership {
  keeper: ShardKeeper | undefined;
  /** What this instance owns, though the table may say otherwise. */
  readonly claimed = new Set<number>();
  private readonly turns = new Map<number, Promise<void>>();

  constructor(
    private readonly instance: string,
    private readonly table: Map<number, ShardOwner>,
  ) {
    super();
  }

  override async start(_shards: number, keeper: ShardKeeper): Promise<void> {
    this.keeper = keeper;
  }

  override release(shard: number): void {
    void this.inTurn(shard, async () => {
      await this.keeper?.lose(shard);
      if (this.claimed.has(shard)) await this.keeper?.gain(shard, () => this.claimed.has(shard));
    });
  }

  override ownerOf(shard: number): KnownOwner | undefined {
    const owner = this.table.get(shard);
    return owner && { ...owner, isSelf: owner.instance === this.instance };
  }

  override notReady(): undefined {
    return undefined;
  }

  override async stop(): Promise<void> {
    for (const shard of this.claimed) await this.lose(shard);
  }

  async gain(shard: number): Promise<void> {
    this.claimed.add(shard);
    await this.inTurn(shard, () => this.keeper?.gain(shard, () => this.claimed.has(shard)));
  }

  async lose(shard: number): Promise<void> {
    this.claimed.delete(shard);
    await this.inTurn(shard, () => this.keeper?.lose(shard));
  }

  /** Resolves when all that was asked for is done. */
  async settled(): Promise<void> {
    await Promise.all(this.turns.values());
  }

  private inTurn(shard: number, act: () => Promise<void> | undefined): Promise<void> {
    const turn = (this.turns.get(shard) ?? Promise.resolve()).then(act);
    this.turns.set(shard, turn);
    return turn;
  }
}

export interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

export class Instance {
  constructor(
    readonly name: string,
    readonly app: NestFastifyApplication,
    readonly ownership: ScriptedOwnership,
    readonly owner: ShardOwner,
    private readonly token: string,
  ) {}

  async call(method: string, path: string, options: { body?: unknown; token?: string; headers?: object } = {}) {
    const response = await fetch(`${this.owner.address}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${options.token ?? this.token}`,
        ...(options.body !== undefined && { 'content-type': 'application/json' }),
        ...options.headers,
      },
      ...(options.body !== undefined && { body: JSON.stringify(options.body) }),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> } satisfies Answer;
  }

  get(path: string): Promise<Answer> {
    return this.call('GET', path);
  }

  send(reports: readonly unknown[], token?: string): Promise<Answer> {
    return this.call('POST', '/v1/reports', { body: { reports }, ...(token !== undefined && { token }) });
  }
}

/** Several instances of telemetry on one store, each listening on a port of its own. */
export class Cluster {
  readonly clock = new ManualClock(NOON);
  readonly store = new WatchedStore(this.clock);
  readonly table = new Map<number, ShardOwner>();
  readonly instances: Instance[] = [];
  readonly folder = mkdtempSync(join(tmpdir(), 'sluice-cluster-'));
  readonly tokens = new Tokens(this.folder);

  /** Starts an instance that owns nothing yet. */
  async start(name: string, settings: Partial<SettingValues> = {}): Promise<Instance> {
    const ownership = new ScriptedOwnership(name, this.table);
    // As in a process of its own: what one instance knows the others do not.
    const names = new DeviceNames();
    const app = await createApp([TelemetryModule.with(names)], {
      settings: Settings.of({ shards: SHARDS, data: this.folder, ...settings }),
      clock: this.clock,
      store: this.store,
      tokens: this.tokens,
      folds: new InlineFolds(this.store, folds),
      publications: [...telemetryPublications(names), publishAsIs('catalog', 'catalog', ['patch-'])],
      ownership,
    });
    await app.listen(0, '127.0.0.1');
    const owner = { instance: name, address: (await app.getUrl()).replace('[::1]', '127.0.0.1') };
    const instance = new Instance(name, app, ownership, owner, this.tokens.adminToken());
    this.instances.push(instance);
    await app.get(Followers).settle();
    return instance;
  }

  /** Starts instances, and deals the shards out among them. */
  async startAll(...names: string[]): Promise<Instance[]> {
    const started: Instance[] = [];
    for (const name of names) started.push(await this.start(name));
    for (let shard = 0; shard < SHARDS; shard += 1) await this.move(shard, started[shard % started.length]);
    return started;
  }

  /** Hands a shard to an instance, or to nobody. The former owner hears of it at the same time as the next one. */
  async move(shard: number, to: Instance | undefined): Promise<void> {
    const from = this.instances.filter(({ ownership }) => ownership.claimed.has(shard) && ownership !== to?.ownership);
    await Promise.all([...from.map(({ ownership }) => ownership.lose(shard)), to?.ownership.gain(shard)]);
    if (to === undefined) this.table.delete(shard);
    else this.table.set(shard, to.owner);
  }

  /** The instance is gone without a word: its shards are still its own, as far as the others know. */
  async kill(instance: Instance): Promise<void> {
    this.instances.splice(this.instances.indexOf(instance), 1);
    instance.ownership.claimed.clear();
    await this.end(instance);
  }

  async stop(): Promise<void> {
    for (const instance of this.instances.splice(0)) await this.end(instance);
    await this.store.close();
    rmSync(this.folder, { recursive: true });
  }

  async settle(): Promise<void> {
    for (const { app, ownership } of this.instances) {
      await ownership.settled();
      await app.get(Followers).settle();
    }
  }

  async pass(minutes: number): Promise<void> {
    await this.clock.advanceTo(this.clock.now() + minutes * 60_000);
    await this.settle();
  }

  async commits(prefix: string): Promise<Commit[]> {
    const found: Commit[] = [];
    for await (const commit of this.store.readAll({ prefixes: [prefix] })) found.push(commit);
    return found;
  }

  async tellCatalog(event: { type: string; [field: string]: unknown }): Promise<void> {
    await this.store.append({
      stream: 'patch-a',
      expected: 'any',
      commitId: randomUUID(),
      metadata: { actor: 'test', correlationId: 'test' },
      body: { kind: 'events', events: [{ patchId: 'a', at: '2026-03-17T00:00:00Z', ...event } as DomainEvent] },
    });
    await this.settle();
  }

  // As `close` of the platform, but the store lives on.
  private async end({ app }: Instance): Promise<void> {
    await app.get(Followers).stopTasks();
    await app.close();
    await app.get(Followers).stop();
  }
}

let nextReport = 0;

export function report(fields: object = {}): Record<string, unknown> {
  nextReport += 1;
  return {
    reportId: `report-${String(nextReport)}`,
    deviceId: 'd-1',
    kind: 'status',
    occurredAt: new Date(NOON).toISOString(),
    platform: 'ios',
    model: 'iPhone18,1',
    osVersion: '26.3.1',
    osBuild: '23D8133',
    track: 'automatic',
    ...fields,
  };
}
