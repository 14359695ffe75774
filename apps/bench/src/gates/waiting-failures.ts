import { type CountRow, type Slice } from '@sluice/domain-cohorts';
import { ROLLOUT, STEP_MINUTES } from './played-events.ts';

/** Failures whose start was not told in time, until their deadline: how many wait on each slice, as telemetry tells it. */
export class WaitingFailures {
  /** By step and slice: those that begin to wait, less those that wait no more. */
  private readonly changes: (Map<number, number> | undefined)[] = [];
  private readonly waiting = new Map<number, number>();

  add(slice: number, fromMinute: number, untilMinute: number): void {
    this.change(slice, fromMinute, 1);
    this.change(slice, untilMinute, -1);
  }

  /** How many wait, on the slices on which that has changed within a step. To be asked for each step, once. */
  rows(step: number, slices: readonly Slice[]): CountRow[] {
    const changes = this.changes[step] ?? new Map<number, number>();
    this.changes[step] = undefined;
    return [...changes].flatMap(([index, change]) => {
      const [slice, count] = [slices[index], (this.waiting.get(index) ?? 0) + change];
      this.waiting.set(index, count);
      return slice === undefined || change === 0 ? [] : [{ patchId: ROLLOUT.patchId, slice, count }];
    });
  }

  private change(slice: number, minute: number, by: number): void {
    const its = (this.changes[Math.floor(minute / STEP_MINUTES)] ??= new Map<number, number>());
    its.set(slice, (its.get(slice) ?? 0) + by);
  }
}
