import { appendOf, StoppedClock } from '@sluice/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { type Commit } from './event-store.ts';
import { followStore } from './follow-store.ts';
import { Follower } from './follower.ts';
import { InMemoryEventStore } from './in-memory-event-store.ts';

describe('following a store', () => {
  let store: InMemoryEventStore;
  const follow = (apply: (commit: Commit) => void | Promise<void>) =>
    followStore(store, { kind: 'process', name: 'test', streams: ['s-'], apply });
  const append = (stream: string, commitId: string) => store.append(appendOf({ stream, commitId }));

  beforeEach(() => {
    store = new InMemoryEventStore(new StoppedClock());
  });

  it('has applied everything up to a position once that is reached', async () => {
    const applied: string[] = [];
    const follower = follow((commit) => void applied.push(commit.commitId));
    await append('s-1', 'a');
    follower.start();
    const { position } = await append('s-1', 'b');
    await follower.reached(position);
    expect(applied).toEqual(['a', 'b']);
    expect(follower).toMatchObject({ caughtUp: true, position: '2', failedBecause: undefined });
    await follower.stop();
  });

  it('reaches positions of commits that it does not follow', async () => {
    const follower = follow(() => undefined);
    follower.start();
    await follower.reached((await append('other-1', 'a')).position);
    await follower.reached('0');
    await follower.stop();
  });

  it('applies one commit after the other, though applying takes time', async () => {
    const steps: string[] = [];
    const follower = follow(async ({ commitId }) => {
      steps.push(`${commitId} begins`);
      await Promise.resolve();
      steps.push(`${commitId} ends`);
    });
    follower.start();
    await append('s-1', 'a');
    await follower.reached((await append('s-1', 'b')).position);
    expect(steps).toEqual(['a begins', 'a ends', 'b begins', 'b ends']);
    await follower.stop();
  });

  it('stops at a failure, and rejects those who wait now and later', async () => {
    const applied: Commit[] = [];
    const follower = follow((commit) => {
      if (commit.commitId === 'bad') throw new Error('cannot apply');
      applied.push(commit);
    });
    const waiting = follower.reached('3');
    follower.start();
    for (const commitId of ['a', 'bad', 'c']) await append('s-1', commitId);
    await expect(waiting).rejects.toThrow('cannot apply');
    await expect(follower.reached('1')).rejects.toThrow('cannot apply');
    expect(applied).toHaveLength(1);
    expect(follower.failedBecause).toMatchObject({
      message: expect.stringMatching(/^test cannot apply revision 1 of stream s-1, record 2: cannot apply\./),
    });
  });

  it('rejects those who wait when it is stopped', async () => {
    const follower = follow(() => undefined);
    follower.start();
    const waiting = expect(follower.reached('1')).rejects.toThrow('was stopped');
    await follower.stop();
    await waiting;
  });

  it('fails when its subscription ends without being told to', async () => {
    const follower = new Follower<never>(
      'test',
      async function* () {},
      () => undefined,
    );
    follower.start();
    await expect(follower.reached('1')).rejects.toThrow('has ended');
  });
});
