import { MINUTE_MS } from '@sluice/domain-cohorts';
import { type FactKind, type Profile, type Said } from '@sluice/domain-fleet';
import { LATE_WEIGHT, lateRateEvidence, trialPeriodAt, type Wave } from '@sluice/domain-rollout';
import { type Random } from '@sluice/simulation';
import { hash } from 'node:crypto';
import { ROLLOUT, START_MS } from './played-events.ts';
import { BASE_BUILD, PATCHED_BUILD, PlayedService } from './played-service.ts';
import { type Tape } from './tape.ts';

/** A fleet of devices that ask, install and report by themselves, and a rollout that is steered. Times are minutes. */
export interface FleetWorld {
  readonly devices: number;
  readonly slices?: number;
  readonly rampMinutes: number;
  readonly bakeMinutes: number;
  /** Of the devices, so many were last heard of a month before. */
  readonly deadShare?: number;
  readonly track?: 'manual';
  /** Of the users on the manual track, so many accept, within a day. */
  readonly acceptingShare?: number;
  /** Devices ask so often, and report their status as often or daily, whichever is rarer. */
  readonly checkInMinutes?: number;
  /** Reports once the rollout has started: all, nothing but the status, outcomes without starts, or nothing. */
  readonly tells?: 'all' | 'status' | 'outcomes' | 'nothing';
  /** Of the devices that begin, all are never heard of again. */
  readonly loops?: boolean;
  /** So many devices are a ring, whose wave is the first; one of them is off from the start on. */
  readonly ring?: number;
  /** The server of the packages answers nobody. */
  readonly outage?: { readonly from: number; readonly minutes: number };
  /** From then on nobody asks for so long. */
  readonly asleep?: { readonly from: number; readonly minutes: number };
  /** When the rollout is completed, so many more devices come, and all of their installs fail. */
  readonly later?: number;
  readonly bucketMinutes?: number;
  readonly days: number;
}

export interface FleetOutcome {
  readonly status: string;
  /** In minutes since the start: when it was completed, and when halted. */
  readonly completedAt: number;
  readonly haltedAt: number;
  /** Known devices that were expected inside the exposure, at most, and when there were so many first. */
  readonly mostExposed: number;
  readonly mostExposedAt: number;
  /** Devices that were told to install, or offered it. */
  readonly directed: number;
  readonly failures: number;
  /** When the first of the later devices failed, and when so many had that the later ones, by themselves, prove it. */
  readonly firstFailureAt: number;
  readonly provenAt: number;
  readonly heldModels: readonly string[];
  /** What it waited for, by code, and in the end, in words. */
  readonly waits: ReadonlyMap<string, Waited>;
  readonly words: readonly string[];
}

/** When it waited for something first and last, and how much was exposed then. */
export interface Waited {
  readonly firstAt: number;
  readonly firstExposed: number;
  lastAt: number;
  lastExposed: number;
}

interface Device {
  readonly deviceId: string;
  readonly deviceHash: string;
  readonly model: string;
  readonly isLater: boolean;
  readonly ring: string | undefined;
  hasPatch: boolean;
  isOff: boolean;
  isBusy: boolean;
  hasConsidered: boolean;
  isDirected: boolean;
  attempts: number;
  /** When its last install began. */
  beganAt: number;
}

type Act = 'status' | 'check-in' | 'accept' | 'start' | 'fail' | 'finish';

const DAY = 1440;
const CHECK_IN = 240;
const STARTS_AFTER = [1, 15] as const;
const FAILS_AFTER = [2, 20] as const;
const FINE_AFTER = [30, 90] as const;
const ACCEPTS_AFTER = [10, DAY] as const;
const LONG_AGO = 30 * DAY;
/** Of the installs that are fine otherwise; a fifth of what is tolerated. */
const FAILURE_RATE = 0.002;
const TOLERATED = 0.01;
/** The logarithm of the evidence that late installs of one slice need by themselves: 1/α, by the weights of node and test. */
const PROOF = Math.log(1000 / (0.9 * LATE_WEIGHT));
const FIRST_PERIOD = trialPeriodAt(START_MS);
/** What it waits for is looked up once in so many minutes. */
const LOOKED_UP = 10;
/** Of a completed rollout, so long until nothing more is expected. */
const WATCHED = DAY;
const { rolloutId, patchId } = ROLLOUT;

/** Plays a rollout minute by minute through the real counts, gates, steering and deciders. */
export function playFleet(world: FleetWorld, random: Random, tape?: Tape): FleetOutcome {
  return new FleetRun(world, random, tape).play();
}

class FleetRun {
  private readonly service: PlayedService;
  private readonly agenda = new Map<number, (readonly [Act, Device])[]>();
  private readonly models: readonly string[];
  private readonly waits = new Map<string, Waited>();
  private devices = 0;
  private mostExposed = 0;
  private mostExposedAt = 0;
  private directed = 0;
  private failures = 0;
  /** Installs of the later devices by the period in which they began, counted from 1. */
  private readonly later = new Map<number, { readonly k: number; n: number; x: number }>();
  private firstFailureAt = Infinity;
  private provenAt = Infinity;
  private completedAt = Infinity;

