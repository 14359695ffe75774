import { type HarmRow, nothingCounted, PLACES, type Slice, sum } from '@sluice/domain-cohorts';
import {
  ALPHA,
  CAUTION,
  emptyGateLedger,
  foldGateLedger,
  type GateEvent,
  type GateLedger,
  type GateVerdict,
  HARM_WEIGHT,
  harmOf,
  logHarmRatioEvidence,
  nodesOf,
  rolloutDecider,
  type RolloutEvent,
  type StartedRollout,
  verdictOn,
} from '@sluice/domain-rollout';
import { fold } from '@sluice/event-sourcing';
import { type Random } from '@sluice/simulation';
import { type GateOutcome } from './gate-world.ts';
import {
  bucketOf,
  granted,
  logSumOf,
  PlayedPace,
  ROLLOUT,
  START_MS,
  startEvents,
  STEP_MINUTES,
} from './played-events.ts';
import { type Tape } from './tape.ts';

/** A rollout to devices that crash now and then, with the patch or without. Times are minutes. */
export interface IncidentWorld {
  readonly devices: number;
  /** For each of the devices, so many more that never crash: they are counted where they install, and played nowhere. */
  readonly besides?: number;
  /** How many devices a day crash for the first time, of all of them and at most, before the patch. */
  readonly ratePerDay: number;
  /** How many times as often a device crashes that has the patch. */
  readonly ratio: number;
  /** That begins so long after the start of the rollout, whoever has the patch by then. */
  readonly beginsAt?: number;
  readonly holdBackPercent: number;
  /** Devices contact us once in so long, and install at that. */
  readonly checkInMinutes?: number;
  /** Incidents are told with the next contact, which an install brings about. */
  readonly keepsIncidents?: boolean;
  /** Judged as if harm could only begin with the rollout: what onsets are there for. */
  readonly withoutOnsets?: boolean;
  /** They are told as if they happened just now: what a lag is there for. */
  readonly saysAtOnce?: boolean;
  /** A second audience, which crashes so many times as often, is exposed to all of it from the start on. */
  readonly otherAudience?: number;
  /** So large a share of the devices crashes twenty times as often, and never comes out fine. */
  readonly flakyShare?: number;
  /** Where the exposure stops; 100 if absent. */
  readonly toPercent?: number;
  readonly days?: number;
}

export interface IncidentOutcome extends GateOutcome {
  /** When it stood, in minutes since the harm began. */
  readonly stoodAfter: number;
}

/** What a rollout comes to that is looked at again and again: it goes on being looked at while it waits, until it is held or halted. */
export class StoodOutcome {
  says: GateVerdict['says'] = 'go';
  private largestLogSum = -Infinity;
  private first: Pick<IncidentOutcome, 'stood' | 'startedThen' | 'exposedThen' | 'stoodAfter'>;

  constructor(devices: number) {
    this.first = { stood: 'go', startedThen: devices, exposedThen: 1, stoodAfter: Infinity };
  }

  get isOver(): boolean {
    return this.says === 'hold' || this.says === 'halt';
  }

  get result(): IncidentOutcome {
    return { ...this.first, ended: this.says, held: [], suspected: -1, largestLogSum: this.largestLogSum };
  }

  find(
    { says, logSum }: { readonly says: GateVerdict['says']; readonly logSum: number },
    then: () => Pick<IncidentOutcome, 'startedThen' | 'exposedThen' | 'stoodAfter'>,
  ): void {
    this.says = says;
    this.largestLogSum = Math.max(this.largestLogSum, logSum);
    if (says !== 'go' && this.first.stood === 'go') this.first = { stood: says, ...then() };
  }
}

const RAMP_MINUTES = 2880;
const DAY = 1440;
/** Rates of devices differ a lot: most crash hardly ever. */
const GAMMA_SHAPE = 0.3;
const CYCLE = 0.5;
const FLAKY = 20;
const slices: readonly Slice[] = ['iPhone18,1', 'iPad16,3'].map((model) => ({
  platform: 'ios',
  model,
  base: '23D8133',
}));

interface SimulatedDevice {
  /** In millionths. */
  readonly place: number;
  readonly audience: number;
  /** Crashes per minute before the patch. */
  readonly rate: number;
  readonly isFlaky: boolean;
  hasPatch: boolean;
  /** When its next crash is; none counts after its first. */
  crashesAt: number;
}

type Action = 'install' | 'fine' | 'crash' | 'told';

/** Plays a rollout through the real fold and verdict, which look every five minutes. */
export function playIncidents(world: IncidentWorld, random: Random, tape?: Tape): IncidentOutcome {
  return new IncidentRun(world, random, tape).play();
}

