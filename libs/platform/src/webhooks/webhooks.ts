import { createHash } from 'node:crypto';
import { type WebhookReceiver, type WebhookTest } from '@sluice/api';
import { Injectable, Logger } from '@nestjs/common';
import {
  BEGINNING,
  Clock,
  type Commit,
  comparePositions,
  type Delivery,
  EventStore,
  type Gateway,
  GatewayRun,
  type GatewayStatus,
  type Position,
} from '@sluice/event-sourcing';
import { Attention, type AttentionSource, type Finding, type Findings, idTime } from '../attention/attention.ts';
import { reasonOf } from '../auth/private-file.ts';
import { Metrics } from '../observe/metrics.ts';
import { type Companion, Followers } from '../replay/followers.ts';
import { ServiceName } from '../settings/service-name.ts';
import { Timers } from '../time/timers.ts';
import { Conditions } from './conditions.process.ts';
import { type Notice, type NoticeSource } from './notice.ts';
import { post, type PostPorts, webhookIdOf } from './post.ts';
import { type Receiver, type WebhookSettings } from './receivers.ts';
import { SoleTurn, type TurnWork } from './sole-turn.ts';
import { type Shown, type TestNotice } from './templates.ts';

const RUN_AGAIN_AFTER_MS = 5_000;
const FAILING_SHOWN_AFTER_MS = 30 * 60_000;
const MINUTE_MS = 60_000;

/** What the process was given for its webhooks; no receiver: nothing is sent, and nothing is kept. */
export class WebhookWorld {
  constructor(
    readonly settings: WebhookSettings = { receivers: [], sluiceUrl: undefined },
    readonly fetch: PostPorts['fetch'] = (url, init) => globalThis.fetch(url, init),
    readonly wallMs: () => number = () => Date.now(),
  ) {}
}

/**
 * The gateway to receivers of webhooks, one run for each: what the service owns and people want to be told, each once or more,
 * in order for a rollout or patch. Of several instances one sends.
 */
@Injectable()
export class Webhooks implements Companion, AttentionSource, TurnWork {
  readonly name = 'webhooks';
  readonly service: string;
  private readonly log = new Logger('webhooks');
  private readonly sources: NoticeSource[] = [];
  private readonly conditions: Conditions;
  private readonly turn: SoleTurn;
  private readonly countAttempt;
  /** By receiver; none while another instance sends. */
  private readonly runs = new Map<string, GatewayRun<Notice>>();
  /** Why a receiver is not sent to, where that is not its own fault. */
  private readonly faults = new Map<string, string>();
  private callOffs: (() => void)[] = [];

  constructor(
    private readonly world: WebhookWorld,
    private readonly store: EventStore,
    private readonly clock: Clock,
    private readonly timers: Timers,
    attention: Attention,
    followers: Followers,
    metrics: Metrics,
    { service }: ServiceName,
  ) {
    this.service = service;
    this.conditions = new Conditions(store, attention, timers, service);
    this.turn = new SoleTurn(store.checkpoints, `webhooks-${service}`, timers, this);
    this.add(this.conditions);
    attention.add(this);
    this.countAttempt = metrics.counter(
      'sluice_webhook_attempts_total',
      'Attempts to send a notice, by how they ended',
      ['receiver', 'outcome'],
    );
    metrics.gaugeBy(
      'sluice_webhook_waiting',
      'Notices that a receiver has not accepted yet, at the instance that sends',
      {
        label: 'receiver',
        read: () => new Map([...this.runs].map(([name, run]) => [name, run.status().waiting])),
      },
    );
    if (this.receivers.length > 0) {
      followers.accompany(this);
      followers.onStop(
        'webhooks-ticks',
        clock.onTick((nowMs) => this.tickRuns(nowMs)),
      );
    }
  }

  get receivers(): readonly Receiver[] {
    return this.world.settings.receivers;
  }

  /** What is to be told of some streams; before the application starts. */
  add(source: NoticeSource): void {
    this.sources.push(source);
  }

  start(): void {
    this.turn.start();
  }

  stop(): Promise<void> {
    return this.turn.stop();
  }

  notReady(): string | undefined {
    return undefined;
  }

  trouble(): string | undefined {
    const [fault] = this.faults;
    if (fault !== undefined) return `are not sent to ${fault[0]}: ${fault[1]}`;
    return this.turn.trouble === undefined ? undefined : `cannot say how far they have come: ${this.turn.trouble}`;
  }

  async begin(after: Position): Promise<void> {
    await this.conditions.load();
    for (const receiver of this.receivers) this.startRun(receiver, after);
  }

  async end(): Promise<void> {
    for (const callOff of this.callOffs.splice(0)) callOff();
    const runs = [...this.runs.values()];
    this.runs.clear();
    this.faults.clear();
    await Promise.all(runs.map((run) => run.stop()));
  }

  /** The least of all receivers that are still sent to; undefined while one of them does not say. */
  get through(): Position | undefined {
    let least: Position | undefined;
    for (const run of this.runs.values()) {
      if (run.status().state === 'closed') continue;
      const { through } = run;
      if (through === undefined) return undefined;
      if (least === undefined || comparePositions(through, least) < 0) least = through;
    }
    return least;
  }

  view({ name, format, url, kinds, waitLongerMinutes }: Receiver): WebhookReceiver {
    const status = this.runs.get(name)?.status();
    return {
      ...{ name, format, to: new URL(url).origin, kinds, waitLongerMinutes },
      state: status === undefined ? 'standing-by' : status.state === 'closed' ? 'gone' : 'open',
      waiting: status?.waiting ?? 0,
      lastSuccessAt: status?.lastSuccessAt ?? null,
      lastFailure: status?.lastFailure ?? null,
      failingSince: status?.failingSince ?? null,
    };
  }

