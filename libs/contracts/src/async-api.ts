import { EventHeaders, ProgressData, ProgressHeaders } from './event-headers.ts';
import { eventMeanings } from './event-meanings.ts';
import { type EventType, eventTypes, PROGRESS_TYPE } from './event-types.ts';
import { eventSchemas, toPlainJson } from './event-schemas.ts';
import { kafkaPartitions, kafkaTopic, kafkaTopics, topics } from './events.ts';
import { type Topic } from './topic-owners.ts';

const ASYNC_API_VERSION = '3.0.0';
const KAFKA_BINDING_VERSION = '0.5.0';
const PROGRESS = 'Progress';

const topicNotes: Readonly<Record<Topic, string>> = {
  catalog: 'Patches: published, amended, superseded, pulled, asked to be recalled, folded in.',
  rollouts: 'Rollouts, recalls and holds.',
  fleet: 'What devices report, a partition a shard.',
  health: 'Counted health of the shards.',
  access: 'Tokens: issued, revoked.',
};

export interface Published {
  readonly title: string;
  readonly topics: readonly Topic[];
  readonly shards: number;
}

/** The AsyncAPI document of a service that publishes these topics: JSON that AsyncAPI's own parser takes. */
export function asyncApi({ title, topics: all, shards }: Published): object {
  const published = all.filter((topic) => kafkaTopics.includes(topic));
  const types = [...eventTypes.current.values()].filter(({ topic }) => published.includes(topic));
  return {
    asyncapi: ASYNC_API_VERSION,
    info: {
      title,
      version: '1',
      description:
        'Public events as CloudEvents 1.0 in the binary mode of Kafka. The same event may come twice; `ce_id` tells. Skip types and fields that you do not know.',
    },
    defaultContentType: 'application/json',
    channels: Object.fromEntries(published.map((topic) => [topic, channelOf(topic, types, shards)])),
    operations: Object.fromEntries(
      published.map((topic) => [`send-${topic}`, { action: 'send', channel: { $ref: `#/channels/${topic}` } }]),
    ),
    components: {
      messages: {
        ...Object.fromEntries(types.map((type) => [type.type, messageOf(type)])),
        [PROGRESS]: progressMessage(),
      },
      schemas: {
        ...Object.fromEntries(types.map(({ type, version }) => [type, dataSchema(`${type}.v${String(version)}`)])),
        EventHeaders: toPlainJson(EventHeaders),
        ProgressHeaders: toPlainJson(ProgressHeaders),
        ProgressData: toPlainJson(ProgressData),
      },
      correlationIds: { correlationId: { location: '$message.header#/ce_correlationid' } },
    },
  };
}

/** Whether the contract knows a topic of this name. */
export function isTopic(name: string): name is Topic {
  return Object.hasOwn(topics, name);
}

function channelOf(topic: Topic, types: readonly EventType[], shards: number): object {
  const names = types.filter((each) => each.topic === topic).map(({ type }) => type);
  const address = kafkaTopic(topic);
  return {
    address,
    summary: topicNotes[topic],
    messages: Object.fromEntries([...names, PROGRESS].map((name) => [name, { $ref: `#/components/messages/${name}` }])),
    bindings: {
      kafka: { topic: address, partitions: kafkaPartitions(topic, shards), bindingVersion: KAFKA_BINDING_VERSION },
    },
  };
}

function messageOf({ type, topic, eventType }: EventType): object {
  const keys = topics[topic].keys.join(', else ');
  return {
    name: eventType,
    title: type,
    summary: eventMeanings[type as keyof typeof eventMeanings],
    headers: {
      allOf: [
        { $ref: '#/components/schemas/EventHeaders' },
        { type: 'object', properties: { ce_type: { const: eventType } } },
      ],
    },
    payload: { $ref: `#/components/schemas/${type}` },
    correlationId: { $ref: '#/components/correlationIds/correlationId' },
    bindings: {
      kafka: { key: { type: 'string', description: keys }, bindingVersion: KAFKA_BINDING_VERSION },
    },
  };
}

function progressMessage(): object {
  return {
    name: PROGRESS_TYPE,
    title: PROGRESS,
    summary:
      'All events of this partition up to a position come before this record. It has no key. Analytics may skip it.',
    headers: { $ref: '#/components/schemas/ProgressHeaders' },
    payload: { $ref: '#/components/schemas/ProgressData' },
  };
}

// Within one document the schemas are named by the document, and AsyncAPI has a dialect of its own.
function dataSchema(name: string): object {
  const { $id: _id, $schema: _dialect, ...schema } = eventSchemas().get(name) as Record<string, unknown>;
  return schema;
}