  constructor(
    private readonly world: FleetWorld,
    private readonly random: Random,
    tape: Tape | undefined,
  ) {
    const { slices = 1, bucketMinutes = 1 } = world;
    this.models = Array.from({ length: slices }, (_, index) => `iPhone${String(index + 1)},1`);
    const plan = { waves: wavesOf(world), holdBackPercent: 2, gates: { installFailureRateMax: TOLERATED } };
    const salt = String(random.between(0, 1e9));
    this.service = new PlayedService({ ...plan, salt }, { models: this.models, bucketMinutes, tape });
    for (let index = 0; index < world.devices; index += 1) this.join(index);
  }

  play(): FleetOutcome {
    const { service } = this;
    let [minute, isOver] = [0, false];
    for (; !isOver && minute < this.world.days * DAY; minute += 1) {
      for (const [act, device] of this.agenda.get(minute) ?? []) this.perform(act, device, minute);
      this.agenda.delete(minute);
      service.pass(START_MS + minute * MINUTE_MS);
      isOver = this.look(minute);
    }
    const { status } = service.rollout;
    const { completedAt, mostExposed, mostExposedAt, directed, failures, firstFailureAt, provenAt, waits } = this;
    return {
      ...{ status, completedAt, haltedAt: status === 'halted' ? minute - 1 : Infinity, heldModels: service.heldModels },
      ...{ mostExposed, mostExposedAt, directed, failures, firstFailureAt, provenAt, waits },
      words: service.waitsFor().map((wait) => `${wait.for}: ${wait.words}`),
    };
  }

  /** True when nothing more is to be seen. */
  private look(minute: number): boolean {
    const { service, world } = this;
    const { rollout, exposed } = service;
    if (exposed > this.mostExposed) [this.mostExposed, this.mostExposedAt] = [exposed, minute];
    if (minute % LOOKED_UP === 0)
      for (const { for: code } of service.waitsFor()) {
        const its = this.waits.get(code) ?? { firstAt: minute, firstExposed: exposed, lastAt: 0, lastExposed: 0 };
        this.waits.set(code, its);
        [its.lastAt, its.lastExposed] = [minute, exposed];
      }
    if (rollout.status === 'halted') return true;
    if (rollout.status !== 'completed') return false;
    if (this.completedAt === Infinity) {
      this.completedAt = minute;
      for (let more = 0; more < (world.later ?? 0); more += 1) this.joinLater(minute);
    }
    return world.later === undefined || minute - this.completedAt > WATCHED;
  }

  /** A device that was there before the rollout. */
  private join(index: number): void {
    const { world, random } = this;
    const { deadShare = 0, ring = 0 } = world;
    const isDead = random.chance(deadShare);
    const device = this.device(index < ring ? 'beta' : undefined, false);
    const ago = isDead ? LONG_AGO : random.between(1, this.statusEvery());
    this.report(device, 'DeviceObserved', -ago);
    // Of the ring, one is switched off just then.
    if (isDead || (ring > 0 && index === 0)) return;
    this.plan(this.statusEvery() - ago, 'status', device);
    this.plan(random.between(0, this.checkInEvery()), 'check-in', device);
  }

  private joinLater(minute: number): void {
    const device = this.device(undefined, true);
    const comesAt = minute + this.random.between(1, this.checkInEvery());
    this.plan(comesAt, 'status', device);
    this.plan(comesAt, 'check-in', device);
  }

  private device(ring: string | undefined, isLater: boolean): Device {
    const deviceId = `d${String(this.devices)}`;
    const model = this.models[this.devices % this.models.length] ?? '';
    this.devices += 1;
    const idle = {
      hasPatch: false,
      isOff: false,
      isBusy: false,
      hasConsidered: false,
      isDirected: false,
      attempts: 0,
      beganAt: 0,
    };
    return { deviceId, deviceHash: hash('sha256', deviceId, 'binary'), model, isLater, ring, ...idle };
  }

  private perform(act: Act, device: Device, minute: number): void {
    if (device.isOff) return;
    switch (act) {
      case 'status':
        if (this.world.tells !== 'nothing') this.report(device, 'DeviceObserved', minute);
        return this.plan(minute + this.statusEvery(), 'status', device);
      case 'check-in':
        this.plan(minute + this.checkInEvery(), 'check-in', device);
        return this.checkIn(device, minute);
      case 'accept':
        if (!device.isBusy && this.ask(device, minute) === 'offer') this.start(device, minute);
        return;
      case 'start':
        return this.start(device, minute);
      case 'fail':
        device.isBusy = false;
        device.attempts += 1;
        this.failures += 1;
        if (device.isLater) this.laterFails(device, minute);
        return this.tell(device, 'PatchInstallFailed', minute, 'verification-failed');
      case 'finish':
        [device.isBusy, device.hasPatch] = [false, true];
        return this.tell(device, 'PatchInstalled', minute);
    }
  }

