import { readFileSync } from 'node:fs';
import kafkajs, { type Kafka, type KafkaConfig, type SASLOptions } from 'kafkajs';
import { afterAll, describe, expect, it } from 'vitest';
import { startKafkaProcess, uniqueTopicPrefix } from '@sluice/testing';

const RESTART_MS_MAX = 60_000;

const users = { alice: 'wonderland', bob: 'builder' };
const broker = await startKafkaProcess({ secured: ['SASL_PLAINTEXT', 'SSL', 'SASL_SSL'], users });
afterAll(() => broker?.[Symbol.asyncDispose]());

describe.runIf(broker)('running a broker as a child process', () => {
  it(
    'has all its records at the same address after a kill',
    async () => {
      const kafka = client({ brokers: [broker?.brokers ?? ''] });
      const topic = `${uniqueTopicPrefix()}facts`;
      const values = Array.from({ length: 1000 }, (_, index) => `fact ${index}`);
      await produce(kafka, topic, values);
      const before = broker?.processId;
      await broker?.kill();
      expect(broker?.processId).toBeUndefined();
      await expect(produce(kafka, topic, ['lost'])).rejects.toThrow();
      await broker?.restart();
      expect(broker?.processId).not.toBe(before);
      expect(await consume(kafka, topic, values.length)).toEqual(values);
    },
    RESTART_MS_MAX,
  );

  it(
    'can be stopped in good order and started again',
    async () => {
      const kafka = client({ brokers: [broker?.brokers ?? ''] });
      const topic = `${uniqueTopicPrefix()}facts`;
      await produce(kafka, topic, ['one']);
      await broker?.stop();
      await broker?.restart();
      await produce(kafka, topic, ['two']);
      expect(await consume(kafka, topic, 2)).toEqual(['one', 'two']);
    },
    RESTART_MS_MAX,
  );
});

describe.runIf(broker)('securing a broker', () => {
  const { SASL_PLAINTEXT = '', SSL = '', SASL_SSL = '' } = broker?.addresses ?? {};
  const ssl = () => ({ ca: [readFileSync(broker?.certificateFile ?? '', 'utf8')] });
  const plain = (password: string): SASLOptions => ({ mechanism: 'plain', username: 'alice', password });
  const scram = (password: string): SASLOptions => ({ mechanism: 'scram-sha-256', username: 'bob', password });

  const accepted: [string, () => KafkaConfig][] = [
    ['PLAIN', () => ({ brokers: [SASL_PLAINTEXT], sasl: plain('wonderland') })],
    ['SCRAM', () => ({ brokers: [SASL_PLAINTEXT], sasl: scram('builder') })],
    ['TLS', () => ({ brokers: [SSL], ssl: ssl() })],
    ['TLS and PLAIN', () => ({ brokers: [SASL_SSL], ssl: ssl(), sasl: plain('wonderland') })],
    ['TLS and SCRAM', () => ({ brokers: [SASL_SSL], ssl: ssl(), sasl: scram('builder') })],
  ];
  it.each(accepted)('lets a client with %s produce and consume', async (_, config) => {
    const topic = `${uniqueTopicPrefix()}facts`;
    await produce(client(config()), topic, ['one', 'two']);
    expect(await consume(client(config()), topic, 2)).toEqual(['one', 'two']);
  });

  const refused: [string, () => KafkaConfig, RegExp][] = [
    ['a wrong password for PLAIN', () => ({ brokers: [SASL_PLAINTEXT], sasl: plain('guessed') }), /authentication/i],
    ['a wrong password for SCRAM', () => ({ brokers: [SASL_PLAINTEXT], sasl: scram('guessed') }), /authentication/i],
    ['no password', () => ({ brokers: [SASL_PLAINTEXT] }), /./],
    [
      'a wrong password over TLS',
      () => ({ brokers: [SASL_SSL], ssl: ssl(), sasl: scram('guessed') }),
      /authentication/i,
    ],
    ['no trust in the certificate', () => ({ brokers: [SSL], ssl: true }), /self-signed/],
    ['no TLS', () => ({ brokers: [SSL] }), /./],
  ];
  it.each(refused)('refuses a client with %s', async (_, config, reason) => {
    await expect(produce(client(config()), 'never', ['made'])).rejects.toThrow(reason);
  });
});

function client(config: KafkaConfig): Kafka {
  const settings = { logLevel: kafkajs.logLevel.NOTHING, connectionTimeout: 2000, requestTimeout: 5000 };
  return new kafkajs.Kafka({ ...settings, retry: { retries: 3 }, ...config });
}

async function produce(kafka: Kafka, topic: string, values: readonly string[]): Promise<void> {
  const producer = kafka.producer();
  try {
    await producer.connect();
    await producer.send({ topic, messages: values.map((value) => ({ value })) });
  } finally {
    await producer.disconnect();
  }
}

/** The first `count` records of the topic. */
async function consume(kafka: Kafka, topic: string, count: number): Promise<string[]> {
  const consumer = kafka.consumer({ groupId: uniqueTopicPrefix() });
  const values: string[] = [];
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await new Promise<void>((resolve) => {
    void consumer.run({
      eachMessage: async ({ message }) => {
        values.push(String(message.value));
        if (values.length === count) resolve();
      },
    });
  });
  await consumer.disconnect();
  return values;
}
