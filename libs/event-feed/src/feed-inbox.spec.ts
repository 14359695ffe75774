import { describe, expect, it } from 'vitest';
import { type DeadLetter, DeadLetters, letterId, type LetterState } from './dead-letters.ts';
import { type FeedEvent } from './event-feed.ts';
import { FeedInbox } from './feed-inbox.ts';
import { feedEvent, ScriptedFeed } from './scripted-feed.fixture.ts';

const ATTEMPTS = 3;
const never = new AbortController().signal;
const at = (revision: number, index = 0) => ({ revision, index });
const nameOf = ({ stream, place }: FeedEvent) => `${stream} ${String(place.revision)}.${String(place.index)}`;

/** Keeps letters in memory, and says what was done with them. */
class NotedLetters extends DeadLetters {
  readonly log: string[] = [];

  constructor(readonly states = new Map<string, LetterState>()) {
    super();
  }

  override load = async () => new Map(this.states);
  override mayRetry = async (attempt: number) => attempt < ATTEMPTS;

  override async park(letter: DeadLetter): Promise<void> {
    this.log.push(`parked ${nameOf(letter.event)}${letter.reason === undefined ? '' : `: ${letter.reason}`}`);
    this.states.set(letterId(letter), 'parked');
  }

  override async settle(letter: DeadLetter, state: LetterState, actor: string): Promise<void> {
    this.log.push(`${state} ${nameOf(letter.event)} by ${actor}`);
    this.states.set(letterId(letter), state);
  }
}

function letterOf({ letters }: FeedInbox): DeadLetter {
  const [first] = letters;
  if (first === undefined) throw new Error('nothing is parked');
  return first;
}

function inbox(feed: ScriptedFeed, bad = new Set<string>()) {
  const applied: string[] = [];
  const tried: string[] = [];
  const apply = (event: FeedEvent) => {
    tried.push(nameOf(event));
    if (bad.has(nameOf(event))) throw new Error('too odd');
    applied.push(nameOf(event));
  };
  const box = new FeedInbox(feed, { name: 'spec', source: 'catalog', topics: ['catalog'], apply });
  const accept = async (...events: { event: FeedEvent }[]) => {
    for (const { event } of events) await box.accept(event, never);
  };
  return { box, accept, applied, tried };
}

describe('taking in the events of a feed', () => {
  it('fetches what is missing from the owner, in order, before what comes after it', async () => {
    const owned = [
      feedEvent('s', 0, 0),
      feedEvent('s', 1, 0, at(0)),
      feedEvent('s', 1, 1, at(1)),
      feedEvent('s', 4, 0, at(1, 1)),
    ];
    const feed = new ScriptedFeed([], owned);
    const { accept, applied } = inbox(feed);
    await accept(feedEvent('s', 0, 0), feedEvent('s', 4, 0, at(1, 1)), feedEvent('s', 1, 0, at(0)));
    expect(applied).toEqual(['s 0.0', 's 1.0', 's 1.1', 's 4.0']);
    expect(feed.asked).toEqual(['s from 0']);
  });

  it('fetches the beginning of a stream that it meets in its middle', async () => {
    const feed = new ScriptedFeed([], [feedEvent('s', 0, 0), feedEvent('s', 1, 0, at(0))]);
    const { accept, applied } = inbox(feed);
    await accept(feedEvent('s', 1, 0, at(0)));
    expect(applied).toEqual(['s 0.0', 's 1.0']);
  });

  it('applies nothing across a hole that could not be filled before the end', async () => {
    const { box, applied } = inbox(new ScriptedFeed([], []));
    await box.accept(feedEvent('s', 5, 0, at(4)).event, AbortSignal.abort());
    expect(applied).toEqual([]);
  });

  it('asks nobody when nothing is missing, and takes what the owner does not have for not missing', async () => {
    const feed = new ScriptedFeed([], []);
    const { accept, applied } = inbox(feed);
    await accept(feedEvent('s', 3, 1), feedEvent('s', 7, 0, at(3, 1)));
    expect(feed.asked).toEqual([]);
    await accept(feedEvent('s', 9, 0, at(8)));
    expect(feed.asked).toEqual(['s from 7']);
    expect(applied).toEqual(['s 3.1', 's 7.0', 's 9.0']);
  });
});