  /** Sends a test to a receiver now, beside what waits for it: that is sent at once when the test is accepted. */
  async test(receiver: Receiver): Promise<WebhookTest> {
    const [startedMs, since] = [this.timers.monotonicMs(), this.clock.nowText()];
    const notice: TestNotice = {
      ...{ id: `test:${idTime(since)}`, kind: 'test', state: 'happened', service: this.service, severity: 'info' },
      ...{ about: {}, since, words: 'This is a test: Sluice reaches you.', command: 'sluice webhook list' },
    };
    const delivered = await this.send(receiver, notice, new AbortController().signal);
    if (delivered.kind === 'accepted') this.reached(receiver);
    return {
      receiver: receiver.name,
      ...(delivered.kind === 'accepted'
        ? { outcome: 'accepted' as const }
        : { outcome: 'failed' as const, because: delivered.because }),
      ms: Math.round(this.timers.monotonicMs() - startedMs),
    };
  }

  look(nowMs: number): Findings {
    const found = [...this.runs].flatMap(([name, run]) => findingOf(name, run.status(), nowMs));
    return { found, unknown: [] };
  }

  private reached(receiver: Receiver): void {
    const run = this.runs.get(receiver.name);
    if (run?.status().state === 'closed') this.startRun(receiver, BEGINNING, true);
    else run?.retryNow();
  }

  private async tickRuns(nowMs: number): Promise<void> {
    if (!this.turn.isMine) return;
    for (const run of this.runs.values()) run.tick(nowMs);
    await this.conditions.note(this.clock.nowText());
  }

  private startRun(receiver: Receiver, after: Position, again = false): void {
    const { name } = receiver;
    const run = new GatewayRun(this.store, this.gatewayTo(receiver), {
      nowMs: () => this.clock.now(),
      monotonicMs: () => this.timers.monotonicMs(),
      after: (ms, call) => this.timers.after(ms, call),
      random: () => Math.random(),
    });
    run.onAttempt = (outcome) => this.countAttempt.inc({ receiver: name, outcome });
    this.runs.set(name, run);
    this.faults.delete(name);
    run.run(after, again).catch((error: unknown) => {
      if (this.runs.get(name) !== run) return;
      this.log.error(`${name} is not sent to: ${reasonOf(error)}. It is tried again`);
      this.faults.set(name, reasonOf(error));
      void run.stop();
      this.callOffs.push(
        this.timers.after(RUN_AGAIN_AFTER_MS, () => {
          // A test that was accepted meanwhile has started another one.
          if (this.runs.get(name) === run) this.startRun(receiver, after, again);
        }),
      );
    });
  }

  private gatewayTo(receiver: Receiver): Gateway<Notice> {
    return {
      kind: 'gateway',
      name: `webhooks-${this.service}-${receiver.name}`,
      // The address may be a secret.
      target: createHash('sha256').update(receiver.url).digest('base64url'),
      streams: this.sources.flatMap(({ streams }) => streams),
      deliveriesOf: async (commit) => (await this.noticesOf(commit)).flatMap((notice) => deliveryOf(notice, receiver)),
      deliver: ({ content }, signal) => this.send(receiver, content, signal),
    };
  }

  private async noticesOf(commit: Commit): Promise<readonly Notice[]> {
    const { stream } = commit;
    const source = this.sources.find(({ streams }) => streams.some((prefix) => stream.startsWith(prefix)));
    return (await source?.noticesOf(commit)) ?? [];
  }

  private send(receiver: Receiver, notice: Shown | TestNotice, signal: AbortSignal) {
    const { settings, fetch, wallMs } = this.world;
    const webhookId = webhookIdOf(this.store.lineage, notice.id);
    const message = { notice, webhookId, sluiceUrl: settings.sluiceUrl };
    return post(receiver, message, { fetch, wallMs, timers: this.timers, signal });
  }
}

function deliveryOf(notice: Notice, { kinds, waitLongerMinutes }: Receiver): Delivery<Notice>[] {
  const { id, kind, key, since, state } = notice;
  if (!kinds.includes(kind)) return [];
  const isLater = kind === 'rollout-waits' && state === 'began';
  const due = isLater && { dueMs: Date.parse(since) + waitLongerMinutes * MINUTE_MS };
  return [{ id, key, ...due, ...(state === 'ended' && { ends: notice.ends }), content: notice }];
}

function findingOf(receiver: string, status: GatewayStatus, nowMs: number): Finding[] {
  const { state, closedBecause, failingSince, lastFailure, waiting } = status;
  const its = { severity: 'warning', about: { receiver }, command: `sluice webhook test ${receiver}` } as const;
  if (state === 'closed') {
    const words = `${receiver} hears nothing any more, because ${closedBecause ?? ''}: it is told again once it accepts a test, or has another address`;
    return [{ ...its, id: `webhook-gone:${receiver}`, kind: 'webhook-gone', since: lastFailure?.at, words }];
  }
  if (failingSince === undefined || nowMs - Date.parse(failingSince) < FAILING_SHOWN_AFTER_MS) return [];
  const words = `${receiver} has accepted nothing since ${failingSince}, and ${String(waiting)} notices wait: ${lastFailure?.because ?? ''}`;
  const id = `webhook-failing:${receiver}:${idTime(failingSince)}`;
  return [{ ...its, id, kind: 'webhook-failing', since: failingSince, words }];
}
