import { EventEmitter } from 'node:events';
import { type Consumer } from 'kafkajs';
import { describe, expect, it } from 'vitest';
import { type Assignment, type ConsumerLifeOptions, liveOnce } from './consumer-life.ts';

/** A consumer that a spec has say what the driver's would. */
class ScriptedConsumer {
  readonly events = { CRASH: 'crash', GROUP_JOIN: 'join' };
  readonly did: string[] = [];
  private readonly emitter = new EventEmitter();

  on(name: string, hear: (event: object) => void): void {
    this.emitter.on(name, hear);
  }

  disconnect(): Promise<void> {
    this.did.push('disconnect');
    return Promise.resolve();
  }

  crash(error: Error): void {
    this.emitter.emit('crash', { payload: { error } });
  }

  join(assignment: Assignment): void {
    this.emitter.emit('join', { payload: { memberAssignment: assignment } });
  }
}

function begin(more: Partial<ConsumerLifeOptions> = {}) {
  const consumer = new ScriptedConsumer();
  const joined: Assignment[] = [];
  const stop = new AbortController();
  const ended = liveOnce(consumer as unknown as Consumer, {
    signal: stop.signal,
    start: () => Promise.resolve(),
    onJoined: (assignment) => joined.push(assignment),
    ...more,
  });
  return { consumer, joined, stop, ended };
}

describe('living the life of a consumer', () => {
  it('tells each assignment, and ends with what crashed it', async () => {
    const { consumer, joined, ended } = begin();
    consumer.join({ t: [0, 1] });
    consumer.join({ t: [1] });
    consumer.crash(new Error('gone'));
    expect(await ended).toEqual(new Error('gone'));
    expect([joined, consumer.did]).toEqual([[{ t: [0, 1] }, { t: [1] }], ['disconnect']]);
  });

  it.each<[string, (its: ReturnType<typeof begin>) => void]>([
    ['a crash', ({ consumer }) => consumer.crash(new Error('gone'))],
    ['a stop', ({ stop }) => stop.abort()],
  ])('is not brought back by a group that it joins after %s', async (_, end) => {
    const its = begin();
    its.consumer.join({ t: [0] });
    end(its);
    await its.ended;
    its.consumer.join({ t: [0, 1, 2] });
    expect(its.joined).toEqual([{ t: [0] }]);
  });

  it('does not hear of its group once it has ended, while its connections are being closed', async () => {
    const closing = Promise.withResolvers<undefined>();
    const its = begin({ onEnded: () => its.consumer.join({ t: [5] }) });
    its.consumer.disconnect = () => closing.promise;
    its.consumer.crash(new Error('gone'));
    closing.resolve(undefined);
    await its.ended;
    expect(its.joined).toEqual([]);
  });

  it('ends with why it could not start, and closes what it had opened', async () => {
    const { consumer, ended } = begin({ start: () => Promise.reject(new Error('no broker')) });
    expect(await ended).toEqual(new Error('no broker'));
    expect(consumer.did).toEqual(['disconnect']);
  });

  it('ends with what is watched, and tells the watch and the start that it has', async () => {
    const signals: AbortSignal[] = [];
    const start = (signal: AbortSignal) => Promise.resolve(void signals.push(signal));
    const watch = (signal: AbortSignal) => Promise.resolve(signals.push(signal) && 'stuck');
    expect(await begin({ start, watch }).ended).toBe('stuck');
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]);
  });
});