class IncidentRun {
  private readonly ledger: GateLedger = emptyGateLedger();
  private rollout: StartedRollout;
  private readonly devices: SimulatedDevice[];
  /** By step: what happens to which device. */
  private readonly agenda: [Action, number][][] = [];
  private exposedCount = [0, 0];
  private readonly pace: PlayedPace;

  constructor(
    private readonly world: IncidentWorld,
    private readonly random: Random,
    private readonly tape: Tape | undefined,
  ) {
    const { devices, besides = 0, flakyShare = 0, otherAudience } = world;
    this.devices = Array.from({ length: devices }, (_, index): SimulatedDevice => {
      const audience = otherAudience !== undefined && index % 2 === 1 ? 1 : 0;
      const isFlaky = random.chance(flakyShare);
      const often = (audience === 1 ? (otherAudience ?? 1) : 1) * (isFlaky ? FLAKY : 1);
      const rate = (world.ratePerDay / DAY) * often * random.gamma(GAMMA_SHAPE);
      const place = Math.floor(random.fraction() * PLACES);
      return { place, audience, rate, isFlaky, hasPatch: false, crashesAt: Infinity };
    }).sort((left, right) => left.place - right.place);
    const events = eventsOf(world);
    this.rollout = fold(rolloutDecider, events) as StartedRollout;
    this.pace = new PlayedPace(this.ledger, this.rollout.plan, devices * (1 + besides));
    for (const event of events) this.fold(event);
    this.devices.forEach((_, device) => this.crash(device, 0));
  }

  play(): IncidentOutcome {
    const { toPercent = 100, holdBackPercent, days = 3, beginsAt = 0, devices } = this.world;
    const widest = Math.min(toPercent, 100 - holdBackPercent) / 100;
    const outcome = new StoodOutcome(devices);
    let share = 0;
    for (let step = 0; step * STEP_MINUTES < days * DAY && !outcome.isOver; step += 1) {
      const before = share;
      const wanted = outcome.says === 'go' ? Math.min(widest, share + STEP_MINUTES / RAMP_MINUTES) : share;
      share = Math.max(share, this.wider(wanted, step));
      this.grant(before, share, step);
      if (beginsAt === step * STEP_MINUTES) this.resample(step * STEP_MINUTES);
      this.expose(0, share, step);
      if (this.world.otherAudience !== undefined) this.expose(1, 1, step);
      const crashes = this.happen(step);
      if (crashes === 0 && outcome.says === 'go') continue;
      const verdict = verdictOn(this.ledger, this.rollout);
      this.tape?.found({ rolloutId: ROLLOUT.rolloutId }, verdict);
      const says = this.world.withoutOnsets === true ? this.saysWithoutOnsets() : verdict.says;
      outcome.find({ says, logSum: logSumOf(verdict) }, () => ({
        startedThen: this.devices.filter(({ hasPatch }) => hasPatch).length,
        exposedThen: share,
        stoodAfter: (step + 1) * STEP_MINUTES - beginsAt,
      }));
    }
    return outcome.result;
  }

  /** All crashes since the start against the share of them that chance would put on exposed devices. */
  private saysWithoutOnsets(): 'go' | 'wait' {
    const crashes = harmOf(this.ledger, this.rollout).find(({ signal }) => signal === 'crash');
    if (crashes === undefined) return 'go';
    const weight = HARM_WEIGHT * sum(nodesOf(this.rollout.known ?? [], []).map((node) => node.weight));
    const logE = logHarmRatioEvidence(crashes, crashes.expectedShare) + Math.log(2);
    return logE + Math.log(weight) >= Math.log(CAUTION / ALPHA) ? 'wait' : 'go';
  }

  /** Where one audience is at 100 % from the start on, it is not the pace that is tried. */
  private wider(wanted: number, step: number): number {
    return this.world.otherAudience === undefined ? this.pace.allow(wanted, step) : wanted;
  }

  private grant(from: number, to: number, step: number): void {
    const grants =
      this.world.otherAudience === undefined
        ? [[1, from, to]]
        : [
            [1, from, to],
            [2, 1, 1],
          ];
    for (const [wave = 1, fromShare = 0, toShare = 0] of grants) this.fold(granted(step, wave, fromShare, toShare));
  }

  private expose(audience: number, share: number, step: number): void {
    const { checkInMinutes = 240 } = this.world;
    let next = this.exposedCount[audience] ?? 0;
    for (; next < this.devices.length; next += 1) {
      const device = this.devices[next];
      if (device === undefined || device.place >= share * PLACES) break;
      if (device.audience !== audience) continue;
      this.at(step + this.random.between(0, Math.floor(checkInMinutes / STEP_MINUTES) - 1), 'install', next);
    }
    this.exposedCount[audience] = next;
  }

