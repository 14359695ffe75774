import { bodyOf } from '@sluice/api-client';
import {
  type Directive,
  type Report,
  type ReportReceipt,
  REPORTS_PER_REQUEST_MAX,
} from '@sluice/contracts/device-protocol';
import { firstActs, nextCheckIn, obey, perform } from './agent.ts';
import { type Act, type AgentContext, checkInOf, type TimedAct } from './device-reports.ts';
import { Agenda } from './agenda.ts';
import { type Device, type FullRelease } from './fleet.ts';
import { type CatalogPatch } from './real-patches.ts';
import { UnexpectedAnswer, type World, type WorldRequest } from './world.ts';

/** Check-ins in flight at once. Within one tick no policy changes, so this changes no answer. */
const CHECK_INS_AT_ONCE_MAX = 32;
const HOUR_MS = 3_600_000;

export type FleetRunOptions = Omit<AgentContext, 'buildOf'>;

interface Doing {
  readonly device: Device;
  readonly act: Act;
}

/** Makes a fleet live: devices check in, obey, and report through a gateway that collects what falls within one tick. */
export class FleetRun {
  private readonly agenda: Agenda<Doing>;
  private readonly packages = new Map<string, CatalogPatch>();
  private readonly pulledAt = new Map<string, number>();
  private readonly reinstalling = new Map<string, Set<string>>();
  /** The patch that each device holds by what it last told. */
  private readonly shown = new Map<string, string>();
  private readonly context: AgentContext;

  constructor(
    private readonly world: World,
    readonly devices: readonly Device[],
    options: FleetRunOptions,
  ) {
    this.agenda = new Agenda(world.now());
    this.context = { ...options, buildOf: (patchId, base) => buildOf(this.packages.get(patchId), base) };
  }

  /** Every device reports its status, and takes its place in the rhythm. Some may have come with the patch on them. */
  async enrol(patch?: CatalogPatch): Promise<void> {
    const now = this.world.now();
    if (patch !== undefined) {
      this.packages.set(patch.patchId, patch);
      for (const device of this.devices) if (device.habit === 'came-with-it') startWith(device, patch);
    }
    const reports = this.devices.flatMap((device) => perform(device, { kind: 'status' }, now, this.context).reports);
    for (const device of this.devices) this.schedule(device, firstActs(device, now, this.context.random));
    await this.report(reports);
  }

  /** Does all that is due up to now: acts first, then check-ins, then the reports of both. */
  async tick(): Promise<void> {
    const reports: Report[] = [];
    const asking = new Map<Device, number>();
    for (const { at, item } of this.agenda.takeUntil(this.world.now())) {
      const { device, act } = item;
      if (device.isGone || device.isDead) continue;
      if (device.offlineUntil > at) {
        this.agenda.add(device.offlineUntil, item);
        continue;
      }
      const outcome = perform(device, act, at, this.context);
      reports.push(...outcome.reports);
      this.schedule(device, outcome.acts);
      if (act.kind === 'finish') this.noteInstall(device, act);
      if (outcome.asks === true) asking.set(device, at);
      // A device that is busy skips its turn, not its rhythm.
      if (act.kind === 'check-in') {
        this.agenda.add(nextCheckIn(device, at, this.context.random), { device, act });
      }
    }
    await this.checkIn([...asking]);
    await this.report(reports);
  }

  /** How many devices have the patch, by what each last told: the build that it showed, or an install before its restart. */
  holders(patchId: string): number {
    return this.devices.reduce(
      (count, { deviceId, isGone }) => (!isGone && this.shown.get(deviceId) === patchId ? count + 1 : count),
      0,
    );
  }

  /** How many devices have begun to install the patch, whatever became of it. */
  begun(patchId: string): number {
    return this.devices.filter(({ begun }) => begun.has(patchId)).length;
  }

  /** True while a device has, or is just installing, the patch. */
  isAround(patchId: string): boolean {
    return this.devices.some(
      ({ isGone, isDead, held, pending, doing }) =>
        !isGone &&
        !isDead &&
        (held === patchId || pending === patchId || (doing?.kind === 'install' && doing.patchId === patchId)),
    );
  }

  /** Devices that will never remove the patch, though they were told to. */
  stubborn(patchId: string): Device[] {
    return this.devices.filter(({ isGone, held, habit }) => !isGone && held === patchId && habit === 'refuses-removal');
  }

  /** Some devices that have the patch are away from now on, for days. */
  sendAway(patchId: string, share: number, daysMin: number, daysMax: number): Device[] {
    const { random } = this.context;
    const away = this.devices.filter(
      ({ held, doing }) => held === patchId && doing === undefined && random.chance(share),
    );
    for (const device of away)
      device.offlineUntil = this.world.now() + random.between(daysMin * 24, daysMax * 24) * HOUR_MS;
    return away;
  }

