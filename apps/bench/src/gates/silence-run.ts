import { MINUTE_MS, PLACES, type Slice } from '@sluice/domain-cohorts';
import { type FactKind, type Said } from '@sluice/domain-fleet';
import {
  emptyGateLedger,
  foldGateLedger,
  type GateEvent,
  type GateLedger,
  rolloutDecider,
  type StartedRollout,
  verdictOn,
} from '@sluice/domain-rollout';
import { fold } from '@sluice/event-sourcing';
import { type Random } from '@sluice/simulation';
import { hash } from 'node:crypto';
import { type IncidentOutcome, StoodOutcome } from './incident-run.ts';
import { PlayedShard } from '../played-shard.ts';
import {
  granted,
  logSumOf,
  PlayedPace,
  ROLLOUT,
  START_MS,
  startEvents,
  STEP_MINUTES,
  timeAt,
} from './played-events.ts';
import { type Tape } from './tape.ts';

/** A rollout to devices that report their status once a day, and are off now and then. */
export interface SilenceWorld {
  readonly devices: number;
  /** What an agent reports: its status alone; installs too; or its status after each install besides. */
  readonly tells: 'status' | 'installs' | 'status-at-install';
  /** An agent that was off when its status was due reports it when it is on again; else it waits for the next day. */
  readonly catchesUp: boolean;
  readonly offAtNight: number;
  readonly offOverWeekends: number;
  /** Also in the midst of an install, which then goes on when it is on again. */
  readonly isSwitchedOff?: boolean;
  /** What the plan tolerates, where it says so. */
  readonly outcomeMissingRateMax?: number;
  /** So many of the devices with the patch fall silent for good, within a day after the install. */
  readonly fallSilent: number;
}

const DAY = 1440;
const WEEK = 7 * DAY;
/** From Friday evening to Monday morning, and from ten at night to seven. */
const WEEKEND_MINUTES = 62 * 60;
const NIGHT_MINUTES = 9 * 60;
const RAMP_MINUTES = 2880;
const CHECK_IN_MINUTES = 240;
const WARM_UP_DAYS = 3;
const WATCHED_DAYS = 8;
const HOLD_BACK_PERCENT = 2;
const BASE_BUILD = '23D8133';
const PATCHED_BUILD = '23D771330a';
const slice: Slice = { platform: 'ios', model: 'iPhone18,1', base: BASE_BUILD };
const looks = { platform: 'ios', model: 'iPhone18,1', osVersion: '26.3.1', track: 'automatic' } as const;

interface SimulatedDevice {
  /** In millionths. */
  readonly place: number;
  readonly id: string;
  readonly key: string;
  /** Its minute of the day, and of the check-in rhythm. */
  readonly phase: number;
  readonly isOffAtNight: boolean;
  readonly isOffOverWeekends: boolean;
  /** Minutes around which its nights and weekends begin and end, each its own. */
  readonly shift: number;
  state: 'base' | 'installing' | 'patched' | 'dead';
}

type Action = 'status' | 'late-status' | 'check-in' | 'installed' | 'dies';

/** A bucket is told, and the gates look, every quarter of an hour: nothing here is faster. */
const STEPS_PER_BUCKET = 3;

/** Plays a rollout through the real fold of telemetry, its buckets, and the real gates. */
export function playSilence(world: SilenceWorld, random: Random, tape?: Tape): IncidentOutcome {
  return new SilenceRun(world, random, tape).play();
}

class SilenceRun {
  private readonly shard = new PlayedShard((_, id) => (this.devices[Number(id)]?.place ?? 0) / PLACES);
  private readonly ledger: GateLedger = emptyGateLedger();
  private readonly rollout: StartedRollout;
  private readonly pace: PlayedPace;
  private readonly devices: SimulatedDevice[];
  /** By step: what happens to which device. */
  private readonly agenda = new Map<number, [Action, number][]>();
  private share = 0;
  /** The minute of the week of its begin. */
  private readonly begin: number;

  constructor(
    private readonly world: SilenceWorld,
    private readonly random: Random,
    private readonly tape: Tape | undefined,
  ) {
    this.begin = random.between(0, WEEK - 1);
    this.devices = Array.from({ length: world.devices }, (_, index): SimulatedDevice => ({
      place: Math.floor(random.fraction() * PLACES),
      id: String(index),
      key: hash('sha256', String(index), 'binary'),
      phase: random.between(0, DAY - 1),
      isOffAtNight: random.chance(world.offAtNight),
      isOffOverWeekends: random.chance(world.offOverWeekends),
      shift: random.between(-90, 90),
      state: 'base',
    }));
    const ramp = { fromPercent: 0, toPercent: 100, minutes: RAMP_MINUTES };
    const plan = { waves: [{ name: 'all', ramp, bakeMinutes: 60 }], holdBackPercent: HOLD_BACK_PERCENT };
    const known = [{ ...slice, devices: world.devices }];
    const { outcomeMissingRateMax } = world;
    const gates = {
      installFailureRateMax: 0.01,
      ...(outcomeMissingRateMax !== undefined && { outcomeMissingRateMax }),
    };
    const events = startEvents({ ...plan, gates }, known);
    this.rollout = fold(rolloutDecider, events) as StartedRollout;
    this.pace = new PlayedPace(this.ledger, this.rollout.plan, world.devices);
    for (const event of events) this.fold(event);
    const { patchId, rolloutId } = ROLLOUT;
    this.shard.noteBuilds(patchId, [{ build: PATCHED_BUILD, prerequisiteBuild: BASE_BUILD }]);
    this.shard.noteRollout({ patchId, rolloutId, salt: 's', startedAt: timeAt(0), waves: [{}] });
    this.devices.forEach(({ phase }, device) => {
      const first = -WARM_UP_DAYS * DAY;
      this.at(first + phase, 'status', device);
      this.at(phase % CHECK_IN_MINUTES, 'check-in', device);
    });
  }

