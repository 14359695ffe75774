export { toCloudEvent, toProgressRecord } from './cloud-events.ts';
export * from './kafka-client.ts';
export * from './kafka-dead-letters.ts';
export * from './kafka-feed.ts';
export * from './kafka-relay.ts';
export { ensureTopics, KafkaTopicMismatch, type KafkaTopicSettings } from './kafka-topics.ts';
export * from './kafka-ownership.ts';
export * from './signs-table.ts';
export * from './signs-writer.ts';
