import { type KafkaClient } from './kafka-client.ts';
import { ensureSideTopic, type KafkaTopicSettings } from './kafka-topics.ts';

export type SignsTopicSettings = Pick<KafkaTopicSettings, 'prefix' | 'replicationFactor'>;

/** An instance that is gone for so long is forgotten; until then, its last word on a shard stands. */
const KEPT_MS = 24 * 3_600_000;

export function signsTopic({ prefix }: SignsTopicSettings): string {
  return `${prefix ?? ''}sluice.signs.v1`;
}

/** Keeps the last word of each instance, so that whoever starts reads little. */
export function ensureSignsTopic(client: KafkaClient, settings: SignsTopicSettings): Promise<void> {
  return ensureSideTopic(client, signsTopic(settings), { ...settings, isCompacted: true, keptMs: KEPT_MS });
}
