import { type Directive } from '@sluice/contracts/device-protocol';
import { type FeedEvent } from '@sluice/event-feed';
import { ManualClock } from '@sluice/platform';
import { RecordedTraces, traceparentOf } from '@sluice/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { FirstRefusals } from './first-refusals.ts';

const START_MS = Date.parse('2026-03-17T10:00:00Z');
const lease = { expiresAt: '2026-03-17T11:00:00.000Z', recallEpoch: 1 };
const answered = { lease, nextCheckInSeconds: 60 };
const refused = (patchId: string): Directive => ({ directive: 'none', reason: 'pulled', patchId, ...answered });
const removed = (...patchIds: string[]): Directive => ({
  directive: 'remove',
  reason: 'recalled',
  patchIds,
  ...answered,
});

let traces: RecordedTraces;
let clock: ManualClock;
let refusals: FirstRefusals;

beforeEach(() => {
  traces = new RecordedTraces();
  clock = new ManualClock(START_MS);
  refusals = new FirstRefusals(traces, clock);
});

function pull(patchId: string, traceparent?: string): void {
  const data = { type: 'PatchPulled', patchId };
  refusals.hear({ data, ...(traceparent !== undefined && { traceparent }) } as FeedEvent);
}

describe('ending the trace of a pull', () => {
  it('ends it with the first check-in that is refused for it, and with no other', async () => {
    pull('p1', traceparentOf(7));
    await clock.advanceTo(START_MS + 250);
    refusals.note({ directive: 'none', reason: 'beyond-exposure', patchId: 'p1', ...answered });
    refusals.note(refused('p2'));
    expect(traces.steps).toEqual([]);
    refusals.note(refused('p1'));
    refusals.note(refused('p1'));
    expect(traces.steps).toEqual([
      {
        name: 'first refused check-in',
        parent: traceparentOf(7),
        traceparent: traceparentOf(1),
        failure: null,
        details: {
          'sluice.patch': 'p1',
          'sluice.directive': 'none',
          'sluice.reason': 'pulled',
          'sluice.ms_since_heard': 250,
        },
      },
    ]);
  });

  it('ends those of all patches that a device is to remove', () => {
    pull('p1', traceparentOf(7));
    pull('p2', traceparentOf(8));
    refusals.note(removed('p1', 'p2', 'p3'));
    expect(traces.steps.map(({ parent }) => parent)).toEqual([traceparentOf(7), traceparentOf(8)]);
  });

  it('waits for no pull that is not traced, and of the others for the hundred youngest', () => {
    pull('untraced');
    for (let n = 1; n <= 150; n += 1) pull(`p${String(n)}`, traceparentOf(n));
    refusals.note(refused('untraced'));
    for (let n = 1; n <= 150; n += 1) refusals.note(refused(`p${String(n)}`));
    expect(traces.steps.map(({ parent }) => parent)).toEqual(
      Array.from({ length: 100 }, (_, n) => traceparentOf(51 + n)),
    );
  });
});
