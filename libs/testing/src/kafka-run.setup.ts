/**
 * Vitest runs this once a run, in its main process, which owns the shared broker: workers come and go, and the broker has to
 * outlive each of them and end with the run. Workers ask for it over a loopback address, and the first one starts it.
 */
import { createServer } from 'node:http';
import { type AddressInfo } from 'node:net';
import { brokerModule } from './kafka-broker.ts';
import { startKafkaContainer } from './kafka-container.ts';

/** What a worker is told: the broker, or what is missing for one. */
export type KafkaOfRun =
  { readonly brokers: string; readonly kind: 'container' | 'process' } | { readonly missing: string };

declare module 'vitest' {
  interface ProvidedContext {
    /** Where kafkaForTests() asks. */
    kafkaOfRun: string;
  }
}

/** The part of Vitest's project that is used here. */
interface Project {
  provide(name: 'kafkaOfRun', address: string): void;
}

type Started = { answer: KafkaOfRun; running?: AsyncDisposable };

export default async function setup(project: Project): Promise<() => Promise<void>> {
  let started: Promise<Started> | undefined;
  const server = createServer((_, response) => {
    started ??= startShared();
    void started.then(({ answer }) => response.end(JSON.stringify(answer)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  project.provide('kafkaOfRun', `http://127.0.0.1:${port}/`);
  return async () => {
    server.close();
    await (await started)?.running?.[Symbol.asyncDispose]();
  };
}

async function startShared(): Promise<Started> {
  const kind = process.env.SLUICE_TEST_KAFKA;
  const reasons: string[] = [];
  for (const start of [...(kind === 'process' ? [] : [inContainer]), ...(kind === 'container' ? [] : [asProcess])]) {
    try {
      return await start();
    } catch (error) {
      reasons.push(error instanceof Error ? error.message : String(error));
    }
  }
  return { answer: { missing: reasons.join(' ') } };
}

async function inContainer(): Promise<Started> {
  const running = await startKafkaContainer();
  if (running === undefined) throw new Error('No Docker engine with an image of Kafka answers.');
  return { answer: { brokers: running.brokers, kind: 'container' }, running };
}

async function asProcess(): Promise<Started> {
  const running = await (await brokerModule()).startBroker();
  return { answer: { brokers: running.brokers, kind: 'process' }, running };
}
