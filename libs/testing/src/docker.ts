import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** What deploy/images exports; its scripts belong to no project and have no types. */
interface Engine {
  /** True when a Docker engine answers, wherever the docker command finds it. */
  engineAnswers(): Promise<boolean>;
}
interface StandIns {
  /** The tag that the stand-in of this kind has, built or not. */
  standInTag(kind: StandInKind): string;
  /** True when the engine has an image of this name. */
  hasImage(name: string): Promise<boolean>;
  /** Builds the stand-in unless the engine has it, and answers its tag. Throws without root or debootstrap. */
  buildStandIn(kind: StandInKind): Promise<string>;
}
type StandInKind = 'kafka' | 'node';

const run = promisify(execFile);
const PULL_MS_MAX = 5 * 60 * 1000;

/** True when a Docker engine answers. */
export async function engineAnswers(): Promise<boolean> {
  return await (await deployed<Engine>('engine.mjs')).engineAnswers();
}

/**
 * A name of an image that the engine has: `wanted`, pulled if it must be, or else the local stand-in, built if it must be.
 * Undefined when none of this is possible.
 */
export async function imageForTests(wanted: string, standIn?: StandInKind): Promise<string | undefined> {
  const { buildStandIn, hasImage, standInTag } = await deployed<StandIns>('build.mjs');
  if (await hasImage(wanted)) return wanted;
  // Where a stand-in was built, the public image could not be pulled before.
  if (standIn !== undefined && (await hasImage(standInTag(standIn)))) return standInTag(standIn);
  if (await pulled(wanted)) return wanted;
  return standIn === undefined ? undefined : await buildStandIn(standIn).catch(() => undefined);
}

/**
 * Says in one line that a test is left out because something is not there; in CI that is a failure instead.
 * `what` is what is not tested, `why` what is missing.
 */
export function leaveOut(what: string, why: string): void {
  if (process.env.CI) throw new Error(`${what}: ${why}. In CI that is a failure.`);
  console.warn(`SKIPPED: ${what}: ${why}`);
}

/** Marks a container with the process that it belongs to. */
export const ownerLabel = 'sluice.test.process';

/**
 * Removes the containers of test runs that were killed. testcontainers has a container of its own for that, which cannot be
 * had where no registry is reached.
 */
export async function removeOrphans(): Promise<void> {
  const format = `{{.ID}} {{.Label "${ownerLabel}"}}`;
  const { stdout } = await run('docker', ['ps', '--all', '--filter', `label=${ownerLabel}`, '--format', format]);
  for (const line of stdout.split('\n').filter(Boolean)) {
    const [container = '', owner] = line.split(' ');
    if (!isAlive(Number(owner))) await run('docker', ['rm', '--force', '--volumes', container]).catch(() => undefined);
  }
}

/** Whether a process of this machine still runs, as for whom a container was started. */
export function isAlive(processId: number): boolean {
  try {
    process.kill(processId, 0);
    return true;
  } catch {
    return false;
  }
}

async function deployed<Module>(file: string): Promise<Module> {
  return (await import(new URL(`../../../deploy/images/${file}`, import.meta.url).href)) as Module;
}

async function pulled(image: string): Promise<boolean> {
  try {
    await run('docker', ['pull', '--quiet', image], { timeout: PULL_MS_MAX });
    return true;
  } catch {
    return false;
  }
}
