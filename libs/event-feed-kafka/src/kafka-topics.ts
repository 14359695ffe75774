import { kafkaPartitions, kafkaTopic } from '@sluice/contracts/events';
import { type Topic } from '@sluice/contracts/topic-owners';
import kafkajs, { type Admin, type ITopicConfig } from 'kafkajs';
import { type KafkaClient } from './kafka-client.ts';
import { endWithin, reasonOf } from './patience.ts';

export interface KafkaTopicSettings {
  /** Shards of the fleet: as many partitions has its topic. */
  readonly shards: number;
  /** Begins all names, for a cluster that several fleets share. */
  readonly prefix?: string | undefined;
  /** Copies of each partition (default 1). One may be missing and writes go on. */
  readonly replicationFactor?: number | undefined;
  /** How long facts of the fleet are kept (default 7 days). All else is kept for ever. */
  readonly fleetRetentionHours?: number | undefined;
}

/** A topic is not as this fleet needs it, and changing it would put devices into other partitions. */
export class KafkaTopicMismatch extends Error {
  override readonly name = 'KafkaTopicMismatch';
}

const FLEET_RETENTION_HOURS = 7 * 24;
const MS_PER_HOUR = 3_600_000;
/** An event is one record; a patch with all its variants is larger than the 1 MiB that brokers allow by default. */
const RECORD_BYTES_MAX = 8 * 1024 * 1024;
const UNLIMITED = '-1';
const SEGMENT_MS = 600_000;
const SEGMENT_BYTES = 16 * 1024 * 1024;
const CREATE_MS_MAX = 15_000;

/**
 * Creates those of a service's topics that are not there, and returns their names. Throws KafkaTopicMismatch when the
 * fleet's topic has another number of partitions than the fleet has shards.
 */
export async function ensureTopics(
  client: KafkaClient,
  topics: readonly Topic[],
  settings: KafkaTopicSettings,
): Promise<readonly string[]> {
  return withAdmin(client, async (admin) => {
    const created: string[] = [];
    for (const topic of topics) {
      const name = kafkaTopic(topic, settings.prefix);
      const partitions = kafkaPartitions(topic, settings.shards);
      if (await createTopic(admin, name, { partitions, settings, config: configOf(topic, settings) })) {
        created.push(name);
      } else if (topic === 'fleet') await expectPartitions(admin, name, partitions);
      else await warnOfForgetting(client, admin, name);
    }
    return created;
  });
}

/**
 * Creates a topic of one partition that keeps all, as dead letters need it, or only the last of each key, or that for a
 * while only.
 */
export async function ensureSideTopic(
  client: KafkaClient,
  name: string,
  settings: Pick<KafkaTopicSettings, 'replicationFactor'> & {
    readonly isCompacted?: boolean;
    readonly keptMs?: number;
  },
): Promise<void> {
  const { isCompacted = false, keptMs } = settings;
  const compacted = keptMs === undefined ? { 'cleanup.policy': 'compact' } : keepLatest(keptMs);
  const config = isCompacted ? compacted : keepAll;
  await withAdmin(client, (admin) => createTopic(admin, name, { partitions: 1, settings, config }));
}

/** How many partitions a topic has, undefined when there is no such topic. */
export async function partitionsOf(client: KafkaClient, name: string): Promise<number | undefined> {
  return withAdmin(client, (admin) => countPartitions(admin, name));
}

/** The first offset of each partition, and the one after the last; undefined when there is no such topic. */
export async function offsetsOf(
  client: KafkaClient,
  name: string,
): Promise<readonly { readonly partition: number; readonly low: bigint; readonly high: bigint }[] | undefined> {
  return withAdmin(client, async (admin) => {
    if ((await countPartitions(admin, name)) === undefined) return undefined;
    const offsets = await admin.fetchTopicOffsets(name);
    return offsets.map(({ partition, low, high }) => ({ partition, low: BigInt(low), high: BigInt(high) }));
  });
}

export async function withAdmin<Result>(client: KafkaClient, work: (admin: Admin) => Promise<Result>): Promise<Result> {
  const admin = client.kafka.admin();
  try {
    await admin.connect();
    return await work(admin);
  } finally {
    await endWithin(() => admin.disconnect());
  }
}

const keepAll = { 'cleanup.policy': 'delete', 'retention.ms': UNLIMITED, 'retention.bytes': UNLIMITED };

// The broker compacts closed segments only, and a reader reads all of the open one.
function keepLatest(keptMs: number): Record<string, string> {
  return {
    'cleanup.policy': 'compact,delete',
    'retention.ms': String(keptMs),
    'segment.ms': String(SEGMENT_MS),
    'segment.bytes': String(SEGMENT_BYTES),
    'min.cleanable.dirty.ratio': '0.1',
  };
}

function configOf(topic: Topic, settings: KafkaTopicSettings): Record<string, string> {
  if (topic !== 'fleet') return keepAll;
  const hours = settings.fleetRetentionHours ?? FLEET_RETENTION_HOURS;
  return { ...keepAll, 'retention.ms': String(Math.round(hours * MS_PER_HOUR)) };
}

interface NewTopic {
  readonly partitions: number;
  readonly settings: Pick<KafkaTopicSettings, 'replicationFactor'>;
  readonly config: Readonly<Record<string, string>>;
}

/** False when it was there, or another process was faster. */
async function createTopic(admin: Admin, topic: string, { partitions, settings, config }: NewTopic): Promise<boolean> {
  const copies = settings.replicationFactor ?? 1;
  const entries = {
    ...config,
    'min.insync.replicas': String(Math.max(1, copies - 1)),
    'max.message.bytes': String(RECORD_BYTES_MAX),
  };
  if ((await countPartitions(admin, topic)) !== undefined) return false;
  const wanted: ITopicConfig = {
    topic,
    numPartitions: partitions,
    replicationFactor: copies,
    configEntries: Object.entries(entries).map(([name, value]) => ({ name, value })),
  };
  return admin.createTopics({ topics: [wanted], timeout: CREATE_MS_MAX });
}

async function expectPartitions(admin: Admin, topic: string, wanted: number): Promise<void> {
  const found = await countPartitions(admin, topic);
  if (found === wanted) return;
  throw new KafkaTopicMismatch(
    `${topic} has ${String(found)} partitions, but the fleet has ${String(wanted)} shards. ` +
      'Start with as many shards as the topic has partitions, or with another topic prefix.',
  );
}

/** Somebody else may have made the topic, with what brokers do normally: forget after a week. */
async function warnOfForgetting({ log }: KafkaClient, admin: Admin, topic: string): Promise<void> {
  const configNames = Object.keys(keepAll);
  const resources = [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic, configNames }];
  // One that may write, but not look at settings, is to write.
  const answer = await admin.describeConfigs({ resources, includeSynonyms: false }).catch((error: unknown) => {
    log('debug', 'Kafka: the settings of a topic cannot be seen', { topic, reason: reasonOf(error) });
  });
  for (const { configName, configValue } of answer?.resources.flatMap(({ configEntries }) => configEntries) ?? []) {
    const wanted = keepAll[configName as keyof typeof keepAll];
    if (configValue === wanted) continue;
    log('warn', 'Kafka: this topic forgets events, and services that start later will miss them: change its setting', {
      ...{ topic, setting: configName },
      ...{ is: configValue, shouldBe: wanted },
    });
  }
}

async function countPartitions(admin: Admin, topic: string): Promise<number | undefined> {
  const names = await admin.listTopics();
  if (!names.includes(topic)) return undefined;
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
  return topics[0]?.partitions.length;
}
