import {
  bodyOf,
  type DeviceView,
  type FleetView,
  type PatchView,
  type PlanRolloutBody,
  type RecallView,
  RefusedCall,
  type RolloutView,
} from '@sluice/api-client';
import { demoFault, nextStep, type Step } from './demo-story.ts';
import { type Device, makeFleet } from './fleet.ts';
import { fleetOf2023, fleetOf2026 } from './fleet-lines.ts';
import { FleetRun } from './fleet-run.ts';
import { changesOf, type DemoState, eventText, type StoredEvent } from './narrator.ts';
import { fleetOf, listAll, plan, publish, recall, recallOf, standOf, start } from './operator.ts';
import { Random } from './random.ts';
import { patchTitle, realPatches } from './real-patches.ts';
import { type World } from './world.ts';

/** How often the people of the demo look at what there is. */
const LOOK_EVERY_MS = 10 * 60_000;
const UPGRADE_WITHIN_HOURS = 6;
const LATELY_MAX = 6;
/** More events than this the demo does not look back over. */
const EVENT_PAGES_MAX = 100;
const EVENTS_A_PAGE = 10_000;
const RING_SHARE = 0.05;

interface Seen {
  readonly patches: ReadonlyMap<string, PatchView>;
  readonly rollouts: readonly RolloutView[];
  readonly recalls: readonly RecallView[];
  readonly fleet: FleetView;
}

/**
 * A fleet that lives on an accelerated clock, and the people who bring it one patch after the other, take back those
 * that fail, and never come to an end. All memory is in Sluice: a demo that starts again goes on where it was.
 */
export class Demo {
  private seen: Seen;
  private lookedAt = -Infinity;
  private upgradingTo: string | undefined;
  private readonly stopSeenAt = new Map<string, number>();
  private lately: { readonly at: number; readonly text: string }[] = [];

  private constructor(
    private readonly world: World,
    private readonly run: FleetRun,
    seen: Seen,
  ) {
    this.seen = seen;
  }

  /** Publishes what is missing of the catalog, and lets the fleet go on with what its devices had before. */
  static async start(world: World, { devices, seed }: { devices: number; seed: number }): Promise<Demo> {
    // (c) of July 2023 comes when the story needs it, as it did.
    for (const patch of realPatches) if (patch.patchId !== 'ios-16.5.1-c') await publish(world, patch);
    const lines = [...fleetOf2026, ...fleetOf2023];
    const fleet = makeFleet({ seed, devices, lines, ringShare: RING_SHARE, roamingShare: 0 });
    const seen = await look(world);
    const devicesSeen = await listAll((query) => bodyOf(world.api.GET('/v1/devices', { params: { query } })));
    const before = new Map(devicesSeen.map((view) => [view.deviceId, view]));
    for (const device of fleet) restore(device, before.get(device.deviceId), seen.patches);
    const now = world.now();
    const random = Random.seeded(seed + Math.floor(now / LOOK_EVERY_MS));
    const run = new FleetRun(world, fleet, { random, faultOf: demoFault, run: now.toString(36) });
    await run.enrol();
    const demo = new Demo(world, run, seen);
    demo.lately = await latelyOf(world, seen);
    return demo;
  }

  /** Lets the fleet do what is due, and from time to time its people. Call it again and again, one call at a time. */
  async step(nowMs: number): Promise<void> {
    await this.run.tick();
    if (nowMs < this.lookedAt + LOOK_EVERY_MS) return;
    this.lookedAt = nowMs;
    const before = this.seen;
    this.seen = await look(this.world);
    this.tell(nowMs, changesOf(before, this.seen));
    for (const rollout of this.seen.rollouts) {
      const { rolloutId } = rollout;
      if (standOf(rollout) === undefined) this.stopSeenAt.delete(rolloutId);
      else if (!this.stopSeenAt.has(rolloutId)) this.stopSeenAt.set(rolloutId, nowMs);
    }
    await this.act(nowMs);
  }

  /** What `narrate` puts in words. */
  state(): DemoState {
    const { patches, rollouts, recalls, fleet } = this.seen;
    return {
      nowMs: this.world.now(),
      devices: this.run.devices.length,
      patches,
      rollouts,
      recalls,
      fleet,
      upgradingTo: this.upgradingTo,
      lately: this.lately,
    };
  }

  private async act(nowMs: number): Promise<void> {
    const { patches, rollouts } = this.seen;
    const shareOn = (build: string) => this.shareOn(build);
    const step = nextStep({ nowMs, patches, rollouts, stopSeenAt: this.stopSeenAt, shareOn });
    if (step?.kind !== 'upgrade') this.upgradingTo = undefined;
    if (step === undefined) return;
    try {
      await this.perform(step);
    } catch (error) {
      // A person may have done something else in the meantime; what to do now shows at the next look.
      if (!(error instanceof RefusedCall)) throw error;
      this.tell(nowMs, [`The demo could not go on as it meant to: ${error.message}`]);
    }
  }

