import { randomUUID } from 'node:crypto';
import { kafkaTopics } from '@sluice/contracts/events';
import { type EventFeed, type Publication } from '@sluice/event-feed';
import {
  type KafkaClient,
  kafkaClient,
  KafkaDeadLetters,
  KafkaFeed,
  KafkaOwnership,
  KafkaRelay,
  type KafkaTopicSettings,
  SignsTable,
  SignsWriter,
} from '@sluice/event-feed-kafka';
import {
  type Companion,
  type Connections,
  type GaugeOfCompanion,
  SettingsError,
  type SettingValues,
  type Surroundings,
} from '@sluice/platform';
import { RelayingOwnership } from './relaying-ownership.ts';

const FLEET = 'fleet';

/** Relays of what the service publishes, a feed of what it hears, and the shares of telemetry's shards. */
export function connectKafka(surroundings: Surroundings, owner: EventFeed): Connections {
  const { store, publications, signs: own, traces } = surroundings;
  const settings = surroundings.settings.values;
  const service = publications[0]?.source ?? 'sluice';
  const instance = randomUUID().slice(0, 8);
  const client = clientOf(surroundings, `sluice-${service}-${instance}`);
  const topics = topicsOf(settings);
  const deadLetters = new KafkaDeadLetters({ client, service, topics });
  const signs = new SignsTable({ client, service, topics });
  const feed = new KafkaFeed({ client, service, owner, deadLetters, signs, topicPrefix: topics.prefix });
  const changesEveryMs = settings.clock === 'wall' ? undefined : 0;
  const writer = new SignsWriter({ client, source: service, instance, signs: own, topics, changesEveryMs });
  const relays = new Relays((publication, shard) => {
    const which = shard !== undefined && { shard };
    return new KafkaRelay({ client, store, publication, topics, traces, ...which });
  });
  const fleet = publications.find(({ topic }) => topic === FLEET);
  const companion: Companion = {
    name: 'kafka',
    start: () => {
      for (const each of publications) if (each !== fleet && isInKafka(each)) relays.start(each);
      writer.start();
    },
    // A follower that parks an event, or reads what was parked, would wait for a broker that is away.
    disconnect: () => deadLetters.close(),
    stop: async () => {
      await Promise.all([relays.stopAll(), signs.stop(), writer.stop()]);
    },
    // What waits for a broker that is away is in the store, so relays keep nothing from being ready.
    notReady: () => feed.notReady(),
    gauges: gaugesOf(relays, feed),
  };
  const connections = { feed, accessFeed: owner, companions: [companion] };
  if (fleet === undefined) return connections;
  const shares = new KafkaOwnership({ client, instance, address: addressOf(settings), topics });
  const ownership = new RelayingOwnership(shares, {
    start: (shard) => relays.start(fleet, shard),
    stop: (shard) => relays.stop(fleet, shard),
  });
  return { ...connections, ownership };
}

/** Tokens are for a few only, and Kafka has many readers. */
function isInKafka({ topic }: Publication): boolean {
  return (kafkaTopics as readonly string[]).includes(topic);
}

/** Where other instances reach this one. */
function addressOf({ address, host, port, tlsCert }: SettingValues): string {
  if (address !== '') return address;
  if (['0.0.0.0', '::', ''].includes(host) || port === 0) {
    throw new SettingsError(
      'Instances of telemetry must reach each other: say with --address where this one is reached.',
    );
  }
  return `${tlsCert === '' ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${String(port)}`;
}

/** The relays of this process, by what they relay. */
class Relays {
  private readonly running = new Map<string, KafkaRelay>();

  constructor(private readonly create: (publication: Publication, shard?: number) => KafkaRelay) {}

  start(publication: Publication, shard?: number): void {
    const name = nameOf(publication, shard);
    if (this.running.has(name)) return;
    const relay = this.create(publication, shard);
    this.running.set(name, relay);
    relay.start();
  }

  async stop(publication: Publication, shard?: number): Promise<void> {
    const name = nameOf(publication, shard);
    const relay = this.running.get(name);
    this.running.delete(name);
    await relay?.stop();
  }

  async stopAll(): Promise<void> {
    await Promise.all([...this.running.values()].map((relay) => relay.stop()));
  }

  statuses() {
    return [...this.running.values()].map((relay) => relay.status());
  }
}

function nameOf({ topic }: Publication, shard: number | undefined): string {
  return shard === undefined ? topic : `${topic}-${String(shard)}`;
}

function gaugesOf(relays: Relays, feed: KafkaFeed): GaugeOfCompanion[] {
  return [
    {
      name: 'sluice_relay_behind_seconds',
      help: 'For how long the oldest commit has been waiting to be relayed to Kafka (seconds)',
      // One that stands by for another has nothing to send.
      read: () =>
        Math.max(0, ...relays.statuses().map(({ state, behindMs }) => (state === 'standby' ? 0 : behindMs / 1000))),
    },
    {
      name: 'sluice_relays_running',
      help: 'Relays that send to Kafka now; others of the same topic stand by',
      read: () => relays.statuses().filter(({ state }) => state === 'running').length,
    },
    {
      name: 'sluice_relays_stopped',
      help: 'Relays that neither run nor stand by, because the broker or the store is away',
      read: () => relays.statuses().filter(({ state }) => state === 'failing').length,
    },
    {
      name: 'sluice_relayed_events',
      help: 'Events sent to Kafka by the relays that run now',
      read: () => relays.statuses().reduce((sum, { sentEvents }) => sum + sentEvents, 0),
    },
    {
      name: 'sluice_feed_unreadable_records',
      help: 'Records of Kafka that were no readable events, since the start',
      read: () => feed.status().undecodable,
    },
    {
      name: 'sluice_feed_interruptions',
      help: 'How often reading from Kafka was interrupted, since the start',
      read: () => feed.status().crashes,
    },
  ];
}

function topicsOf(settings: SettingValues): KafkaTopicSettings {
  return {
    shards: settings.shards,
    prefix: settings.kafkaTopicPrefix,
    replicationFactor: settings.kafkaReplicas,
    fleetRetentionHours: settings.kafkaFleetHours,
  };
}

function clientOf({ settings, log }: Surroundings, clientId: string): KafkaClient {
  const { kafka, kafkaTls, kafkaCaFile, kafkaCertFile, kafkaKeyFile, kafkaSasl, kafkaUser, kafkaPasswordFile } =
    settings.values;
  const file = (name: string) => (name === '' ? undefined : name);
  const files = { caFile: file(kafkaCaFile), certificateFile: file(kafkaCertFile), keyFile: file(kafkaKeyFile) };
  try {
    return kafkaClient({
      brokers: kafka.split(',').map((each) => each.trim()),
      clientId,
      tls: kafkaTls === 'on' && files,
      sasl: isMechanism(kafkaSasl)
        ? { mechanism: kafkaSasl, username: kafkaUser, password: { file: kafkaPasswordFile } }
        : undefined,
      log: (level, text, details) => {
        log[level](details, text);
      },
    });
  } catch (error) {
    throw new SettingsError(error instanceof Error ? error.message : String(error));
  }
}

function isMechanism(name: string): name is 'plain' | 'scram-sha-256' | 'scram-sha-512' {
  return name !== 'none';
}
