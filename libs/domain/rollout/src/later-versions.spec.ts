import { fold } from '@sluice/event-sourcing';
import { describe, expect, it } from 'vitest';
import { halted, MORNING, opened, planned, published, started } from './examples.ts';
import { type HoldEvent, holdDecider } from './hold.ts';
import { describePolicy, emptyPolicy, foldPolicy, type PolicyEvent } from './policy.ts';
import { recallDecider, type RecallEvent } from './recall.ts';
import { rolloutDecider } from './rollout.ts';

/** What no union has: only a later version could have written it. */
const later = { type: 'Blessed', rolloutId: 'r1', patchId: 'a', holdId: 'h1', recallEpoch: 7, at: MORNING } as never;

describe('folding an event of a later version', () => {
  it.each([
    ['a planned rollout', [planned()]],
    ['a running rollout', [planned(), started(), opened(1)]],
    ['a halted rollout', [planned(), started(), opened(1), halted(MORNING)]],
  ])('leaves %s as it is', (_, events) => {
    const state = fold(rolloutDecider, events);
    expect(rolloutDecider.evolve(state, later)).toBe(state);
  });

  it('leaves a hold, a recall and the policy as they are', () => {
    const terms = { slice: {}, reason: 'it smokes', owner: 'ann', expiresAt: MORNING };
    const placed: HoldEvent = { type: 'HoldPlaced', holdId: 'h1', ...terms, at: MORNING };
    const hold = fold(holdDecider, [placed]);
    expect(holdDecider.evolve(hold, later)).toBe(hold);
    const recalled: RecallEvent = { type: 'RecallStarted', patchId: 'a', recallEpoch: 1, reason: 'bad', at: MORNING };
    const recall = fold(recallDecider, [recalled]);
    expect(recallDecider.evolve(recall, later)).toBe(recall);
    const events: PolicyEvent[] = [published('a'), planned(), started(), placed];
    const policy = events.reduce(foldPolicy, emptyPolicy());
    const before = describePolicy(policy);
    expect(describePolicy(foldPolicy(policy, later))).toEqual(before);
    expect(describePolicy(foldPolicy(emptyPolicy(), later))).toEqual(describePolicy(emptyPolicy()));
  });
});