  private async perform(step: Step): Promise<void> {
    switch (step.kind) {
      case 'upgrade':
        if (this.upgradingTo === step.fullRelease.version) return;
        this.upgradingTo = step.fullRelease.version;
        this.run.upgrade(
          this.iosDevices().filter(({ base }) => base !== step.fullRelease.build),
          step.fullRelease,
          UPGRADE_WITHIN_HOURS,
        );
        return;
      case 'publish':
        return publish(this.world, step.patch);
      case 'plan':
        return plan(this.world, planFor(step.patch.patchId));
      case 'start':
        return start(this.world, step.rolloutId);
      case 'recall': {
        const reason = `installs of ${patchTitle(step.patch)} fail on some models`;
        return recall(this.world, step.patch.patchId, reason, step.replacement?.patchId);
      }
    }
  }

  private tell(atMs: number, texts: readonly string[]): void {
    this.lately = [...this.lately, ...texts.map((text) => ({ at: atMs, text }))].slice(-LATELY_MAX);
  }

  private iosDevices(): Device[] {
    return this.run.devices.filter(({ platform }) => platform === 'ios');
  }

  private shareOn(build: string): number {
    const devices = this.iosDevices();
    return devices.filter(({ base }) => base === build).length / Math.max(1, devices.length);
  }
}

/** What happened lately, from the events that are stored: it is there again after a restart. */
async function latelyOf(world: World, seen: Seen): Promise<{ at: number; text: string }[]> {
  const lately: { at: number; text: string }[] = [];
  let from = '0';
  for (let page = 0; page < EVENT_PAGES_MAX; page += 1) {
    const path = `/v1/feed?topics=rollouts&limit=${String(EVENTS_A_PAGE)}&from=${from}`;
    const { body } = await world.send({ method: 'GET', path, as: 'admin' });
    const { events, next, caughtUp } = body as { events: { data: StoredEvent }[]; next: string; caughtUp: boolean };
    for (const { data } of events) {
      const text = eventText(data, seen);
      if (text !== undefined) lately.push({ at: Date.parse(data.at), text });
    }
    from = next;
    if (caughtUp) break;
  }
  return lately.slice(-LATELY_MAX);
}

async function look(world: World): Promise<Seen> {
  const { api } = world;
  const all = await listAll((query) => bodyOf(api.GET('/v1/patches', { params: { query } })));
  const patches = new Map(all.map((patch) => [patch.patchId, patch]));
  const rollouts = await listAll((query) => bodyOf(api.GET('/v1/rollouts', { params: { query } })));
  const recalls: RecallView[] = [];
  for (const { patchId, status } of patches.values()) {
    const found = status === 'pulled' ? await recallOf(world, patchId) : undefined;
    if (found !== undefined) recalls.push(found);
  }
  return { patches, rollouts, recalls, fleet: await fleetOf(world) };
}

/** Half a day instead of two: at 600 times the wall's speed that is a minute and a half. */
function planFor(patchId: string): PlanRolloutBody {
  return {
    rolloutId: `demo-${patchId}`,
    patchId,
    holdBackPercent: 2,
    waves: [
      { name: 'beta', ring: 'beta', ramp: { fromPercent: 100, toPercent: 100, minutes: 0 }, bakeMinutes: 60 },
      { name: 'all', ramp: { fromPercent: 0, toPercent: 100, minutes: 720 }, bakeMinutes: 120 },
    ],
    gates: { installFailureRateMax: 0.01 },
  };
}

/** Gives the device what it had when the demo ran last. An install under way at that time was lost with the process. */
function restore(device: Device, view: DeviceView | undefined, patches: Seen['patches']): void {
  if (view === undefined) return;
  device.osVersion = view.osVersion;
  device.osBuild = view.osBuild;
  device.base = view.osBuild;
  for (const { patchId, platform, variants } of patches.values()) {
    const variant = variants.find(({ build }) => platform === device.platform && build === view.osBuild);
    if (variant === undefined) continue;
    device.base = variant.prerequisiteBuild;
    device.held = patchId;
  }
  for (const [patchId, { state }] of Object.entries(view.patches)) {
    if (state === 'failed') device.failed.push({ patchId, attempts: 1 });
    if (state === 'rolledBack' && patches.get(patchId)?.status !== 'pulled') device.removed.push(patchId);
  }
}
