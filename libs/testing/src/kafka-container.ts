import { setTimeout as sleep } from 'node:timers/promises';
import { GenericContainer, RandomPortGenerator, Wait, type StartedTestContainer } from 'testcontainers';
import { engineAnswers, imageForTests, ownerLabel, removeOrphans } from './docker.ts';
import { brokerModule } from './kafka-broker.ts';

/** Of the public images, one that compose and Kubernetes name, too. */
const PUBLIC_IMAGE = 'apache/kafka:4.1.0';
const START_MS_MAX = 120_000;
const ANSWER_MS_MAX = 120_000;
const ANSWER_POLL_MS = 200;

export interface KafkaContainer extends AsyncDisposable {
  /** The address of its PLAINTEXT listener, `127.0.0.1:port`. */
  readonly brokers: string;
  readonly containerId: string;
  readonly image: string;
  /** Stops and starts the container; data and address stay. Resolves when the broker answers again. */
  restart(): Promise<void>;
  /** Ends and removes it. */
  stop(): Promise<void>;
}

/**
 * Kafka in a container, through testcontainers. The image is that of SLUICE_KAFKA_IMAGE, or the public one, or the local
 * stand-in. Undefined when no Docker engine answers or no image can be had; throws when the container does not start.
 */
export async function startKafkaContainer(): Promise<KafkaContainer | undefined> {
  if (!(await engineAnswers())) return undefined;
  const image = await imageForTests(process.env.SLUICE_KAFKA_IMAGE ?? PUBLIC_IMAGE, 'kafka');
  if (image === undefined) return undefined;
  await removeOrphans();
  // The clean-up container of testcontainers comes from a registry, which is out of reach wherever a stand-in is used.
  if (image.startsWith('sluice-local/')) process.env.TESTCONTAINERS_RYUK_DISABLED = 'true';
  const port = await new RandomPortGenerator().generatePort();
  const brokers = `127.0.0.1:${port}`;
  const container = await new GenericContainer(image)
    // The broker tells its clients where to connect, so the port has to be known before it starts.
    .withExposedPorts({ container: port, host: port })
    .withLabels({ [ownerLabel]: String(process.pid) })
    .withEnvironment(environment(port))
    .withWaitStrategy(Wait.forListeningPorts())
    .withStartupTimeout(START_MS_MAX)
    .start();
  await answering(brokers);
  return handleOf({ container, image, brokers });
}

function handleOf({ container, image, brokers }: { container: StartedTestContainer; image: string; brokers: string }) {
  async function stop(): Promise<void> {
    await container.stop({ remove: true, removeVolumes: true });
  }
  return {
    brokers,
    image,
    containerId: container.getId(),
    async restart() {
      await container.restart();
      await answering(brokers);
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function environment(port: number): Record<string, string> {
  return {
    KAFKA_NODE_ID: '1',
    KAFKA_PROCESS_ROLES: 'broker,controller',
    KAFKA_LISTENERS: `PLAINTEXT://:${port},CONTROLLER://:9093`,
    KAFKA_ADVERTISED_LISTENERS: `PLAINTEXT://127.0.0.1:${port}`,
    KAFKA_CONTROLLER_LISTENER_NAMES: 'CONTROLLER',
    KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
    KAFKA_CONTROLLER_QUORUM_VOTERS: '1@localhost:9093',
    KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: '1',
    KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR: '1',
    KAFKA_TRANSACTION_STATE_LOG_MIN_ISR: '1',
    KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS: '0',
  };
}

async function answering(brokers: string): Promise<void> {
  const { isAlive } = await brokerModule();
  const giveUpAt = Date.now() + ANSWER_MS_MAX;
  while (Date.now() < giveUpAt) {
    if (await isAlive(brokers)) return;
    await sleep(ANSWER_POLL_MS);
  }
  throw new Error(`Kafka in the container did not answer at ${brokers} within ${ANSWER_MS_MAX} ms`);
}
