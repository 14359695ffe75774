import { describe, expect, it } from 'vitest';
import { onFirstSkipped, skippedEvents, understood } from './stored-events.ts';

const pulled = { type: 'PatchPulled', patchId: 'a', mode: 'withdraw', reason: 'bad', recallEpoch: 1, at: '' };

describe('reading stored events', () => {
  it('hands over what it knows as it is', () => {
    const events = [pulled, { ...pulled, type: 'PatchSuperseded' }];
    expect(understood(events)).toBe(events);
    expect(understood([{ ...pulled, v: 1 }])).toEqual([{ ...pulled, v: 1 }]);
  });

  it('skips types and versions of a later Sluice, counts them, and names each once', () => {
    const named: string[] = [];
    onFirstSkipped((type) => named.push(type));
    const later = [{ type: 'PatchBlessed' }, pulled, { ...pulled, v: 7 }, { type: 'PatchBlessed' }];
    expect(understood(later)).toEqual([pulled]);
    expect(named).toEqual(['PatchBlessed', 'PatchPulled.v7']);
    expect(skippedEvents().get('PatchBlessed')).toBe(2);
  });
});
