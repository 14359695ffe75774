import { existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { kafkaClient, type KafkaClient } from '@sluice/event-feed-kafka';

/** A real broker, started for one measurement. It dies with this process. */
export interface Broker {
  /** `127.0.0.1:port`; the same after a restart. */
  readonly brokers: string;
  stop(): Promise<void>;
  /** As a power cut would end it (SIGKILL). */
  kill(): Promise<void>;
  restart(): Promise<void>;
}

/** What deploy/kafka/broker.mjs exports; the scripts of deploy have no types. */
interface BrokerModule {
  readonly startBroker: (options: { readonly folder: string }) => Promise<Broker>;
}

/** The repository: this file is run from its sources and from its bundle, which lie at different depths. */
export const repository = findRepository(import.meta.dirname);

/** Starts a broker on a folder and hands it to the work; where there is no Java it says so in one line, and is undefined. */
export async function withBroker<Result>(
  folder: string,
  work: (broker: Broker) => Promise<Result>,
): Promise<Result | undefined> {
  const script = join(repository, 'deploy', 'kafka', 'broker.mjs');
  const { startBroker } = (await import(pathToFileURL(script).href)) as BrokerModule;
  mkdirSync(folder, { recursive: true });
  let broker: Broker;
  try {
    broker = await startBroker({ folder });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'missing-tool')) throw error;
    process.stderr.write(`SKIPPED: all with Kafka. ${error.message}\n`);
    return undefined;
  }
  try {
    return await work(broker);
  } finally {
    await broker.stop();
  }
}

/** A client that says on standard error what goes wrong, when SLUICE_BENCH_LOG is set. */
export function clientOf(brokers: string, clientId: string): KafkaClient {
  return kafkaClient({
    brokers: [brokers],
    clientId,
    log: (level, text, details) => {
      if (process.env.SLUICE_BENCH_LOG !== undefined) {
        process.stderr.write(`${clientId} ${level} ${text} ${JSON.stringify(details)}\n`);
      }
    },
  });
}

function findRepository(from: string): string {
  for (let folder = from; folder !== dirname(folder); folder = dirname(folder)) {
    if (existsSync(join(folder, 'deploy', 'kafka', 'broker.mjs'))) return folder;
  }
  throw new Error(`deploy/kafka/broker.mjs is in no folder above ${from}`);
}
