import { bodyOf, type RecallView, type RolloutView } from '@sluice/api-client';
import { bucketBy } from '@sluice/domain-cohorts';
import { hash } from 'node:crypto';
import { Random } from './random.ts';
import { type Device, makeFleet } from './fleet.ts';
import { FleetRun } from './fleet-run.ts';
import {
  exposureOf,
  fleetOf,
  listAll,
  plan,
  publish,
  recall,
  recallOf,
  rolloutOf,
  start,
  type Stand,
  standOf,
  verifyReplay,
} from './operator.ts';
import { type CatalogPatch, patchTitle } from './real-patches.ts';
import { type RecallResult, type ScenarioName, type ScenarioResult } from './scenario-result.ts';
import { planFor, RING_SHARE, type Setting, settings } from './scenario-settings.ts';
import { type World } from './world.ts';

/** Where the manual clock of a scenario starts: the hour in which 26.3.1 (a) came out. */
export const SCENARIO_START_MS = Date.parse('2026-03-17T17:00:00.000Z');

/** What `--devices` and `--seed` take. */
export const SCENARIO_DEVICES = { fallback: 20_000, most: 200_000 };
export const SCENARIO_SEED = { fallback: 1, most: 2 ** 31 - 1 };

export interface ScenarioRequest {
  readonly scenario: ScenarioName;
  readonly seed: number;
  readonly devices: number;
  /** Called with a line for people, several times a second of wall time at most. */
  readonly onProgress?: (line: string) => void;
}

interface Stage extends Setting {
  readonly world: World;
  readonly request: ScenarioRequest;
  readonly run: FleetRun;
  readonly startedAt: number;
  readonly waitedFor: Set<string>;
  readonly heldModels: Set<string>;
}

/** What harms was stopped: how, and after how many seconds. */
interface Stop {
  readonly by: Stand;
  readonly rollout: RolloutView;
  readonly seconds: number;
  /** Devices that had begun to install by then. */
  readonly begun: number;
}

const TICK_MS = 60_000;
const HOUR = 60 * TICK_MS;
const DAY = 24 * HOUR;
const WARM_UP_MS = 30 * TICK_MS;
/** From the stop to the responder's pull. */
const RESPONSE_MS = 30 * TICK_MS;
/** A rollout that waits so long because of evidence is looked at by a person. */
const PATIENCE_MS = 4 * HOUR;
/** One that has not gone any further for so long is looked at, too. */
const STILL_MS = DAY;
const SIMULATED_MAX_MS = 60 * DAY;
/** Devices that are away for weeks are waited for in steps of this. */
const LONG_TICK_MS = HOUR;
/** After so long a recall waits only for what is away. */
const BURN_DOWN_MS = 2 * DAY;
const CROSS_CHECK_EVERY_MS = HOUR;
/** As many failed removals as Sluice asks of a device in a day: then a person looks at it. */
const STUBBORN_AFTER = 3;
/**
 * Plays one scenario on an empty Sluice with a manual clock. The same seed gives the same history.
 * Throws when Sluice answers what it must not, when its count of holders and the fleet's own disagree, or when the
 * scenario does not come to its end within sixty simulated days.
 */
export async function runScenario(world: World, request: ScenarioRequest): Promise<ScenarioResult> {
  const wallStart = performance.now();
  const stage = await enrolledFleet(world, request);
  const eligible = stage.run.devices.filter((device) => matches(device, stage.patch));
  await roll(stage, stage.patch);
  const stop = await untilStopOrCompletion(stage, stage.patch);
  const recalled = stop !== undefined || stage.lateRecall !== undefined ? await takeBack(stage) : null;
  await crossCheck(stage);
  stage.request.onProgress?.('replaying everything from the store, and comparing');
  const replayMatches = await verifyReplay(world);
  const { facts } = await fleetOf(world);
  return {
    scenario: request.scenario,
    seed: request.seed,
    devices: stage.run.devices.length,
    eligible: eligible.length,
    waves: planFor(stage.request, stage.patch).waves.length,
    stood: stop?.by ?? null,
    heldModels: [...stage.heldModels].sort(),
    stoodInWave: stop?.rollout.wave ?? null,
    devicesExposedThen: stop === undefined ? 0 : eligible.filter((device) => isExposed(device, stop.rollout)).length,
    devicesBegunThen: stop?.begun ?? 0,
    stoodBecause: stop === undefined ? null : reasonOf(stop),
    simulatedSecondsUntilThen: stop?.seconds ?? null,
    waitedFor: [...stage.waitedFor].filter((code) => !isTimeAlone(code)).sort(),
    recall: recalled,
    events: facts,
    replayMatches,
    wallSeconds: Math.round((performance.now() - wallStart) / 100) / 10,
  };
}

export const bucketOf = bucketBy((text) => hash('sha256', text, 'binary'));

