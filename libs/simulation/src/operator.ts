import { setTimeout as sleep } from 'node:timers/promises';
import { type CatalogPatch } from './real-patches.ts';
import { ask, type World } from './world.ts';

/** What people do and see: the calls of publishers, operators and responders that the simulation needs. */

const PAGES_MAX = 1000;
const REPLAY_POLL_MS = 50;
const REPLAY_POLLS_MAX = 2400;

export interface Plan {
  readonly rolloutId: string;
  readonly patchId: string;
  readonly salt?: string;
  readonly holdBackPercent: number;
  readonly waves: readonly {
    readonly name: string;
    readonly ring?: string;
    readonly ramp: { readonly fromPercent: number; readonly toPercent: number; readonly minutes: number };
    readonly bakeMinutes: number;
  }[];
  readonly gates: { readonly installFailureRateMax: number };
}

/** `wave` is absent while the rollout is only planned; `exposurePercent` is null while no eligible device is known. */
export interface RolloutView extends Plan {
  readonly status: 'planned' | 'running' | 'paused' | 'halted' | 'completed' | 'aborted';
  readonly salt: string;
  readonly wave?: number;
  readonly exposurePercent?: number | null;
  /** Of buckets, as the waves say. */
  readonly plannedPercent?: number;
  readonly waitsFor?: readonly { readonly for: string; readonly words?: string; readonly until?: string }[];
  readonly haltedBecause?: { readonly by: string; readonly reason: string };
  /** Slices that a gate holds; the other devices go on. */
  readonly gateHolds?: readonly GateHold[];
}

export interface GateHold {
  readonly model: string;
  readonly reason: string;
}

/** How a rollout stands because of harm: `wait` when the evidence lets nothing widen, and is no stop yet. */
export type Stand = 'halt' | 'hold' | 'wait';

export function standOf(rollout: Pick<RolloutView, 'status' | 'gateHolds' | 'waitsFor'>): Stand | undefined {
  const { status, gateHolds = [], waitsFor = [] } = rollout;
  if (status === 'halted') return 'halt';
  if (gateHolds.length > 0) return 'hold';
  return waitsFor.some((wait) => wait.for === 'evidence') ? 'wait' : undefined;
}

/** How far a rollout has come: of the known devices, or of buckets while none is known. */
export function exposureOf({ exposurePercent, plannedPercent = 0 }: RolloutView): number {
  return exposurePercent ?? plannedPercent;
}

export interface PatchView extends CatalogPatch {
  readonly status: 'published' | 'superseded' | 'folded-in' | 'pulled';
}

export interface RecallView {
  readonly patchId: string;
  readonly status: 'running' | 'paused' | 'completed';
  /** Null, like the others, until all of the fleet was counted. */
  readonly devices: number | null;
  readonly removed: number | null;
  readonly replaced: number | null;
  readonly retired: number | null;
  readonly remaining: number | null;
  readonly failing: number | null;
  readonly offline: number | null;
  readonly waiting: number | null;
  readonly p50Seconds: number | null;
  readonly p99Seconds: number | null;
}

export interface FleetView {
  readonly facts: number;
  readonly devices: number;
  readonly patches: Readonly<
    Record<string, { readonly installed: number; readonly failed: number; readonly rolledBack: number }>
  >;
}

export interface DeviceView {
  readonly deviceId: string;
  readonly osVersion: string;
  readonly osBuild: string;
  readonly patches: Readonly<Record<string, { readonly state: string }>>;
}

/** Publishing the same patch again changes nothing. */
export async function publish(world: World, patch: CatalogPatch): Promise<void> {
  await ask(world, 'POST', '/v1/patches', { body: patch, statuses: [200, 201] });
}

export async function plan(world: World, body: Plan): Promise<void> {
  await ask(world, 'POST', '/v1/rollouts', { body, statuses: [201] });
}

export async function start(world: World, rolloutId: string): Promise<void> {
  await ask(world, 'POST', `/v1/rollouts/${rolloutId}/start`, { body: {}, statuses: [200, 201, 202] });
}

/** Recalls the patch from every device that has it; where a replacement is given, they move on to that one. */
export async function recall(world: World, patchId: string, reason: string, replacement?: string): Promise<void> {
  const body = { mode: 'recall', reason, ...(replacement !== undefined && { replacement }) };
  await ask(world, 'POST', `/v1/patches/${patchId}/pull`, { body, statuses: [200, 201, 202] });
}

export async function rolloutOf(world: World, rolloutId: string): Promise<RolloutView> {
  return (await ask(world, 'GET', `/v1/rollouts/${rolloutId}`)).body as RolloutView;
}

/** Undefined until the orchestrator has heard of the recall. */
export async function recallOf(world: World, patchId: string): Promise<RecallView | undefined> {
  const { status, body } = await ask(world, 'GET', `/v1/recalls/${patchId}`, { statuses: [200, 404] });
  return status === 200 ? (body as RecallView) : undefined;
}

export async function fleetOf(world: World): Promise<FleetView> {
  return (await ask(world, 'GET', '/v1/fleet')).body as FleetView;
}

/** All items of a paged list. */
export async function listAll<Item>(world: World, path: string): Promise<Item[]> {
  const items: Item[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const more = cursor === undefined ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const { body } = await ask(world, 'GET', `${path}${path.includes('?') ? '&' : '?'}limit=1000${more}`);
    const answer = body as { items: Item[]; nextCursor?: string };
    items.push(...answer.items);
    if (answer.nextCursor === undefined) return items;
    cursor = answer.nextCursor;
  }
  throw new Error(`${path} has more than ${String(PAGES_MAX)} pages`);
}

/** Folds everything again from the store; true when it equals the live read models. Waits in the wall's time. */
export async function verifyReplay(world: World): Promise<boolean> {
  const { body } = await ask(world, 'POST', '/v1/replays', { body: { verify: true }, statuses: [200, 201, 202] });
  const { id } = body as { id: string };
  for (let poll = 0; poll < REPLAY_POLLS_MAX; poll += 1) {
    const job = (await ask(world, 'GET', `/v1/replays/${id}`)).body as {
      status: string;
      matches?: boolean;
      error?: string;
    };
    if (job.status === 'done') return job.matches === true;
    if (job.status === 'failed') throw new Error(`the replay failed: ${job.error ?? 'no reason given'}`);
    await sleep(REPLAY_POLL_MS);
  }
  throw new Error(`the replay ${id} did not end in time`);
}
