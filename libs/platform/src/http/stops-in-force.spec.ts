import { Logger } from '@nestjs/common';
import { Rejection, StoreOverloaded, StoreUnavailable } from '@sluice/event-sourcing';
import { beforeEach, describe, expect, it } from 'vitest';
import { ProblemError } from './problem.ts';
import { Metrics } from '../observe/metrics.ts';
import { type Stop, STOP_ANSWERED_WITHIN_MS, STOP_RETRY_MS, StopsInForce } from './stops-in-force.ts';
import { ManualTimers } from '../time/timers.ts';

const SINCE = '2026-03-17T10:00:00.000Z';

/** A stop whose store answers as the test says, one answer an attempt; the last one stays. */
class Brake implements Stop<string> {
  readonly since = SINCE;
  attempts = 0;
  isOn = false;
  isNeeded = true;
  private open: { resolve: (result: string) => void; reject: (error: unknown) => void } | undefined;

  constructor(
    readonly stop: string,
    private readonly answers: ('stored' | 'hangs' | Error)[],
  ) {}

  store(): Promise<string> {
    this.attempts += 1;
    const answer = this.answers.length > 1 ? this.answers.shift() : this.answers[0];
    if (answer === 'stored') return Promise.resolve('stored');
    if (answer !== 'hangs') return Promise.reject(answer ?? new Error('no answer is left'));
    return new Promise((resolve, reject) => (this.open = { resolve, reject }));
  }

  comeBack(error?: Error): void {
    if (error === undefined) this.open?.resolve('stored');
    else this.open?.reject(error);
  }

  begin(): boolean {
    this.isOn = this.isNeeded;
    return this.isOn;
  }

  end(): void {
    this.isOn = false;
  }
}

const full = new StoreUnavailable('disk full');
const notDurable = { code: 'in-force-not-durable' };

let timers: ManualTimers;
let metrics: Metrics;
let stops: StopsInForce;

beforeEach(() => {
  Logger.overrideLogger(false);
  timers = new ManualTimers();
  metrics = new Metrics();
  stops = new StopsInForce(timers, metrics);
});

const turns = () => new Promise((resolve) => setImmediate(resolve));
const pass = async (ms: number) => {
  timers.advance(ms);
  await turns();
};
const waiting = () => stops.list().map(({ stop }) => stop);

describe('enforcing a stop', () => {
  it('answers with what was stored, and keeps nothing', async () => {
    const brake = new Brake('halt r1', ['stored']);
    expect(await stops.enforce(brake)).toBe('stored');
    expect([brake.isOn, waiting()]).toEqual([false, []]);
    await pass(10 * STOP_RETRY_MS);
    expect(brake.attempts).toBe(1);
  });

  it.each([full, new StoreOverloaded('too much waits'), new Error('EIO')])(
    'is in force without the store: %s',
    async (error) => {
      const brake = new Brake('halt r1', [error, error, 'stored']);
      await expect(stops.enforce(brake)).rejects.toMatchObject(notDurable);
      expect(brake.isOn).toBe(true);
      expect(stops.list()).toEqual([{ stop: 'halt r1', since: SINCE }]);
      expect(await metrics.registry.metrics()).toContain('sluice_stops_not_durable 1');
      await pass(STOP_RETRY_MS - 1);
      expect(brake.attempts).toBe(1);
      await pass(1);
      expect([brake.attempts, brake.isOn]).toEqual([2, true]);
      await pass(STOP_RETRY_MS);
      expect([brake.attempts, brake.isOn, waiting()]).toEqual([3, false, []]);
      expect(await metrics.registry.metrics()).toContain('sluice_stops_not_durable 0');
      await pass(10 * STOP_RETRY_MS);
      expect(brake.attempts).toBe(3);
    },
  );

  it('does not wait for a store that does not answer, nor ask it twice at a time', async () => {
    const brake = new Brake('halt r1', ['hangs']);
    const answer = expect(stops.enforce(brake)).rejects.toMatchObject(notDurable);
    await pass(STOP_ANSWERED_WITHIN_MS - 1);
    expect(brake.isOn).toBe(false);
    await pass(1);
    await answer;
    expect(brake.isOn).toBe(true);
    await pass(10 * STOP_RETRY_MS);
    expect([brake.attempts, waiting()]).toEqual([1, ['halt r1']]);
    brake.comeBack();
    await turns();
    expect([brake.isOn, waiting()]).toEqual([false, []]);
  });

  it('tries again when the answer that was awaited is a failure', async () => {
    const brake = new Brake('halt r1', ['hangs', 'stored']);
    const answer = expect(stops.enforce(brake)).rejects.toMatchObject(notDurable);
    await pass(STOP_ANSWERED_WITHIN_MS);
    await answer;
    brake.comeBack(full);
    await turns();
    expect(brake.isOn).toBe(true);
    await pass(STOP_RETRY_MS);
    expect([brake.attempts, brake.isOn]).toEqual([2, false]);
  });

  it('passes a refusal on, by the store or by memory, and keeps nothing', async () => {
    const refused = new Rejection('patch-not-found');
    await expect(stops.enforce(new Brake('a', [refused]))).rejects.toBe(refused);
    const problem = new ProblemError('not-ready');
    await expect(stops.enforce(new Brake('b', [problem]))).rejects.toBe(problem);
    const unknown = new Brake('c', [full]);
    unknown.begin = () => {
      throw refused;
    };
    await expect(stops.enforce(unknown)).rejects.toBe(refused);
    expect(waiting()).toEqual([]);
  });

  it('answers with nothing when there is nothing to stop', async () => {
    const brake = new Brake('halt r1', [full]);
    brake.isNeeded = false;
    expect(await stops.enforce(brake)).toBeUndefined();
    expect(waiting()).toEqual([]);
  });

  it('changes nothing further when the same stop comes again, at once or later', async () => {
    const [first, twin, later] = [0, 1, 2].map(() => new Brake('halt r1', [full]));
    if (first === undefined || twin === undefined || later === undefined) throw new Error('three brakes');
    const both = await Promise.allSettled([stops.enforce(first), stops.enforce(twin)]);
    expect(both).toMatchObject([{ reason: notDurable }, { reason: notDurable }]);
    await expect(stops.enforce(later)).rejects.toMatchObject(notDurable);
    expect([first.isOn, twin.isOn, later.isOn, later.attempts]).toEqual([true, false, false, 0]);
    expect(waiting()).toEqual(['halt r1']);
  });

  it('ends a stop that the store refuses later, because it holds something else now', async () => {
    const brake = new Brake('halt r1', [full, new Rejection('rollout-over')]);
    await expect(stops.enforce(brake)).rejects.toMatchObject(notDurable);
    await pass(STOP_RETRY_MS);
    expect([brake.isOn, waiting()]).toEqual([false, []]);
  });

  it('keeps each stop apart from the others', async () => {
    const [stuck, quick] = [new Brake('halt r1', [full]), new Brake('halt r2', [full, 'stored'])];
    await Promise.allSettled([stops.enforce(stuck), stops.enforce(quick)]);
    expect(waiting()).toEqual(['halt r1', 'halt r2']);
    await pass(STOP_RETRY_MS);
    expect(waiting()).toEqual(['halt r1']);
  });

  it('tries no more once the application is shut down', async () => {
    const brake = new Brake('halt r1', [full]);
    await expect(stops.enforce(brake)).rejects.toMatchObject(notDurable);
    stops.onApplicationShutdown();
    await pass(10 * STOP_RETRY_MS);
    expect(brake.attempts).toBe(1);
  });
});
