import { setTimeout as sleep } from 'node:timers/promises';
import { MODELS, PATCH, PLAN } from './examples.ts';
import { type Service, type Services } from './service-processes.ts';

/** One of many patches, each for a base build of its own, so that they do not supersede each other. */
export interface ExamplePatch {
  readonly patchId: string;
  readonly baseVersion: string;
  readonly baseBuild: string;
}

export function patchOf(n: number): ExamplePatch {
  const baseVersion = `26.3.${String(n)}`;
  return { patchId: `ios-${baseVersion}-a`, baseVersion, baseBuild: `23D${String(100_000 + n)}` };
}

/** The body of a publication. */
export function publicationOf({ patchId, baseVersion, baseBuild }: ExamplePatch): object {
  const [variant] = PATCH.variants;
  const own = { ...variant, build: `${baseBuild}0a`, prerequisiteBuild: baseBuild, models: MODELS };
  return { ...PATCH, patchId, baseVersion, variants: [own] };
}

const POLL_MS = 100;
const POLLS_MAX = 600;

/** Starts the rollout of a patch to every device, and resolves once that much exposure was granted. */
export async function rollOut(services: Services, orchestrator: Service, { patchId }: ExamplePatch): Promise<void> {
  const rolloutId = `rollout-${patchId}`;
  await services.ask(orchestrator, { path: '/v1/rollouts', body: { ...PLAN, rolloutId, patchId } });
  const path = `/v1/rollouts/${rolloutId}`;
  await services.ask(orchestrator, { path: `${path}/start` });
  // Nothing widens before the health of the fleet is known.
  for (let poll = 0; poll < POLLS_MAX; poll += 1) {
    const { plannedPercent } = await services.ask<{ plannedPercent: number }>(orchestrator, { method: 'GET', path });
    if (plannedPercent > 0) return;
    await sleep(POLL_MS);
  }
  throw new Error(`nothing was granted to ${rolloutId}`);
}

export function checkInOf({ baseVersion, baseBuild }: ExamplePatch, n: number): object {
  return {
    deviceId: `device-${String(n % 100_000)}`,
    platform: 'ios',
    model: MODELS[0],
    osVersion: baseVersion,
    osBuild: baseBuild,
    installed: [],
    track: 'automatic',
    region: 'eu',
    utcOffsetMinutes: 60,
  };
}
