import { describe, expect, it } from 'vitest';
import { evidence, granted, granting, minute, minuteMs, opened, phonesWave, planned } from './examples.ts';
import { type RolloutEvent } from './rollout-messages.ts';
import { rolloutTimeline } from './timeline.ts';

const at = (minutes: number) => ({ rolloutId: 'r1', at: minute(minutes) });
const begin: RolloutEvent[] = [planned({ waves: [phonesWave] }), granting(), opened(1)];
const grants = [granted(1, 0, 60, { percents: [0, 50] }), granted(1, 60, 120, { percents: [50, 100] })];

describe('drawing the timeline of a rollout', () => {
  it('has nothing before its start but its plan', () => {
    expect(rolloutTimeline([planned()], { nowMs: minuteMs(5), points: 10 })).toMatchObject({
      startedAtMs: undefined,
      points: [],
      marks: [{ what: 'RolloutPlanned' }],
    });
  });

  it('shows what was granted, where it stood still, and what would have been without a stop', () => {
    const paused: RolloutEvent = { ...at(30), type: 'RolloutPaused', reason: 'look' };
    const { points, marks } = rolloutTimeline([...begin, ...grants.slice(0, 1), paused], {
      nowMs: minuteMs(120),
      points: 5,
    });
    const percents = points.map(({ grantedPercent }) => grantedPercent);
    expect(points.map(({ atMs }) => atMs)).toEqual([0, 30, 60, 90, 120].map(minuteMs));
    expect(percents).toEqual([0, 25, 25, 25, 25]);
    const [first, , , , last] = points.map(({ plannedPercent }) => plannedPercent ?? NaN);
    expect(last).toBeGreaterThan(first ?? NaN);
    expect(marks.map(({ what, words }) => [what, words])).toContainEqual(['RolloutPaused', 'look']);
    expect(marks.some(({ what }) => what === 'ExposureGranted')).toBe(false);
  });

  it('ends with an abort, with the exposure that it had', () => {
    const aborted: RolloutEvent = { ...at(60), type: 'RolloutAborted', reason: 'enough' };
    const { points, endedAtMs } = rolloutTimeline([...begin, ...grants, aborted], { nowMs: minuteMs(999), points: 3 });
    expect(endedAtMs).toBe(minuteMs(60));
    expect(points.map(({ atMs, grantedPercent }) => [atMs, grantedPercent])).toEqual([
      [minuteMs(0), 0],
      [minuteMs(30), 25],
      [minuteMs(60), 50],
    ]);
  });

  it('has the evidence that decisions were made on', () => {
    const waiting: RolloutEvent = {
      ...at(70),
      type: 'WaveWaiting',
      wave: 1,
      waitsFor: [{ code: 'evidence', words: 'near' }],
      evidence,
    };
    const { evidence: decided, marks } = rolloutTimeline([...begin, waiting], { nowMs: minuteMs(90), points: 2 });
    expect(decided).toEqual([{ atMs: minuteMs(70), logSum: evidence.logSum }]);
    expect(marks.at(-1)).toEqual({ at: minute(70), what: 'WaveWaiting', wave: 1, words: 'near' });
  });
});