describe('parking what cannot be applied', () => {
  it('tries again, then parks the event and what follows in its stream, and goes on with other streams', async () => {
    const letters = new NotedLetters();
    const { box, accept, applied, tried } = inbox(new ScriptedFeed([], [], letters), new Set(['s 1.0']));
    await accept(feedEvent('s', 0, 0), feedEvent('s', 1, 0, at(0)), feedEvent('s', 2, 0, at(1)), feedEvent('t', 0, 0));
    expect(applied).toEqual(['s 0.0', 't 0.0']);
    expect(tried.filter((each) => each === 's 1.0')).toHaveLength(ATTEMPTS);
    expect(letters.log).toEqual(['parked s 1.0: too odd', 'parked s 2.0']);
    expect(box.letters.map(({ event, reason }) => [nameOf(event), reason])).toEqual([
      ['s 1.0', 'too odd'],
      ['s 2.0', undefined],
    ]);
  });

  it('applies the parked event and those behind it once that is possible', async () => {
    const bad = new Set(['s 0.0']);
    const letters = new NotedLetters();
    const { box, accept, applied } = inbox(new ScriptedFeed([], [], letters), bad);
    await accept(feedEvent('s', 0, 0), feedEvent('s', 1, 0, at(0)));
    expect(await box.retry(letterOf(box), 'ann')).toHaveLength(2);
    bad.clear();
    expect(await box.retry(letterOf(box), 'ann')).toEqual([]);
    expect(applied).toEqual(['s 0.0', 's 1.0']);
    expect(letters.log.slice(-2)).toEqual(['applied s 0.0 by ann', 'applied s 1.0 by ann']);
    await accept(feedEvent('s', 2, 0, at(1)));
    expect(applied).toHaveLength(3);
  });

  it('drops a discarded event for good, also in the next run, and applies those behind it', async () => {
    const bad = new Set(['s 0.0']);
    const letters = new NotedLetters();
    const first = inbox(new ScriptedFeed([], [], letters), bad);
    await first.accept(feedEvent('s', 0, 0), feedEvent('s', 1, 0, at(0)));
    expect(await first.box.discard(letterOf(first.box), 'ann')).toEqual([]);
    expect(first.applied).toEqual(['s 1.0']);
    const second = inbox(new ScriptedFeed([], [], new NotedLetters(letters.states)), bad);
    await second.box.recall();
    await second.accept(feedEvent('s', 0, 0), feedEvent('s', 1, 0, at(0)));
    expect(second.applied).toEqual(['s 1.0']);
    expect(second.tried).toEqual(['s 1.0']);
  });

  it('parks an event of an earlier run again without writing it down again, or applies it when that works now', async () => {
    const states = new Map<string, LetterState>([['spec/s/0/0', 'parked']]);
    const letters = new NotedLetters(states);
    const still = inbox(new ScriptedFeed([], [], letters), new Set(['s 0.0']));
    await still.box.recall();
    await still.accept(feedEvent('s', 0, 0));
    expect(letters.log).toEqual([]);
    expect(still.box.letters).toHaveLength(1);
    const mended = inbox(new ScriptedFeed([], [], letters));
    await mended.box.recall();
    await mended.accept(feedEvent('s', 0, 0));
    expect(mended.applied).toEqual(['s 0.0']);
    expect(letters.states.get('spec/s/0/0')).toBe('applied');
  });

  it('lets decisions and new events take turns', async () => {
    const letters = new NotedLetters();
    const bad = new Set(['s 0.0']);
    const { box, accept, applied } = inbox(new ScriptedFeed([], [], letters), bad);
    await accept(feedEvent('s', 0, 0));
    bad.clear();
    const letter = letterOf(box);
    await Promise.all([box.retry(letter, 'ann'), accept(feedEvent('s', 1, 0, at(0))), box.retry(letter, 'bob')]);
    expect(applied).toEqual(['s 0.0', 's 1.0']);
    expect(box.letters).toEqual([]);
  });

  it('drops the event that was meant, though two ask for it at once', async () => {
    const letters = new NotedLetters();
    const { box, accept } = inbox(new ScriptedFeed([], [], letters), new Set(['s 0.0', 's 1.0']));
    await accept(feedEvent('s', 0, 0), feedEvent('s', 1, 0, at(0)));
    const letter = letterOf(box);
    const answers = await Promise.all([box.discard(letter, 'ann'), box.discard(letter, 'bob')]);
    expect(answers.map((parked) => parked.map(({ event }) => nameOf(event)))).toEqual([['s 1.0'], ['s 1.0']]);
    expect(letters.log.filter((each) => each.startsWith('discarded'))).toEqual(['discarded s 0.0 by ann']);
  });

  it('throws where there is nowhere to park', async () => {
    const { accept } = inbox(new ScriptedFeed([]), new Set(['s 0.0']));
    await expect(accept(feedEvent('s', 0, 0))).rejects.toThrow('too odd');
  });
});
