import { setTimeout as sleep } from 'node:timers/promises';
import { HttpFeed } from '@sluice/event-feed-http';
import { KafkaFeed } from '@sluice/event-feed-kafka';
import { clientOf } from '../broker.ts';
import { inWords, quantile } from '../figure.ts';
import { paced, until } from '../paced.ts';
import { patchOf, publicationOf } from '../rollouts.ts';
import { type Service, Services } from '../service-processes.ts';
import { CountingConsumer } from './counting-consumer.ts';
import { type Counts, type Outcome } from './outcome.ts';
import { ReportSender } from './report-sender.ts';
import { type Ground } from './site.ts';

const REBALANCE_EVERY_MS = 5_000;
const GUESTS_MAX = 2;
const SECONDS_BEFORE = 5;
const PATCHES_PER_SECOND = 5;
const CATCH_UP = { withinMs: 300_000, everyMs: 100 };
const PROGRESS_REPORTS = 10;

/** Instances of telemetry come and go every five seconds, while reports come in. */
export async function rebalanced(ground: Ground): Promise<Outcome> {
  await using services = new Services(ground.folder, ground.broker.brokers);
  await services.start('catalog');
  const telemetry = await services.start('telemetry');
  await services.ready(telemetry);
  await using fleet = follow(services, ground, { source: 'telemetry', topic: 'fleet' });
  const sender = new ReportSender(services, [telemetry]);
  sender.start();
  const { changes, shards } = await comeAndGo(ground, services, sender);
  await sender.stop();
  const before = sender.acknowledged;
  const startedAt = performance.now();
  await sender.sendOnce(PROGRESS_REPORTS);
  const afterMs = performance.now() - startedAt;
  const faults = [
    ...(sender.acknowledged > before ? [] : ['no progress afterwards']),
    ...(shards > 0 ? [] : ['no shard ever changed its owner']),
  ];
  const { facts } = await services.ask<{ facts: number }>(telemetry, { method: 'GET', path: '/v1/fleet' });
  await reached(fleet.consumer, sender.acknowledged);
  const counts = atOwner(fleet.consumer.compareCount(sender.acknowledged), {
    facts,
    acknowledged: sender.acknowledged,
  });
  const remarks = [
    `${String(changes)} times an instance came or went, and those that came took over ${String(shards)} shards in all; ${inWords(sender.refusals)} requests had to be sent again, slowest answer ${inWords(Math.max(...sender.tookMs))} ms`,
    `GET /v1/fleet counts ${inWords(facts)} facts of ${inWords(sender.acknowledged)} acknowledged reports; afterwards ${inWords(afterMs)} ms a request`,
  ];
  return { ...counts, remarks, faults };
}

/** The broker is away for a minute; patches are published and reports accepted all the same. */
export async function withoutBroker(ground: Ground): Promise<Outcome> {
  await using services = new Services(ground.folder, ground.broker.brokers);
  const catalog = await services.start('catalog');
  const telemetry = await services.start('telemetry');
  const orchestrator = await services.start('orchestrator');
  for (const each of [catalog, telemetry, orchestrator]) await services.ready(each);
  await using fleet = follow(services, ground, { source: 'telemetry', topic: 'fleet' });
  await using patches = follow(services, ground, { source: 'catalog', topic: 'catalog' });
  const sender = new ReportSender(services, [telemetry]);
  const publisher = new Publisher(services, catalog);
  sender.start();
  publisher.start();
  await sleep(SECONDS_BEFORE * 1000);
  await ground.broker.kill();
  ground.say(`the broker is gone, for ${String(ground.seconds)} s`);
  const before = { reports: sender.acknowledged, published: publisher.published };
  await sleep(ground.seconds * 1000);
  const during = {
    reports: sender.acknowledged - before.reports,
    published: publisher.published - before.published,
  };
  await Promise.all([sender.stop(), publisher.stop()]);
  const faults = during.reports === 0 || during.published === 0 ? ['nothing was accepted without the broker'] : [];
  await ground.broker.restart();
  const backAt = performance.now();
  ground.say('the broker is back');
  const path = `/v1/applied?catalog=${await headOf(services, catalog)}`;
  await until('the orchestrator has caught up', () => isAnswered(services, orchestrator, path), CATCH_UP);
  const policySeconds = (performance.now() - backAt) / 1000;
  await Promise.all([reached(patches.consumer, publisher.published), reached(fleet.consumer, sender.acknowledged)]);
  const allSeconds = (performance.now() - backAt) / 1000;
  const { facts } = await services.ask<{ facts: number }>(telemetry, { method: 'GET', path: '/v1/fleet' });
  const ofReports = atOwner(fleet.consumer.compareCount(sender.acknowledged), {
    facts,
    acknowledged: sender.acknowledged,
  });
  const counts = sum(ofReports, patches.consumer.compareCount(publisher.published));
  const remarks = [
    `without the broker ${inWords(during.published)} patches published (p99 ${inWords(quantile(publisher.tookMs, 0.99))} ms) and ${inWords(during.reports)} reports accepted (p99 ${inWords(quantile(sender.tookMs, 0.99))} ms), ${String(sender.refusals + publisher.refusals)} requests refused`,
    `after it was back, the policy caught up in ${inWords(policySeconds)} s, all topics in ${inWords(allSeconds)} s`,
  ];
  return { ...counts, remarks, faults };
}

