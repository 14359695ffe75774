import { type DomainEvent, InMemoryEventStore, type ReadOptions } from '@sluice/event-sourcing';
import { ManualClock } from '@sluice/platform';
import { beforeEach, describe, expect, it } from 'vitest';
import { firstRecordOf, pastAt } from './past-policy.ts';

const START = Date.parse('2026-03-17T12:00:00Z');
const at = (minutes: number) => new Date(START + minutes * 60_000).toISOString();

/** Tells from where it was read. */
class ReadStore extends InMemoryEventStore {
  readonly from: (string | undefined)[] = [];

  override readAll(options: ReadOptions = {}) {
    this.from.push(options.after);
    return super.readAll(options);
  }
}

let clock: ManualClock;
let store: ReadStore;

beforeEach(async () => {
  clock = new ManualClock(START);
  store = new ReadStore(clock);
  const plan = { patchId: 'a', waves: [], holdBackPercent: 0, gates: { installFailureRateMax: 0.01 }, salt: 's' };
  await happens(0, { type: 'RolloutPlanned', rolloutId: 'r1', plan });
  await happens(10, { type: 'RolloutStarted', rolloutId: 'r1', patchId: 'a', slices: 1, exposure: 'granted' });
  await happens(20, { type: 'RolloutPaused', rolloutId: 'r1', reason: 'lunch' });
  await happens(20, { type: 'RolloutResumed', rolloutId: 'r1' });
  await happens(30, { type: 'RolloutAborted', rolloutId: 'r1', reason: 'enough' });
});

async function happens(minutes: number, event: DomainEvent & Readonly<Record<string, unknown>>) {
  await clock.advanceTo(START + minutes * 60_000);
  const body = { kind: 'events', events: [{ ...event, at: at(minutes) }] } as const;
  const metadata = { actor: 'spec', correlationId: 'c' };
  const commitId = `${String(minutes)} ${event.type}`;
  await store.append({ stream: 'rollout-r1', expected: 'any', commitId, metadata, body });
}

async function statusAt(minutes: number) {
  const { policy, position } = await pastAt(store, store.lineage, at(minutes));
  return [policy.rollouts.get('r1')?.state.status, position];
}

describe('folding the past', () => {
  it('is the prefix up to the last commit that was recorded at or before the instant', async () => {
    expect(await statusAt(-1)).toEqual([undefined, undefined]);
    expect(await statusAt(0)).toEqual(['planned', '1']);
    expect(await statusAt(15)).toEqual(['running', '2']);
    expect(await statusAt(20)).toEqual(['running', '4']);
    expect(await statusAt(99)).toEqual(['aborted', '5']);
  });

  it('goes on from what was folded for an earlier instant, and never from a later one', async () => {
    for (const minutes of [30, 10, 25, 10]) await statusAt(minutes);
    expect(store.from).toEqual(['0', '0', '2', '2']);
    expect(await statusAt(10)).toEqual(['running', '2']);
    expect(await statusAt(30)).toEqual(['aborted', '5']);
  });

  it('keeps what was folded apart from what is done with it', async () => {
    const { policy } = await pastAt(store, store.lineage, at(10));
    policy.rollouts.clear();
    expect(await statusAt(10)).toEqual(['running', '2']);
  });

  it('stays right however many instants are asked for', async () => {
    for (let minutes = 31; minutes < 60; minutes += 1)
      await happens(minutes, { type: 'RolloutStarted', rolloutId: `r${String(minutes)}` });
    for (let minutes = 59; minutes >= 0; minutes -= 1) {
      const expected = minutes < 10 ? 'planned' : minutes < 30 ? 'running' : 'aborted';
      expect((await statusAt(minutes))[0]).toBe(expected);
    }
  });

  it('knows when the past begins', async () => {
    expect(await firstRecordOf(store, store.lineage)).toBe(at(0));
    const empty = new InMemoryEventStore(clock);
    expect(await firstRecordOf(empty, empty.lineage)).toBeUndefined();
  });
});