async function enrolledFleet(world: World, request: ScenarioRequest): Promise<Stage> {
  const setting = settings[request.scenario];
  const { seed, devices } = request;
  const { lines, roamingShare, habits } = setting;
  const fleet = makeFleet({ seed, devices, lines, ringShare: RING_SHARE, roamingShare, habits, ...setting.fleet });
  const random = Random.seeded(seed).split();
  const faultOf = (patchId: string) => (setting.fault?.patchId === patchId ? setting.fault : undefined);
  const beginMs = world.now() + WARM_UP_MS;
  const isServerOut = (atMs: number) =>
    setting.outage !== undefined &&
    atMs >= beginMs + setting.outage.fromHour * HOUR &&
    atMs < beginMs + setting.outage.toHour * HOUR;
  const run = new FleetRun(world, fleet, {
    random,
    faultOf,
    isServerOut,
    run: request.scenario,
  });
  const stage = {
    ...setting,
    world,
    request,
    run,
    startedAt: world.now(),
    waitedFor: new Set<string>(),
    heldModels: new Set<string>(),
  };
  await publish(world, setting.patch);
  await run.enrol(setting.patch);
  const warm = world.now() + WARM_UP_MS;
  while (world.now() < warm) await tick(stage, 'the fleet enrols');
  return stage;
}

async function roll({ world, request }: Stage, patch: CatalogPatch): Promise<void> {
  const body = planFor(request, patch);
  await plan(world, body);
  await start(world, body.rolloutId);
}

async function untilStopOrCompletion(stage: Stage, patch: CatalogPatch): Promise<Stop | undefined> {
  const { world, run } = stage;
  const begin = world.now();
  let [stood, moved]: [Stop | undefined, Stop | undefined] = [undefined, undefined];
  for (;;) {
    const rollout = await rolloutOf(world, planFor(stage.request, patch).rolloutId);
    for (const wait of rollout.waitsFor) stage.waitedFor.add(wait.for);
    const now = { rollout, seconds: Math.round((world.now() - begin) / 1000), begun: run.begun(patch.patchId) };
    if (moved === undefined || exposureOf(rollout) !== exposureOf(moved.rollout)) moved = { by: 'wait', ...now };
    if (rollout.status === 'running' && now.seconds >= moved.seconds + STILL_MS / 1000)
      return { ...now, ...moved, rollout };
    const by = standOf(rollout);
    if (by === undefined) stood = undefined;
    else stood ??= { by, ...now };
    // Evidence may fall again; a hold or a halt is a finding at once.
    const waitsSince = begin + (stood?.seconds ?? Infinity) * 1000;
    if (stood !== undefined && (by !== 'wait' || world.now() >= waitsSince + PATIENCE_MS))
      return { ...stood, by: by ?? stood.by, rollout: by === 'wait' ? stood.rollout : rollout };
    if (rollout.status === 'completed') return undefined;
    if (rollout.status !== 'running') throw new Error(`the rollout of ${patch.patchId} is ${rollout.status}`);
    await tick(stage, describe(patch, rollout));
  }
}

/** The responder looks for a while, then recalls; a re-issue is published first, so that the recall can name it. */
async function takeBack(stage: Stage): Promise<RecallResult> {
  const { world, run, patch, replacement } = stage;
  const pullAt = world.now() + RESPONSE_MS;
  while (world.now() < pullAt) await tick(stage, `${patchTitle(patch)}: the responder is looking`);
  const { gateHolds = [] } = await rolloutOf(world, planFor(stage.request, patch).rolloutId);
  for (const { model } of gateHolds) stage.heldModels.add(model);
  await crossCheck(stage);
  const { lateRecall } = stage;
  if (lateRecall !== undefined) goAway(stage, lateRecall);
  if (replacement !== undefined) await publish(world, replacement);
  await recall(
    world,
    patch.patchId,
    stage.fault === undefined ? 'nothing is known of it' : 'it harms some devices',
    replacement?.patchId,
  );
  run.watchPull(patch.patchId);
  if (replacement !== undefined) {
    await roll(stage, replacement);
    const stop = await untilStopOrCompletion(stage, replacement);
    if (stop !== undefined) throw new Error(`the healthy re-issue came to a ${stop.by}`);
  }
  const view = await untilRecalled(stage);
  return {
    devices: view.devices ?? 0,
    removed: view.removed ?? 0,
    replaced: view.replaced ?? 0,
    retired: view.retired ?? 0,
    remaining: view.remaining ?? 0,
    reinstalled: run.reinstalled(patch.patchId),
    p50Seconds: view.p50Seconds,
    p99Seconds: view.p99Seconds,
  };
}

/** Half of those that are away come back on a full release that is two later. */
function goAway({ run, patch }: Stage, { awayShare, daysMin, daysMax }: NonNullable<Setting['lateRecall']>): void {
  const away = run.sendAway(patch.patchId, awayShare, daysMin, daysMax);
  run.upgrade(away.slice(0, away.length / 2), { version: '26.5', build: '23F70' }, 1);
}