  private laterFails(device: Device, minute: number): void {
    this.firstFailureAt = Math.min(this.firstFailureAt, minute);
    this.laterIn(device.beganAt).x += 1;
    if (lateRateEvidence([...this.later.values()], TOLERATED).logE >= PROOF)
      this.provenAt = Math.min(this.provenAt, minute);
  }

  private laterIn(minute: number) {
    const k = trialPeriodAt(START_MS + minute * MINUTE_MS) - FIRST_PERIOD + 1;
    const period = this.later.get(k) ?? { k, n: 0, x: 0 };
    this.later.set(k, period);
    return period;
  }

  private checkIn(device: Device, minute: number): void {
    const { asleep, acceptingShare = 0 } = this.world;
    if (device.isBusy || isWithin(asleep, minute)) return;
    const directive = this.ask(device, minute);
    if (directive !== 'install' && directive !== 'offer') return;
    if (!device.isDirected) this.directed += 1;
    device.isDirected = true;
    if (directive === 'install') {
      device.isBusy = true;
      this.plan(minute + this.random.between(...STARTS_AFTER), 'start', device);
    } else if (!device.hasConsidered) {
      device.hasConsidered = true;
      if (this.random.chance(acceptingShare))
        this.plan(minute + this.random.longTailed(...ACCEPTS_AFTER), 'accept', device);
    }
  }

  private ask(device: Device, minute: number) {
    const { deviceId, attempts, hasPatch } = device;
    const failed = attempts > 0 ? [{ patchId, attempts }] : [];
    const asking = { ...this.looks(device), deviceId, installed: hasPatch ? [patchId] : [], failed };
    return this.service.directiveFor(asking, START_MS + minute * MINUTE_MS).directive;
  }

  private start(device: Device, minute: number): void {
    const { world, random } = this;
    if (isWithin(world.outage, minute)) {
      device.isBusy = false;
      // No attempt: it tries again when it asks next, and so does one whose user has accepted.
      device.hasConsidered = false;
      return this.tell(device, 'PatchInstallFailed', minute, 'server-unavailable');
    }
    device.isBusy = true;
    device.beganAt = minute;
    if (device.isLater) this.laterIn(minute).n += 1;
    this.tell(device, 'InstallStarted', minute);
    if (world.loops === true) {
      device.isOff = true;
      return;
    }
    const fails = device.isLater || random.chance(FAILURE_RATE);
    const [soonest, latest] = fails ? FAILS_AFTER : FINE_AFTER;
    this.plan(minute + random.between(soonest, latest), fails ? 'fail' : 'finish', device);
  }

  /** A report about the patch, where the agents of this world have such. */
  private tell(device: Device, kind: FactKind, minute: number, failureCode?: string): void {
    const { tells = 'all' } = this.world;
    const isKnown = tells === 'all' || (tells === 'outcomes' && kind !== 'InstallStarted');
    if (isKnown) this.report(device, kind, minute, { patchId, rolloutId, ...(failureCode && { failureCode }) });
  }

  private report(device: Device, kind: FactKind, minute: number, more: Partial<Said> = {}): void {
    const { deviceId, deviceHash } = device;
    const hours = this.statusEvery() / 60;
    const status = kind === 'DeviceObserved' && hours !== 24 ? { statusEveryHours: hours } : {};
    const said = { ...this.looks(device), ...status, ...more };
    this.service.report({ kind, deviceHash, deviceId, said }, START_MS + minute * MINUTE_MS);
  }

  private looks({ model, hasPatch, ring }: Device): Pick<Profile, 'model' | 'osBuild' | 'track' | 'ring'> {
    const { track = 'automatic' } = this.world;
    return { model, osBuild: hasPatch ? PATCHED_BUILD : BASE_BUILD, track, ...(ring !== undefined && { ring }) };
  }

  private plan(minute: number, act: Act, device: Device): void {
    const acts = this.agenda.get(minute) ?? [];
    this.agenda.set(minute, acts);
    acts.push([act, device]);
  }

  private checkInEvery(): number {
    return this.world.checkInMinutes ?? CHECK_IN;
  }

  private statusEvery(): number {
    return Math.max(DAY, this.checkInEvery());
  }
}

function wavesOf({ ring, rampMinutes, bakeMinutes }: FleetWorld): Wave[] {
  const ramp = { fromPercent: 0, toPercent: 100, minutes: rampMinutes };
  const all = { name: 'all', ramp: rampMinutes === 0 ? { ...ramp, fromPercent: 100 } : ramp, bakeMinutes };
  if (ring === undefined) return [all];
  return [{ name: 'ring', ring: 'beta', ramp: { ...ramp, fromPercent: 100, minutes: 0 }, bakeMinutes }, all];
}

function isWithin(span: FleetWorld['outage'], minute: number): boolean {
  return span !== undefined && minute >= span.from && minute < span.from + span.minutes;
}
