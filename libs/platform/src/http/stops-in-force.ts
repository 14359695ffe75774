import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { Rejection } from '@sluice/event-sourcing';
import { ProblemError } from './problem.ts';
import { Metrics } from '../observe/metrics.ts';
import { Timers } from '../time/timers.ts';

/** A stop that the store has not taken by then is in force without it, and is answered so. */
export const STOP_ANSWERED_WITHIN_MS = 2000;
/** How long a stop waits between two attempts to store it. */
export const STOP_RETRY_MS = 1000;
/** More stops than this at once are refused like any other command. Each names another patch, rollout or hold. */
const STOPS_MAX = 10_000;

/** A stop that waits for the store, for people and for other services. */
export interface WaitingStop {
  /** What is done to what: `withdraw ios-26.3.1-a`. Two stops with the same words are the same stop. */
  readonly stop: string;
  /** Domain time, RFC 3339, when it was ordered. */
  readonly since: string;
}

/** A pull, a pause, a halt, a hold: what must be in force whether or not the store can take it. */
export interface Stop<Result> extends WaitingStop {
  /**
   * Decides and appends, always with the same commit id: called again each second until it succeeds. It shows in the read
   * models when this resolves.
   */
  store(): Promise<Result>;
  /**
   * Puts the stop in force in memory. False when there is nothing to stop, because that is stored already. Throws Rejection
   * where the store would have refused it. `late`: the store may take it still.
   */
  begin(store: 'failed' | 'late'): boolean;
  /** The stop is stored, or the store has refused it: its memory is of no use any more. */
  end(): void;
}

interface Waiting {
  readonly stop: Stop<unknown>;
  /** An attempt that has not come back yet is not overtaken by another one. */
  isUnderWay: boolean;
}

/**
 * Stops that the store cannot take are in force here and now, tried again each second, and listed until they are stored
 * (design §3.1). They live in the memory of this process: it stays ready, so that nothing restarts it.
 */
@Injectable()
export class StopsInForce implements OnApplicationShutdown {
  private readonly log = new Logger('stops');
  private readonly waiting = new Map<string, Waiting>();
  private callOff: (() => void) | undefined;

  constructor(
    private readonly timers: Timers,
    metrics: Metrics,
  ) {
    metrics.gauge('sluice_stops_not_durable', 'Stops that are in force in memory and not stored yet', () => {
      return this.waiting.size;
    });
  }

  /** All that wait, the oldest first. */
  list(): readonly WaitingStop[] {
    return [...this.waiting.values()].map(({ stop: { stop, since } }) => ({ stop, since }));
  }

  /**
   * Stores the stop and answers with the result; `undefined` when the store cannot take it and there is nothing to stop.
   * Throws 'in-force-not-durable' when the stop is in force without being stored, Rejection or ProblemError when it is
   * refused. A stop that waits already changes nothing further.
   */
  async enforce<Result>(stop: Stop<Result>): Promise<Result | undefined> {
    this.refuseAgain(stop);
    const attempt = stop.store();
    const outcome = await this.inTime(attempt);
    if (outcome.kind === 'stored') return outcome.result;
    if (outcome.kind === 'failed' && isRefusal(outcome.error)) throw outcome.error;
    // Another request may have put the same stop in force meanwhile.
    this.refuseAgain(stop);
    if (this.waiting.size >= STOPS_MAX)
      throw new ProblemError('store-unavailable', 'too many stops wait for the store');
    if (!stop.begin(outcome.kind)) return undefined;
    const waiting = { stop, isUnderWay: false };
    this.waiting.set(stop.stop, waiting);
    this.log.error(`${stop.stop} is in force, but the store has not taken it: ${reasonOf(outcome)}`);
    if (outcome.kind === 'late') void this.settle(waiting, attempt);
    this.schedule();
    throw notDurable(stop);
  }

  onApplicationShutdown(): void {
    this.callOff?.();
    for (const { stop, since } of this.list()) this.log.error(`${stop}, in force since ${since}, is lost: not stored`);
  }

  /** With the instant of the stop that waits, not of the one that came again. */
  private refuseAgain({ stop }: WaitingStop): void {
    const waiting = this.waiting.get(stop);
    if (waiting !== undefined) throw notDurable(waiting.stop);
  }

  private async inTime<Result>(attempt: Promise<Result>): Promise<Outcome<Result>> {
    let callOff: (() => void) | undefined;
    const late = new Promise<Outcome<Result>>((resolve) => {
      callOff = this.timers.after(STOP_ANSWERED_WITHIN_MS, () => resolve({ kind: 'late' }));
    });
    const done = attempt.then(
      (result): Outcome<Result> => ({ kind: 'stored', result }),
      (error: unknown): Outcome<Result> => ({ kind: 'failed', error }),
    );
    const outcome = await Promise.race([done, late]);
    callOff?.();
    return outcome;
  }

  private schedule(): void {
    if (this.callOff !== undefined || this.waiting.size === 0) return;
    this.callOff = this.timers.after(STOP_RETRY_MS, () => {
      this.callOff = undefined;
      for (const waiting of this.waiting.values()) {
        if (!waiting.isUnderWay) void this.settle(waiting, waiting.stop.store());
      }
      this.schedule();
    });
  }

  /** Only the store's word ends a stop: every other failure leaves it in force. */
  private async settle(waiting: Waiting, attempt: Promise<unknown>): Promise<void> {
    const { stop } = waiting;
    waiting.isUnderWay = true;
    try {
      await attempt;
      this.log.warn(`${stop.stop} is stored now`);
    } catch (error) {
      waiting.isUnderWay = false;
      if (!(error instanceof Rejection)) return;
      this.log.warn(`${stop.stop} waited for the store, which holds something else now: ${error.message}`);
    }
    this.waiting.delete(stop.stop);
    stop.end();
  }
}

type Outcome<Result> =
  | { readonly kind: 'stored'; readonly result: Result }
  | { readonly kind: 'failed'; readonly error: unknown }
  | { readonly kind: 'late' };

function isRefusal(error: unknown): boolean {
  return error instanceof Rejection || error instanceof ProblemError;
}

function notDurable({ stop, since }: WaitingStop): ProblemError {
  return new ProblemError('in-force-not-durable', `${stop}, in force here since ${since}`);
}

function reasonOf(outcome: Outcome<unknown>): string {
  if (outcome.kind !== 'failed') return 'no answer yet';
  return outcome.error instanceof Error ? outcome.error.message : String(outcome.error);
}