  /** What happens within the step, told in a bucket; how many incidents that are. */
  private happen(step: number): number {
    const harm: HarmRow[] = [];
    const counted = new Map<string, { slice: Slice; cohort: number; started: number; fine: number }>();
    const count = (audience: number, minute: number, what: 'started' | 'fine') => {
      const [slice, hour] = [slices[audience] ?? slices[0], Math.floor(minute / 60)];
      if (slice === undefined) return;
      const row = counted.get(`${String(audience)} ${String(hour)}`) ?? {
        ...{ slice, cohort: START_MS / 3_600_000 + hour },
        ...{ started: 0, fine: 0 },
      };
      counted.set(`${String(audience)} ${String(hour)}`, row);
      row[what] += 1 + (this.world.besides ?? 0);
    };
    for (const [action, index] of this.agenda[step] ?? []) {
      const device = this.devices[index];
      if (device === undefined) continue;
      if (action === 'install') {
        const doneIn = Math.floor(this.random.between(30, 90) / STEP_MINUTES);
        count(device.audience, step * STEP_MINUTES, 'started');
        this.at(step + doneIn, 'fine', index);
        // An install is a contact: what was kept is told.
        if (this.world.keepsIncidents === true && device.crashesAt < step * STEP_MINUTES)
          this.at(step + doneIn, 'told', index);
      } else if (action === 'fine') {
        device.hasPatch = true;
        if (!device.isFlaky) count(device.audience, step * STEP_MINUTES - 60, 'fine');
        this.crash(index, step * STEP_MINUTES);
      } else if (action === 'told' || Math.floor(device.crashesAt / STEP_MINUTES) === step) {
        if (!Number.isFinite(device.crashesAt)) continue;
        if (action === 'crash' && this.world.keepsIncidents === true) {
          this.at(step + this.random.between(1, 24 * 12), 'told', index);
          continue;
        }
        harm.push(this.rowOf(device, step));
        device.crashesAt = -Infinity;
      }
    }
    this.agenda[step] = [];
    const installs = [...counted.values()].map((row) => ({
      patchId: ROLLOUT.patchId,
      band: 0,
      ...nothingCounted,
      ...row,
    }));
    if (harm.length + installs.length > 0) this.fold(bucketOf(step, { installs, harm }));
    return harm.length;
  }

  private rowOf({ place, audience, crashesAt }: SimulatedDevice, step: number): HarmRow {
    const received = step * STEP_MINUTES;
    const minute = this.world.saysAtOnce === true ? received : Math.floor(crashesAt);
    const slice = slices[audience] ?? slices[0];
    if (slice === undefined) throw new Error('there is no such audience');
    return { rolloutId: ROLLOUT.rolloutId, slice, signal: 'crash', waves: 1 << audience, place, minute, received };
  }

  /** Draws the first crash of a device from a minute on, unless it had one. */
  private crash(index: number, fromMinute: number): void {
    const device = this.devices[index];
    if (device === undefined || device.crashesAt < fromMinute) return;
    const { ratio, beginsAt = 0, days = 3 } = this.world;
    const most = device.rate * (1 + CYCLE) * ratio;
    let minute = fromMinute;
    for (;;) {
      minute += -Math.log(1 - this.random.fraction()) / most;
      if (!(minute < days * DAY)) {
        device.crashesAt = Infinity;
        return;
      }
      const times = device.hasPatch && minute >= beginsAt ? ratio : 1;
      const rate = device.rate * (1 + CYCLE * Math.sin((2 * Math.PI * minute) / DAY)) * times;
      if (this.random.chance(rate / most)) break;
    }
    device.crashesAt = minute;
    this.at(Math.floor(minute / STEP_MINUTES), 'crash', index);
  }

  /** From now on the harm is there. */
  private resample(minute: number): void {
    this.devices.forEach((device, index) => {
      if (device.hasPatch) this.crash(index, minute);
    });
  }

  private fold(event: GateEvent): void {
    foldGateLedger(this.ledger, event);
    this.tape?.fold(event);
  }

  private at(step: number, action: Action, device: number): void {
    (this.agenda[step] ??= []).push([action, device]);
  }
}

function eventsOf({ holdBackPercent, devices, besides = 0, otherAudience }: IncidentWorld): RolloutEvent[] {
  const ramp = { fromPercent: 0, toPercent: 100, minutes: RAMP_MINUTES };
  const families = otherAudience === undefined ? ['iPhone'] : ['iPhone', 'iPad'];
  const waves = families.map((family) => ({ name: family, audience: { family: [family] }, ramp, bakeMinutes: 60 }));
  const known = slices.slice(0, families.length).map((slice) => ({ ...slice, devices: devices * (1 + besides) }));
  const keptBack = otherAudience === undefined ? holdBackPercent : 0;
  return startEvents({ waves, holdBackPercent: keptBack, gates: { installFailureRateMax: 0.01 } }, known);
}
