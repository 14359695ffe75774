import { setTimeout as sleep } from 'node:timers/promises';
import {
  bodyOf,
  type FleetView,
  given,
  type PlanRolloutBody,
  type PublishPatchBody,
  type RecallView,
  type RolloutView,
} from '@sluice/api-client';
import { type World } from './world.ts';

/** What people do and see: the calls of publishers, operators and responders that the simulation needs. */

const PAGES_MAX = 1000;
const PAGE_ITEMS_MAX = 1000;
const REPLAY_POLL_MS = 50;
const REPLAY_POLLS_MAX = 2400;

/** How a rollout stands because of harm: `wait` when the evidence lets nothing widen, and is no stop yet. */
export type Stand = 'halt' | 'hold' | 'wait';

export function standOf(rollout: Pick<RolloutView, 'status' | 'gateHolds' | 'waitsFor'>): Stand | undefined {
  const { status, gateHolds = [], waitsFor } = rollout;
  if (status === 'halted') return 'halt';
  if (gateHolds.length > 0) return 'hold';
  return waitsFor.some((wait) => wait.for === 'evidence') ? 'wait' : undefined;
}

/** How far a rollout has come: of the known devices, or of buckets while none is known. */
export function exposureOf({ exposurePercent, plannedPercent }: RolloutView): number {
  return exposurePercent ?? plannedPercent;
}

/** Publishing the same patch again changes nothing. */
export async function publish({ api }: World, body: PublishPatchBody): Promise<void> {
  await bodyOf(api.POST('/v1/patches', { body }));
}

export async function plan({ api }: World, body: PlanRolloutBody): Promise<void> {
  await bodyOf(api.POST('/v1/rollouts', { body }));
}

export async function start({ api }: World, id: string): Promise<void> {
  await bodyOf(api.POST('/v1/rollouts/{id}/start', { params: { path: { id } }, body: {} }));
}

/**
 * Recalls the patch from every device that has it; where a replacement is given, they move on to that one. There is one person
 * in a simulation, who does not wait for a second one where exploited CVEs open again.
 */
export async function recall({ api }: World, id: string, reason: string, replacement?: string): Promise<void> {
  const ledger = await bodyOf(api.GET('/v1/patches/{id}/re-exposure', { params: { path: { id } } }));
  const takesTwo = ledger.cves.some(({ exploited }) => exploited);
  const breakGlass = takesTwo ? { reason: 'the simulation has one person' } : undefined;
  const seen = { ledgerDigest: ledger.digest, ...given({ replacement, breakGlass }) };
  const body = { mode: 'recall' as const, reason, ...seen };
  await bodyOf(api.POST('/v1/patches/{id}/pull', { params: { path: { id } }, body }));
}

export async function rolloutOf({ api }: World, id: string): Promise<RolloutView> {
  return bodyOf(api.GET('/v1/rollouts/{id}', { params: { path: { id } } }));
}

/** Undefined until the orchestrator has heard of the recall. */
export async function recallOf({ api }: World, patchId: string): Promise<RecallView | undefined> {
  const asked = api.GET('/v1/recalls/{patchId}', { params: { path: { patchId } } });
  return (await asked).response.status === 404 ? undefined : bodyOf(asked);
}

export async function fleetOf({ api }: World): Promise<FleetView> {
  return bodyOf(api.GET('/v1/fleet'));
}

/** All items of a paged list. */
export async function listAll<Item>(
  pageOf: (page: {
    readonly limit: number;
    readonly cursor?: string;
  }) => Promise<{ items: Item[]; nextCursor?: string }>,
): Promise<Item[]> {
  const items: Item[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const answer = await pageOf({ limit: PAGE_ITEMS_MAX, ...given({ cursor }) });
    items.push(...answer.items);
    if (answer.nextCursor === undefined) return items;
    cursor = answer.nextCursor;
  }
  throw new Error(`a list has more than ${String(PAGES_MAX)} pages`);
}

/** Folds everything again from the store; true when it equals the live read models. Waits in the wall's time. */
export async function verifyReplay({ api }: World): Promise<boolean> {
  const { id } = await bodyOf(api.POST('/v1/replays', { body: { verify: true } }));
  for (let poll = 0; poll < REPLAY_POLLS_MAX; poll += 1) {
    const job = await bodyOf(api.GET('/v1/replays/{id}', { params: { path: { id } } }));
    if (job.status === 'done') return job.matches === true;
    if (job.status === 'failed') throw new Error(`the replay failed: ${job.error ?? 'no reason given'}`);
    await sleep(REPLAY_POLL_MS);
  }
  throw new Error(`the replay ${id} did not end in time`);
}