  play(): IncidentOutcome {
    const widest = 1 - HOLD_BACK_PERCENT / 100;
    const outcome = new StoodOutcome(this.world.devices);
    for (let step = (-WARM_UP_DAYS * DAY) / STEP_MINUTES; step * STEP_MINUTES < WATCHED_DAYS * DAY; step += 1) {
      if (step >= 0) {
        const before = this.share;
        const wanted = outcome.says === 'go' ? Math.min(widest, before + STEP_MINUTES / RAMP_MINUTES) : before;
        this.share = Math.max(before, this.pace.allow(wanted, step));
        this.fold(granted(step, 1, before, this.share));
      }
      for (const [action, device] of this.agenda.get(step) ?? []) this.act(action, device, step);
      this.agenda.delete(step);
      if ((step + 1) % STEPS_PER_BUCKET !== 0 || !this.tell(step + 1) || step < 0) continue;
      const verdict = verdictOn(this.ledger, this.rollout);
      this.tape?.found({ rolloutId: ROLLOUT.rolloutId }, verdict);
      outcome.find({ says: verdict.says, logSum: logSumOf(verdict) }, () => ({
        startedThen: this.devices.filter(({ state }) => state !== 'base').length,
        exposedThen: this.share,
        stoodAfter: (step + 1) * STEP_MINUTES,
      }));
      if (outcome.isOver) break;
    }
    return outcome.result;
  }

  private act(action: Action, index: number, step: number): void {
    const device = this.devices[index];
    if (device === undefined || device.state === 'dead') return;
    const minute = step * STEP_MINUTES;
    const on = this.onFrom(device, minute);
    if (action === 'status') {
      this.at(minute + DAY, 'status', index);
      if (on === minute) this.report(device, 'DeviceObserved', minute);
      else if (this.world.catchesUp) this.at(on, 'late-status', index);
      return;
    }
    const staysOn = action === 'installed' && this.world.isSwitchedOff !== true;
    if (on !== minute && !staysOn) return this.at(on, action, index);
    switch (action) {
      case 'late-status':
        return this.report(device, 'DeviceObserved', minute);
      case 'check-in':
        this.at(minute + CHECK_IN_MINUTES, 'check-in', index);
        if (device.state !== 'base' || device.place >= this.share * PLACES) return;
        device.state = 'installing';
        this.at(minute + this.random.between(30, 90), 'installed', index);
        return this.tellOfInstall(device, 'InstallStarted', minute);
      case 'installed':
        device.state = 'patched';
        this.tellOfInstall(device, 'PatchInstalled', minute);
        if (this.world.tells === 'status-at-install') this.report(device, 'DeviceObserved', minute);
        if (this.random.chance(this.world.fallSilent)) this.at(minute + this.random.between(60, DAY), 'dies', index);
        return;
      case 'dies':
        device.state = 'dead';
    }
  }

  private tellOfInstall(device: SimulatedDevice, kind: FactKind, minute: number): void {
    if (this.world.tells !== 'status') this.report(device, kind, minute);
  }

  private report({ id, key, state }: SimulatedDevice, kind: FactKind, minute: number): void {
    const osBuild = state === 'patched' ? PATCHED_BUILD : BASE_BUILD;
    const said: Said = { ...looks, osBuild, ...(kind !== 'DeviceObserved' && { patchId: ROLLOUT.patchId }) };
    this.shard.report({ kind, deviceHash: key, deviceId: id, said }, START_MS + minute * MINUTE_MS);
  }

  private fold(event: GateEvent): void {
    foldGateLedger(this.ledger, event);
    this.tape?.fold(event);
  }

  /** Takes the bucket that ends then into the gates. True when there was anything to tell. */
  private tell(end: number): boolean {
    const to = START_MS + end * STEP_MINUTES * MINUTE_MS;
    const bucket = this.shard.close({ from: to - STEPS_PER_BUCKET * STEP_MINUTES * MINUTE_MS, to });
    if (bucket === undefined) return false;
    if (end > 0) this.fold(bucket);
    return bucket.harm !== undefined || bucket.installs.patch.length > 0;
  }

  /** The minute at which the device is on: this one, or the end of its night or weekend. */
  private onFrom({ isOffAtNight, isOffOverWeekends, shift }: SimulatedDevice, minute: number): number {
    const ofWeek = (((minute + this.begin - shift) % WEEK) + WEEK) % WEEK;
    if (isOffOverWeekends && ofWeek < WEEKEND_MINUTES) return minute + WEEKEND_MINUTES - ofWeek;
    const ofDay = ofWeek % DAY;
    if (isOffAtNight && ofDay < NIGHT_MINUTES) return minute + NIGHT_MINUTES - ofDay;
    return minute;
  }

  private at(minute: number, action: Action, device: number): void {
    const step = Math.ceil(minute / STEP_MINUTES);
    const planned = this.agenda.get(step) ?? [];
    this.agenda.set(step, planned);
    planned.push([action, device]);
  }
}
