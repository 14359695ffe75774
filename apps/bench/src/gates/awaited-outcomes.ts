import { dueAt, quarterOf, STEP_MINUTES } from './played-events.ts';

/** Trials on a slice that began in the same quarter of an hour, and those of them whose outcome was known when it was due. */
interface Cohort {
  readonly slice: number;
  readonly begunAt: number;
  started: number;
  known: number;
}

/** Trials that have begun, until their outcomes are due, as telemetry has them. Times are minutes. */
export class AwaitedOutcomes {
  private readonly cohorts = new Map<string, Cohort>();

  begin(slice: number, begunAt: number): void {
    this.cohortOf(slice, begunAt).started += 1;
  }

  end(slice: number, begunAt: number, minute: number): void {
    if (minute < dueAt(begunAt)) this.cohortOf(slice, begunAt).known += 1;
  }

  /** Those whose outcomes are due by the end of a step; they are not awaited any more. */
  due(step: number): Readonly<Cohort>[] {
    const due: Cohort[] = [];
    for (const [key, cohort] of this.cohorts) {
      if ((step + 1) * STEP_MINUTES < dueAt(cohort.begunAt)) continue;
      this.cohorts.delete(key);
      due.push(cohort);
    }
    return due;
  }

  private cohortOf(slice: number, begunAt: number): Cohort {
    const key = `${String(slice)} ${String(quarterOf(begunAt))}`;
    const cohort = this.cohorts.get(key) ?? { slice, begunAt, started: 0, known: 0 };
    this.cohorts.set(key, cohort);
    return cohort;
  }
}
