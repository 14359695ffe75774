import { describe, expect, it } from 'vitest';
import { listEventTypes } from './event-types.ts';
import { topics } from './events.ts';
import { countSkipped, onFirstSkipped, skippedEvents, SKIPPED_TYPES_MAX, stamp, understand } from './stored-events.ts';

const pulled = { type: 'PatchPulled', patchId: 'a', mode: 'withdraw', reason: 'bad', recallEpoch: 1, at: '' };
/** As if pulls were once stored without a mode. */
const types = listEventTypes({ PatchPulled: [(data) => ({ ...data, mode: 'withdraw' })] });

describe('reading stored events', () => {
  it('hands over what is current as it is', () => {
    expect(understand('patch-a', [pulled, { ...pulled, type: 'PatchSuperseded' }])).toBeUndefined();
  });

  it('brings each event to the current version of its type', () => {
    const { mode: _, ...older } = pulled;
    const stored = [older, stamp(pulled, types)];
    expect(stored[1]).toEqual({ ...pulled, v: 2 });
    expect(understand('patch-a', stored, types)).toEqual({ events: [pulled, pulled] });
  });

  it('leaves out types and versions of a later Sluice, keeps the places of the others, and names each once', () => {
    const named: string[] = [];
    onFirstSkipped((type) => named.push(type));
    const later = [{ type: 'PatchBlessed' }, pulled, { ...pulled, v: 7 }, { type: 'PatchBlessed' }];
    expect(understand('patch-a', later)).toEqual({ events: [pulled], places: [1] });
    expect(named).toEqual(['PatchBlessed', 'PatchPulled.v7']);
    expect(skippedEvents().get('PatchBlessed')).toBe(2);
  });

  it('knows what a service keeps to itself, in its present version', () => {
    expect(understand('fleet-0', [{ type: 'ShardNoted' }])).toBeUndefined();
    expect(understand('fleet-0', [{ type: 'ShardNoted', v: 2 }])).toEqual({ events: [], places: [] });
  });

  it('passes over streams that are of no topic', () => {
    expect(understand('builds-ios', [{ type: 'Reserved' }])).toBeUndefined();
  });

  it('tells so many types apart and no more, and no odd names', () => {
    countSkipped('odd name', 1);
    for (let number = 0; number < 2 * SKIPPED_TYPES_MAX; number += 1) countSkipped('PatchPulled', 100 + number);
    expect(skippedEvents().size).toBe(SKIPPED_TYPES_MAX);
    expect(skippedEvents().get('other')).toBeGreaterThan(SKIPPED_TYPES_MAX);
  });
});

describe('stamping events that are to be stored', () => {
  it('writes no version while a type has only one', () => {
    expect(stamp(pulled)).toBe(pulled);
  });
});

describe('keeping receipts', () => {
  it('has a place for one in every event of a stream that forms a chain', () => {
    const events = [...topics.catalog.events, ...topics.rollouts.events];
    const without = events.filter((schema) => !('receipt' in schema.properties));
    expect(without.map(({ properties }) => properties.type.const)).toEqual([]);
  });
});
