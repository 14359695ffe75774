import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { GenericContainer, Wait } from 'testcontainers';
import { engineAnswers, ownerLabel } from './docker.ts';

const PUBLIC_IMAGE = 'kurrentplatform/kurrentdb:25.1';
const PORT = 2113;
/** Whether a registry can be reached is known soon; what it has may take long to come. */
const REACH_MS_MAX = 5000;
const PULL_MS_MAX = 5 * 60 * 1000;
const START_MS_MAX = 60_000;
const run = promisify(execFile);

export interface EventStoreDBContainer {
  readonly containerId: string;
  readonly image: string;
  /** Starts it again, empty, and answers how to connect. */
  empty(): Promise<string>;
  stop(): Promise<void>;
}

/**
 * EventStoreDB's own server, its log in memory. The image is that of SLUICE_EVENTSTOREDB_IMAGE, or the public one. When it
 * cannot be had, why not, in a few words.
 */
export async function startEventStoreDBContainer(): Promise<EventStoreDBContainer | string> {
  if (!(await engineAnswers())) return 'no Docker engine answers';
  const image = process.env.SLUICE_EVENTSTOREDB_IMAGE ?? PUBLIC_IMAGE;
  if (!(await isThere(image))) return `image ${image} could not be pulled`;
  const settings = { INSECURE: 'true', MEM_DB: 'true', ENABLE_ATOM_PUB_OVER_HTTP: 'false' };
  const names = ['EVENTSTORE', 'KURRENTDB'].flatMap((prefix) =>
    Object.entries(settings).map(([name, value]) => [`${prefix}_${name}`, value]),
  );
  const container = await new GenericContainer(image)
    .withExposedPorts(PORT)
    .withLabels({ [ownerLabel]: String(process.pid) })
    .withEnvironment(Object.fromEntries(names) as Record<string, string>)
    .withWaitStrategy(Wait.forHttp('/health/live', PORT).forStatusCodeMatching((code) => code >= 200 && code < 300))
    .withStartupTimeout(START_MS_MAX)
    .start();
  return {
    image,
    containerId: container.getId(),
    async empty() {
      await container.restart();
      return `esdb://${container.getHost()}:${container.getMappedPort(PORT)}?tls=false`;
    },
    async stop() {
      await container.stop({ remove: true, removeVolumes: true });
    },
  };
}

async function isThere(image: string): Promise<boolean> {
  if (await succeeds(['image', 'inspect', image], REACH_MS_MAX)) return true;
  return (
    (await succeeds(['manifest', 'inspect', image], REACH_MS_MAX)) &&
    (await succeeds(['pull', '--quiet', image], PULL_MS_MAX))
  );
}

async function succeeds(command: readonly string[], timeout: number): Promise<boolean> {
  try {
    await run('docker', command, { timeout });
    return true;
  } catch {
    return false;
  }
}
