import { HOUR_MS, OUTCOME_HOURS } from '@sluice/domain-cohorts';
import { type DeviceTable, TIME_EPOCH } from './device-table.ts';

/** How often a device reports its status by itself where it does not say so. */
const EVERY_HOURS = 24;
/** A device is silent when so many of its intervals have passed since the last status of its rhythm. */
const SILENT_AFTER_INTERVALS = 1.5;
/** It may be late by an install, during which nothing is heard of a device that reports every hour. */
const LATE_BY_INSTALL_MS = OUTCOME_HOURS * HOUR_MS;
/** A status so long before or after its time is the one of the rhythm; where it comes often, within a quarter of its interval. */
const ON_TIME_MS = HOUR_MS;
const ON_TIME_INTERVALS = 1 / 4;

/** The clock has 24 bits of a device's record: its time in steps of eight minutes, from 2020 to 2051, and three flags. */
const STEP_MS = 8 * 60_000;
export const CLOCK = {
  timeMask: 0x1fffff,
  onTime: 1 << 21,
  counted: 1 << 22,
  ownRhythm: 1 << 23,
} as const;

/** The last status of a device's rhythm, in ms since 1970; −∞ when there is none, or none that can be relied on. */
export function statusAtOf(clock: number): number {
  const stored = clock & CLOCK.timeMask;
  return stored === 0 ? -Infinity : (stored - 1) * STEP_MS + TIME_EPOCH;
}

/**
 * When each device last reported its status by its own rhythm: silence is counted from it (design §3.4). No other report
 * winds the clock, nor does a status that an install or a removal brings about: silence of devices with the patch would come
 * later than that of others, and at a time of day at which the others are not silent.
 *
 * A device that has just installed and whose daily status is due now says it once. So where its rhythm is known, from two
 * statuses before, and one is due within the hour, the clock is wound to when it is due. Where none is due yet, it runs on.
 * Otherwise the clock stops until the next status, and the device is left out: it may have reported without the install, or
 * not, and each guess makes devices with the patch fall silent at other hours, or on other weekends, than those without.
 */
export class StatusClocks {
  /** Hours between two statuses, of devices that say so and do not report daily. */
  readonly rhythms = new Map<number, number>();

  constructor(private readonly devices: DeviceTable) {}

  /**
   * Takes a status of a device. `byInstall`: an install or a removal may have brought it about. True when the clock stops: what
   * the device would have said without the install is not known.
   */
  wind(
    device: number,
    atMs: number,
    { everyHours = EVERY_HOURS, byInstall }: { everyHours?: number | undefined; byInstall: boolean },
  ): boolean {
    const clock = this.devices.statusClock(device);
    const lastMs = statusAtOf(clock);
    if (atMs < lastMs) return false;
    const intervalMs = everyHours * HOUR_MS;
    const onTimeMs = Math.min(ON_TIME_MS, ON_TIME_INTERVALS * intervalMs);
    const sinceMs = atMs - lastMs + onTimeMs;
    const passed = Math.floor(sinceMs / intervalMs);
    const isOnTime = sinceMs - passed * intervalMs <= 2 * onTimeMs;
    const knewRhythm = (clock & CLOCK.onTime) !== 0 && this.everyHours(device, clock) === everyHours;
    const rhythm = this.keepRhythm(device, everyHours);
    if (!byInstall) {
      const knows = lastMs !== -Infinity && isOnTime && (passed > 0 || knewRhythm);
      this.devices.setStatusClock(device, stored(atMs) | rhythm | (knows ? CLOCK.onTime : 0));
      return false;
    }
    // None was due yet.
    if (knewRhythm && passed === 0) return false;
    const isKnown = knewRhythm && isOnTime;
    const wound = isKnown ? stored(lastMs + passed * intervalMs) | CLOCK.onTime : 0;
    this.devices.setStatusClock(device, wound | rhythm);
    return !isKnown;
  }

  /** From when on the device is silent, ∞ when it has no rhythm yet. */
  silentFrom(device: number): number {
    const clock = this.devices.statusClock(device);
    const lastMs = statusAtOf(clock);
    if (lastMs === -Infinity) return Infinity;
    const intervalMs = this.everyHours(device, clock) * HOUR_MS;
    return lastMs + Math.max(SILENT_AFTER_INTERVALS * intervalMs, intervalMs + LATE_BY_INSTALL_MS);
  }

  /** When the first status was due that a silent device did not send. */
  missedAt(device: number): number {
    const clock = this.devices.statusClock(device);
    return statusAtOf(clock) + this.everyHours(device, clock) * HOUR_MS;
  }

  /** Whether the silence of the device was counted; it is counted once, until the device reports its status again. */
  isCounted(device: number): boolean {
    return (this.devices.statusClock(device) & CLOCK.counted) !== 0;
  }

  setCounted(device: number): void {
    this.devices.setStatusClock(device, this.devices.statusClock(device) | CLOCK.counted);
  }

  /** Each silence is to be counted again: somebody counts who did not. */
  countAnew(): void {
    for (let device = 0; device < this.devices.count; device += 1)
      if (this.isCounted(device))
        this.devices.setStatusClock(device, this.devices.statusClock(device) & ~CLOCK.counted);
  }

  private everyHours(device: number, clock: number): number {
    return (clock & CLOCK.ownRhythm) === 0 ? EVERY_HOURS : (this.rhythms.get(device) ?? EVERY_HOURS);
  }

  private keepRhythm(device: number, everyHours: number): number {
    if (everyHours === EVERY_HOURS) {
      this.rhythms.delete(device);
      return 0;
    }
    this.rhythms.set(device, everyHours);
    return CLOCK.ownRhythm;
  }
}

function stored(atMs: number): number {
  return Math.min(Math.max(Math.floor((atMs - TIME_EPOCH) / STEP_MS) + 1, 1), CLOCK.timeMask);
}
