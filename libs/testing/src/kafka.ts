import { randomUUID } from 'node:crypto';
import { inject } from 'vitest';
import { leaveOut } from './docker.ts';
import { brokerModule, type Broker, type BrokerOptions } from './kafka-broker.ts';
import { type KafkaOfRun } from './kafka-run.setup.ts';

export { type Broker, type BrokerOptions } from './kafka-broker.ts';

/** The broker that all tests of this run share. It ends with the run; what a test leaves in it disturbs no other test. */
export interface TestBroker {
  /** `127.0.0.1:port`, without encryption or password. */
  readonly brokers: string;
  readonly kind: 'container' | 'process';
}

/**
 * The shared broker of this test run, started for the first test that asks: a container where a Docker engine answers, or
 * else a child process. SLUICE_TEST_KAFKA=process or =container asks for one of the two. Where neither can be had, it says
 * so in one line and is undefined; in CI it throws. Call it at the top of the spec file, where no time limit of a hook
 * applies, and name topics and groups by uniqueTopicPrefix().
 */
export async function kafkaForTests(): Promise<TestBroker | undefined> {
  const response = await fetch(inject('kafkaOfRun'));
  const answer = (await response.json()) as KafkaOfRun;
  if (!('missing' in answer)) return answer;
  leaveOut('tests with Kafka', answer.missing);
  return undefined;
}

/**
 * A broker of its own for a test that kills or secures it: a child process, up in about 4 s. End it with `await using` or
 * asyncDispose. Without Java or Maven it says so in one line and is undefined; in CI it throws.
 */
export async function startKafkaProcess(options: BrokerOptions = {}): Promise<Broker | undefined> {
  try {
    return await (await brokerModule()).startBroker(options);
  } catch (error) {
    if (!isMissingTool(error)) throw error;
    leaveOut('tests that kill or secure Kafka', error.message);
    return undefined;
  }
}

/** Begins the names of one test's topics and groups, so that no other test of the shared broker sees them. */
export function uniqueTopicPrefix(): string {
  return `test-${randomUUID()}.`;
}

function isMissingTool(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && error.code === 'missing-tool';
}
