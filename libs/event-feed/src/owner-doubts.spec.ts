import { describe, expect, it } from 'vitest';
import { type EventFeed, type FeedEvent } from './event-feed.ts';
import { followFeed } from './feed-follower.ts';
import { FeedInbox } from './feed-inbox.ts';
import { feedEvent, ScriptedFeed } from './scripted-feed.fixture.ts';

const never = new AbortController().signal;

function ofCommit(commitId: string | undefined, stream = 's') {
  const { event } = feedEvent(stream, 0, 0);
  return { kind: 'event' as const, event: { ...event, ...(commitId !== undefined && { commitId }) } };
}

function inbox(feed: EventFeed) {
  const applied: FeedEvent[] = [];
  const troubles: string[] = [];
  const apply = (event: FeedEvent) => void applied.push(event);
  const box = new FeedInbox(feed, { name: 'spec', source: 'catalog', topics: ['catalog'], apply });
  box.doubts.onTrouble = (words) => void troubles.push(words);
  const accept = async (...events: { event: FeedEvent }[]) => {
    for (const { event } of events) await box.accept(event, never);
    await new Promise((resolve) => setTimeout(resolve));
  };
  return { doubts: box.doubts, accept, applied, troubles };
}

describe('meeting another event at the place of one that was applied', () => {
  it.each([
    ['has the other one', [ofCommit('new')]],
    ['has nothing there any more', []],
  ])('is contradicted, and says so once, when the owner %s', async (_, owned) => {
    const { doubts, accept, applied, troubles } = inbox(new ScriptedFeed([], owned));
    await accept(ofCommit('old'), ofCommit('new'), ofCommit('new'));
    expect(applied).toHaveLength(1);
    const words = 'catalog has another event at s/0/0 than was applied: restart this process to read it anew';
    expect([doubts.contradiction, troubles]).toEqual([words, [words]]);
  });

  it('drops and counts records that the owner does not have, and asks and says so once', async () => {
    const feed = new ScriptedFeed([], [ofCommit('old')]);
    const { doubts, accept, troubles } = inbox(feed);
    await accept(ofCommit('old'), ofCommit('forged'), ofCommit('forged'));
    await accept(ofCommit('another'));
    expect([doubts.contradiction, doubts.dropped, feed.asked]).toEqual([undefined, 3, ['s from 0']]);
    expect(troubles).toEqual(['catalog knows nothing of a record at s/0/0: it is dropped. Who can write it?']);
  });

  it.each([
    ['the same event again', 'old', 'old'],
    ['an event of an owner that names no commits', 'old', undefined],
    ['an event after one of such an owner', undefined, 'new'],
  ])('asks nobody about %s', async (_, first, second) => {
    const feed = new ScriptedFeed([], [ofCommit('new')]);
    const { doubts, accept } = inbox(feed);
    await accept(ofCommit(first), ofCommit(second));
    expect([doubts.contradiction, doubts.dropped, feed.asked]).toEqual([undefined, 0, []]);
  });

  it('takes no answer for a contradiction from an owner that names no commits', async () => {
    const { doubts, accept } = inbox(new ScriptedFeed([], [ofCommit(undefined)]));
    await accept(ofCommit('old'), ofCommit('new'));
    expect([doubts.contradiction, doubts.dropped]).toEqual([undefined, 0]);
  });

  it('goes on while the owner is away, asks one thing at a time, and is contradicted when too much differs', async () => {
    class AbsentOwner extends ScriptedFeed {
      override async *readStream(request: Parameters<EventFeed['readStream']>[0]): AsyncGenerator<FeedEvent> {
        yield* super.readStream(request);
        await new Promise(() => undefined);
      }
    }
    const feed = new AbsentOwner([], []);
    const { doubts, accept, applied } = inbox(feed);
    for (let stream = 0; stream <= 100; stream += 1) {
      expect(doubts.contradiction).toBeUndefined();
      await accept(ofCommit('old', String(stream)), ofCommit('new', String(stream)), ofCommit('new', String(stream)));
    }
    expect([applied.length, feed.asked]).toEqual([101, ['0 from 0']]);
    expect(doubts.contradiction).toContain('catalog differs in more than 100 places');
  });

  it('is contradicted when the owner refuses to answer', async () => {
    class RefusingOwner extends ScriptedFeed {
      override readStream(): never {
        throw new Error('catalog answered 400');
      }
    }
    const { doubts, accept } = inbox(new RefusingOwner([]));
    await accept(ofCommit('old'), ofCommit('new'));
    expect(doubts.contradiction).toContain('cannot say what is true of s/0/0: catalog answered 400');
  });
});

describe('hearing that a source has come less far than before', () => {
  const progress = (position: string) => ({ kind: 'progress' as const, position });

  it.each([
    [
      '12',
      'catalog ends at 12, and 20 was applied, as if its store had been restored: restart this process to read it anew',
    ],
    ['20', undefined],
  ])('asks the owner, which ends at %s', async (head, contradiction) => {
    const feed = new ScriptedFeed([progress('20'), progress('10'), progress('9')]);
    feed.head = head;
    const follower = followFeed(feed, { name: 'spec', source: 'catalog', topics: ['catalog'], apply: () => undefined });
    follower.start();
    await follower.reached('20');
    await expect.poll(() => feed.asked.length).toBeGreaterThan(0);
    await expect.poll(() => follower.inbox.doubts.contradiction).toBe(contradiction);
    expect(follower.position).toBe('20');
    await follower.stop();
  });
});
