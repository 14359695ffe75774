import { readFileSync } from 'node:fs';
import { type KafkaConfig, type SASLOptions } from 'kafkajs';
import { afterAll, describe, expect, it } from 'vitest';
import { startKafkaProcess } from '@sluice/testing';
import { client, consume, newTopic, produce } from '../../libs/testing/src/kafka-records.ts';

const RESTART_MS_MAX = 240_000;
/** For a client that is meant to fail. */
const impatient = { retry: { retries: 1 } };

const users = { alice: 'wonderland', bob: 'builder' };
const broker = await startKafkaProcess({ secured: ['SASL_PLAINTEXT', 'SSL', 'SASL_SSL'], users });
const brokers = [broker?.brokers ?? ''];
afterAll(() => broker?.[Symbol.asyncDispose]());

describe.runIf(broker)('running a broker as a child process', { timeout: RESTART_MS_MAX }, () => {
  const kafka = client({ brokers });

  it('has all its records at the same address after a kill', async () => {
    const topic = await newTopic(kafka);
    const values = Array.from({ length: 1000 }, (_, index) => `fact ${index}`);
    await produce(kafka, topic, values);
    const before = broker?.processId;
    await broker?.kill();
    expect(broker?.processId).toBeUndefined();
    await expect(produce(client({ brokers, ...impatient }), topic, ['lost'])).rejects.toThrow();
    await broker?.restart();
    expect(broker?.processId).not.toBe(before);
    expect(await consume(kafka, topic, values.length)).toEqual(values);
  });

  it('can be stopped in good order and started again', async () => {
    const topic = await newTopic(kafka);
    await produce(kafka, topic, ['one']);
    await broker?.stop();
    await broker?.restart();
    await produce(kafka, topic, ['two']);
    expect(await consume(kafka, topic, 2)).toEqual(['one', 'two']);
  });
});

describe.runIf(broker)('securing a broker', { timeout: RESTART_MS_MAX }, () => {
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
    const kafka = client(config());
    const topic = await newTopic(kafka);
    await produce(kafka, topic, ['one', 'two']);
    expect(await consume(kafka, topic, 2)).toEqual(['one', 'two']);
  });

  const refused: [string, () => KafkaConfig, RegExp][] = [
    ['a wrong password for PLAIN', () => ({ brokers: [SASL_PLAINTEXT], sasl: plain('guessed') }), /authentication/i],
    ['a wrong password for SCRAM', () => ({ brokers: [SASL_PLAINTEXT], sasl: scram('guessed') }), /authentication/i],
    ['no password', () => ({ brokers: [SASL_PLAINTEXT] }), /closed|disconnected/i],
    [
      'a wrong password over TLS',
      () => ({ brokers: [SASL_SSL], ssl: ssl(), sasl: scram('guessed') }),
      /authentication/i,
    ],
    ['no trust in the certificate', () => ({ brokers: [SSL], ssl: true }), /self-signed/],
    ['no TLS', () => ({ brokers: [SSL] }), /closed|disconnected/i],
  ];
  it.each(refused)('refuses a client with %s', async (_, config, reason) => {
    await expect(produce(client({ ...config(), ...impatient }), 'never', ['made'])).rejects.toThrow(reason);
  });
});