/**
 * One instance comes or goes at a time; each stays long enough to be given shards before the oldest guest leaves. Returns how
 * often, and how many shards those owned that left, all together.
 */
async function comeAndGo(ground: Ground, services: Services, sender: ReportSender) {
  const endsAt = performance.now() + ground.seconds * 1000;
  const guests: Service[] = [];
  let [changes, shards] = [0, 0];
  const leave = async (guest: Service) => {
    shards += await services.metric(guest, 'sluice_shards_owned');
    sender.remove(guest);
    await guest.stop();
    changes += 1;
    ground.say(`an instance has gone; ${inWords(sender.acknowledged)} reports so far`);
  };
  for (let nextAt = performance.now(); nextAt < endsAt; nextAt += REBALANCE_EVERY_MS) {
    await sleep(Math.max(0, nextAt - performance.now()));
    const oldest = guests.length < GUESTS_MAX ? undefined : guests.shift();
    if (oldest !== undefined) {
      await leave(oldest);
      continue;
    }
    const guest = await services.start('telemetry');
    guests.push(guest);
    sender.add(guest);
    changes += 1;
    ground.say(`an instance has come; ${inWords(sender.acknowledged)} reports so far`);
  }
  for (const guest of guests) await leave(guest);
  return { changes, shards };
}

/** Publishes patches at a steady rate, each for a base build of its own. */
class Publisher {
  published = 0;
  refusals = 0;
  readonly tookMs: number[] = [];
  private readonly stopping = new AbortController();
  private running: Promise<number> | undefined;

  constructor(
    private readonly services: Services,
    private readonly catalog: Service,
  ) {}

  start(): void {
    this.running = paced({ perSecond: PATCHES_PER_SECOND, signal: this.stopping.signal }, (n) => this.publish(n + 1));
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  private async publish(n: number): Promise<void> {
    const startedAt = performance.now();
    const { status } = await this.services.call(this.catalog, { path: '/v1/patches', body: publicationOf(patchOf(n)) });
    this.tookMs.push(performance.now() - startedAt);
    if (status < 300) this.published += 1;
    else this.refusals += 1;
  }
}

interface Followed extends AsyncDisposable {
  readonly consumer: CountingConsumer;
}

/** A consumer of a service's topic in this process; what is missing it asks of the service. */
function follow(services: Services, ground: Ground, topic: { source: string; topic: string }): Followed {
  const owner = new HttpFeed({ addresses: services.addresses, token: () => services.peerToken() });
  const feed = new KafkaFeed({ client: clientOf(ground.broker.brokers, 'follower'), service: 'drill', owner });
  const consumer = new CountingConsumer(feed, topic);
  return { consumer, [Symbol.asyncDispose]: () => consumer.follower.stop() };
}

async function reached(consumer: CountingConsumer, events: number): Promise<void> {
  const isWhole = () => consumer.distinct >= events || consumer.follower.failedBecause !== undefined;
  // What is missing after that time is lost, and counted as such.
  await until('all events have arrived', isWhole, CATCH_UP).catch(() => undefined);
}

async function headOf(services: Services, service: Service): Promise<string> {
  return (await services.ask<{ head: string }>(service, { method: 'GET', path: '/v1/applied' })).head;
}

async function isAnswered(services: Services, service: Service, path: string): Promise<boolean> {
  return (await services.call(service, { method: 'GET', path })).status === 200;
}

/** What the owner lost or counted twice weighs as much as what a consumer did. */
function atOwner(counts: Counts, { facts, acknowledged }: { facts: number; acknowledged: number }): Counts {
  return {
    ...counts,
    lost: Math.max(counts.lost, acknowledged - facts),
    twice: Math.max(counts.twice, facts - acknowledged, counts.applied - acknowledged),
  };
}

function sum(left: Counts, right: Counts): Counts {
  const names = Object.keys(left) as (keyof Counts)[];
  return Object.fromEntries(names.map((name) => [name, left[name] + right[name]])) as unknown as Counts;
}
