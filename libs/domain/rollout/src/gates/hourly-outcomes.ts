import { HOUR_MS, type InstallRow } from '@sluice/domain-cohorts';
import { isSettled } from './trials.ts';

/** Trials and known outcomes of a patch, by the hour since 1970 in which they began. */
export interface HourlyOutcomes {
  readonly hours: Map<number, { started: number; known: number }>;
  /** Hours in which a wave was opened. */
  readonly opened: Set<number>;
}

export function noOutcomes(): HourlyOutcomes {
  return { hours: new Map(), opened: new Set() };
}

/** Takes a row of a bucket in. */
export function countOutcomes(
  { hours }: HourlyOutcomes,
  { cohort, started, fine, failed, relapsed }: InstallRow,
): void {
  const hour = hours.get(cohort) ?? { started: 0, known: 0 };
  hours.set(cohort, hour);
  hour.started += started;
  hour.known += fine + failed - relapsed;
}

/** Outcomes are asked for from the opening of a wave on, with the hour in which it is. */
export function noteOpening({ opened }: HourlyOutcomes, at: string): void {
  opened.add(openingHour(at));
}

/** The hour, since 1970, that counts as the first one of a wave. */
export function openingHour(at: string): number {
  return Math.floor(Date.parse(at) / HOUR_MS);
}

/** Puts hours together to which nothing comes any more at an instant: all between two openings of waves are asked for as one. */
export function putHoursTogether({ hours, opened }: HourlyOutcomes, atMs: number): void {
  for (const [hour, { started, known }] of hours) {
    if (!isSettled(hour, atMs)) continue;
    const first = Math.max(0, ...[...opened].filter((each) => each <= hour));
    if (first === hour) continue;
    const together = hours.get(first) ?? { started: 0, known: 0 };
    hours.set(first, { started: together.started + started, known: together.known + known });
    hours.delete(hour);
  }
}