async function untilRecalled(stage: Stage): Promise<RecallView> {
  const { world, run, patch } = stage;
  const begin = world.now();
  for (;;) {
    const view = await recallOf(world, patch.patchId);
    if (view !== undefined) checkSum(view, run.holders(patch.patchId));
    if (view?.status === 'completed' && view.remaining === 0 && !run.isAround(patch.patchId)) return view;
    const isCounted = view !== undefined && view.devices !== null;
    const progress = isCounted ? `${String(view.removed)} removed, ${String(view.remaining)} remain` : 'starts';
    const waited = world.now() - begin;
    if (waited > BURN_DOWN_MS) await retireStubborn(stage);
    await tick(stage, `recall of ${patchTitle(patch)}: ${progress}`, waited > BURN_DOWN_MS ? LONG_TICK_MS : TICK_MS);
  }
}

/** Each device of a recall stands in one place, and those that remain are those that hold the patch. */
function checkSum(view: RecallView, holders: number): void {
  const { devices, removed, replaced, retired, remaining, failing, offline, waiting } = view;
  if (devices === null) return;
  const places = [removed, replaced, retired, failing, offline, waiting].map((place) => place ?? NaN);
  const sum = places.reduce((total, place) => total + place, 0);
  if (sum !== devices || remaining !== holders)
    throw new Error(
      `the recall does not add up, and ${String(holders)} devices hold the patch: ${JSON.stringify(view)}`,
    );
}

/** A person looks at the devices that failed too often, and retires them. */
async function retireStubborn({ world, run, patch }: Stage): Promise<void> {
  const stubborn = new Map(run.stubborn(patch.patchId).map((device) => [device.deviceId, device]));
  if (stubborn.size === 0) return;
  const filter = { patchId: patch.patchId, state: 'installed', failedRemovals: STUBBORN_AFTER } as const;
  const found = await listAll((page) =>
    bodyOf(world.api.GET('/v1/devices', { params: { query: { ...filter, ...page } } })),
  );
  for (const { deviceId } of found) {
    const device = stubborn.get(deviceId);
    if (device === undefined) continue;
    await bodyOf(world.api.POST('/v1/devices/{id}/retire', { params: { path: { id: deviceId } } }));
    device.isGone = true;
  }
}

/** One minute or more: the fleet acts, checks in and reports, then the clock moves on and everything settles. */
async function tick(stage: Stage, doing: string, tickMs = TICK_MS): Promise<void> {
  const { world, run, request, startedAt } = stage;
  await run.tick();
  await world.advanceTo(world.now() + tickMs);
  const elapsed = world.now() - startedAt;
  if (elapsed > SIMULATED_MAX_MS) throw new Error(`the scenario did not end within sixty simulated days: ${doing}`);
  if (elapsed % CROSS_CHECK_EVERY_MS < tickMs) await crossCheck(stage);
  if (elapsed % HOUR < tickMs) request.onProgress?.(`hour ${String(Math.floor(elapsed / HOUR))}: ${doing}`);
}

async function crossCheck({ world, run, patch, replacement }: Stage): Promise<void> {
  const { patches } = await fleetOf(world);
  for (const { patchId } of replacement === undefined ? [patch] : [patch, replacement]) {
    const [counted, own] = [patches[patchId]?.installed ?? 0, run.holders(patchId)];
    if (counted !== own) {
      throw new Error(`Sluice counts ${String(counted)} holders of ${patchId}, and the fleet itself ${String(own)}`);
    }
  }
}

function reasonOf({ rollout }: Stop): string | null {
  const { haltedBecause, gateHolds = [], waitsFor } = rollout;
  return (
    haltedBecause?.reason ?? gateHolds[0]?.reason ?? waitsFor.find((wait) => !isTimeAlone(wait.for))?.words ?? null
  );
}

function isTimeAlone(code: string): boolean {
  return code === 'ramp' || code === 'bake';
}

function describe(patch: CatalogPatch, rollout: RolloutView): string {
  return `${patchTitle(patch)} in wave ${String(rollout.wave ?? 0)}, ${exposureOf(rollout).toFixed(1)} % exposed`;
}

function matches({ base, model }: Device, { variants }: CatalogPatch): boolean {
  return variants.some(({ prerequisiteBuild, models }) => prerequisiteBuild === base && models.includes(model));
}

// A wave for a ring opens no buckets: the exposure is 0 until one for everybody.
function isExposed({ ring, deviceId }: Device, { waves, wave = 0, plannedPercent, salt }: RolloutView): boolean {
  const isInRing = ring !== undefined && waves.slice(0, wave).some((each) => each.ring === ring);
  return isInRing || bucketOf(salt, deviceId) < plannedPercent / 100;
}