  /** From here on an install of this patch on a directive given later than now is counted as a reinstall. */
  watchPull(patchId: string): void {
    this.pulledAt.set(patchId, this.world.now());
  }

  /** Devices that installed the patch on a directive given after its pull; installs under way at the pull do not count. */
  reinstalled(patchId: string): number {
    return this.reinstalling.get(patchId)?.size ?? 0;
  }

  /** The devices move on to another full release, each some time within the given hours. */
  upgrade(devices: readonly Device[], fullRelease: FullRelease, withinHours: number): void {
    const now = this.world.now();
    for (const device of devices) {
      const atMs = now + this.context.random.between(0, withinHours * 3600) * 1000;
      this.agenda.add(atMs, { device, act: { kind: 'upgrade', fullRelease } });
    }
  }

  private schedule(device: Device, acts: readonly TimedAct[]): void {
    // What would fall within a tick that is over comes at its end: the device may have spoken since.
    for (const { at, act } of acts) this.agenda.add(Math.max(at, this.world.now()), { device, act });
  }

  private noteInstall(device: Device, { order }: Extract<Act, { kind: 'finish' }>): void {
    const pulledAt = this.pulledAt.get(order.patchId);
    if (pulledAt === undefined || device.held !== order.patchId || order.kind !== 'install') return;
    if (order.answeredAt <= pulledAt) return;
    this.reinstalling.set(order.patchId, (this.reinstalling.get(order.patchId) ?? new Set()).add(device.deviceId));
  }

  /** Answers are obeyed in the order of asking, whatever the order in which they arrive. */
  private async checkIn(asking: readonly (readonly [Device, number])[]): Promise<void> {
    for (let first = 0; first < asking.length; first += CHECK_INS_AT_ONCE_MAX) {
      const group = asking.slice(first, first + CHECK_INS_AT_ONCE_MAX);
      const directives = await Promise.all(group.map(([device]) => this.directiveFor(device)));
      for (const [index, [device, at]] of group.entries()) {
        const directive = directives[index];
        if (directive === undefined) continue;
        if (directive.patchId !== undefined) await this.fetchPackage(directive.patchId);
        this.schedule(device, obey(device, directive, at, this.context));
      }
    }
  }

  private async directiveFor(device: Device): Promise<Directive> {
    const request: WorldRequest = { method: 'POST', path: '/v1/check-in', body: checkInOf(device), as: 'device' };
    const answer = await this.world.send(request);
    if (answer.status !== 200) throw new UnexpectedAnswer(request, answer);
    return answer.body as Directive;
  }

  /** What a device would learn from the package it downloads, the simulation learns from the catalog. */
  private async fetchPackage(patchId: string): Promise<void> {
    if (this.packages.has(patchId)) return;
    const call = { params: { path: { id: patchId } } };
    this.packages.set(patchId, await bodyOf(this.world.api.GET('/v1/patches/{id}', call)));
  }

  private async report(reports: readonly Report[]): Promise<void> {
    for (let first = 0; first < reports.length; first += REPORTS_PER_REQUEST_MAX) {
      const batch = reports.slice(first, first + REPORTS_PER_REQUEST_MAX);
      const request: WorldRequest = { method: 'POST', path: '/v1/reports', body: { reports: batch }, as: 'device' };
      const answer = await this.world.send(request);
      const receipt = answer.body as ReportReceipt;
      if (answer.status !== 202 || receipt.accepted !== batch.length) throw new UnexpectedAnswer(request, answer);
      for (const each of batch) this.noteShown(each);
    }
  }

  private noteShown({ deviceId, kind, osBuild, patchId }: Report): void {
    const byBuild = [...this.packages.values()].find(({ variants }) => variants.some(({ build }) => build === osBuild));
    const held = byBuild?.patchId ?? (kind === 'installed' ? patchId : undefined);
    if (held === undefined) this.shown.delete(deviceId);
    else this.shown.set(deviceId, held);
  }
}

function startWith(device: Device, patch: CatalogPatch): void {
  const build = buildOf(patch, device.base);
  if (build === undefined || !patch.variants.some(({ models }) => models.includes(device.model))) return;
  device.held = patch.patchId;
  device.osBuild = build;
}

function buildOf(patch: CatalogPatch | undefined, base: string): string | undefined {
  return patch?.variants.find(({ prerequisiteBuild }) => prerequisiteBuild === base)?.build;
}
