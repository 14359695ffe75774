import { describe, expect, it } from 'vitest';
import { liveRows, outageRows, stuckRows, watchRows } from './fleet-rows.ts';
import { PlayedService } from './played-service.ts';
import { ROLLOUT, START_MS, timeAt } from './played-events.ts';

/** More than the pace lets in at first, few enough to be quick. */
const DEVICES = 1_500;
const RUNS = 1;
const rows = [outageRows, watchRows, liveRows, stuckRows].flatMap((of) => of(RUNS, DEVICES));

describe('steering the rollout to a fleet', () => {
  it.each(rows.map((row) => [row.name, row] as const))('comes to what the table asks for: %s', (_name, row) => {
    expect(row.measure(1).verdict).toMatchObject({ isReached: true });
  });

  it('gives the same outcomes for the same seed', () => {
    const [row] = liveRows(RUNS, DEVICES);
    expect(row?.measure(7)).toEqual(row?.measure(7));
  });
});

describe('watching a completed rollout', () => {
  const { rolloutId } = ROLLOUT;
  const device = { deviceId: 'd1', model: 'iPhone1,1', osBuild: '23D8133', track: 'automatic', installed: [] } as const;

  it('offers nothing more once a responder halts it', () => {
    const ramp = { fromPercent: 100, toPercent: 100, minutes: 0 };
    const waves = [{ name: 'all', ramp, bakeMinutes: 0 }];
    const plan = { waves, holdBackPercent: 0, gates: { installFailureRateMax: 0.01, goOn: 'time' } } as const;
    const service = new PlayedService(plan, { models: [device.model], bucketMinutes: 1, tape: undefined });
    for (let minute = 0; minute < 5; minute += 1) service.pass(START_MS + minute * 60_000);
    expect(service.rollout.status).toBe('completed');
    const nowMs = Date.parse(timeAt(1));
    expect(service.directiveFor(device, nowMs)).toMatchObject({ directive: 'install', reason: 'completed' });
    service.change({ type: 'HaltRollout', rolloutId, by: 'responder', reason: 'it smokes', at: timeAt(1) });
    expect(service.rollout.status).toBe('halted');
    expect(service.directiveFor(device, nowMs)).toMatchObject({ directive: 'none', reason: 'rollout-paused' });
  });
});
