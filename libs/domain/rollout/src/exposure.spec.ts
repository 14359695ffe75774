import { Rejection } from '@sluice/event-sourcing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { minute, minuteMs, phonesWave, plan } from './examples.ts';
import { wavePercent } from './exposure.ts';
import { type Plan } from './plan.ts';
import { rolloutDecider } from './rollout.ts';
import { type RolloutCommand, type RolloutEvent } from './rollout-messages.ts';
import { type Rollout } from './rollout-state.ts';

const rolloutId = 'r1';
const healthy = { says: 'go' } as const;
/** The ramps of all plans begin at 0, so nothing may ever appear at once. */
const FASTEST_MINUTES = 500;
const planOf = (first: number, second: number): Plan => ({
  ...plan,
  holdBackPercent: 0,
  waves: [
    { ...phonesWave, ramp: { fromPercent: 0, toPercent: 50, minutes: first / 2 }, bakeMinutes: 30 },
    { ...phonesWave, name: 'rest', ramp: { fromPercent: 0, toPercent: 100, minutes: second }, bakeMinutes: 30 },
  ],
});

/** What people and processes may do next; a number is how many seconds pass. */
const steps = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 1, max: 180 }) },
  { weight: 1, arbitrary: fc.integer({ min: 180, max: 24_000 }) },
  {
    weight: 4,
    arbitrary: fc.constantFrom('grant', 'grant', 'blind', 'pause', 'resume', 'halt', 'complete', 'advance'),
  },
  { weight: 1, arbitrary: fc.tuple(fc.integer({ min: FASTEST_MINUTES, max: 3000 }), fc.constant('replan')) },
);
type Step = number | string | readonly [number, string];

function commandOf(step: Exclude<Step, number>, at: string, wave: number): RolloutCommand | undefined {
  const permission = { passMs: 1_000 };
  if (typeof step !== 'string') {
    return { type: 'ReplanRollout', rolloutId, plan: planOf(step[0], step[0]), reason: 'slower', at };
  }
  switch (step) {
    case 'grant':
      return { type: 'GrantExposure', rolloutId, permission, at };
    case 'pause':
      return { type: 'PauseRollout', rolloutId, reason: 'lunch', at };
    case 'resume':
      return { type: 'ResumeRollout', rolloutId, evidenceSeen: 'a lab device', permission, at };
    case 'halt':
      return { type: 'HaltRollout', rolloutId, by: 'responder', reason: 'it smokes', at };
    case 'complete':
      return { type: 'CompleteWave', rolloutId, wave, goingOn: healthy, permission, at };
    case 'advance':
      return { type: 'AdvanceRollout', rolloutId, wave, goingOn: healthy, permission, at };
    default:
      return undefined;
  }
}

function decided(rollout: Rollout, command: RolloutCommand): readonly RolloutEvent[] {
  try {
    return rolloutDecider.decide(command, rollout);
  } catch (error) {
    if (error instanceof Rejection) return [];
    throw error;
  }
}

const percentsOf = (rollout: Rollout, nowMs: number) =>
  'exposure' in rollout ? [1, 2].map((wave) => wavePercent(rollout, wave, nowMs)) : [0, 0];

describe('the exposure of a rollout, whatever people and processes do', () => {
  it('never goes back, never jumps, and is never faster than its ramp', () => {
    let widest = 0;
    fc.assert(
      fc.property(fc.array(steps, { minLength: 10, maxLength: 120 }), (todo: readonly Step[]) => {
        const at = minute(0);
        const begin: readonly RolloutCommand[] = [
          { type: 'PlanRollout', rolloutId, plan: planOf(1000, 1000), freshSalt: 'salt', at },
          { type: 'StartRollout', rolloutId, slices: 2, known: [], permission: { passMs: 1_000 }, at },
        ];
        let rollout = begin.reduce(
          (state, command) => rolloutDecider.decide(command, state).reduce(rolloutDecider.evolve, state),
          rolloutDecider.initialState,
        );
        let passed = 0; // minutes
        for (const step of todo) {
          const before = percentsOf(rollout, minuteMs(passed));
          if (typeof step === 'number') {
            passed += step / 60;
            const after = percentsOf(rollout, minuteMs(passed));
            for (const [index, percent] of after.entries()) {
              expect(percent).toBeGreaterThanOrEqual(before[index] ?? 0);
              expect(percent - (before[index] ?? 0)).toBeLessThanOrEqual((step / 60 / FASTEST_MINUTES) * 100 + 1e-3);
            }
          } else {
            const command = commandOf(step, minute(passed), 'wave' in rollout ? rollout.wave : 1);
            if (command !== undefined) rollout = decided(rollout, command).reduce(rolloutDecider.evolve, rollout);
            const after = percentsOf(rollout, minuteMs(passed));
            // A grant may begin up to 5 s ago, at the end of the one before.
            const caughtUp = step === 'grant' ? (5 / 60 / FASTEST_MINUTES) * 100 : 0;
            for (const [index, percent] of after.entries()) {
              expect(percent).toBeGreaterThan((before[index] ?? 0) - 1e-3);
              expect(percent).toBeLessThan((before[index] ?? 0) + caughtUp + 1e-3);
            }
          }
          widest = Math.max(widest, ...percentsOf(rollout, minuteMs(passed)));
        }
      }),
      { numRuns: 500 },
    );
    expect(widest).toBeGreaterThan(0);
  });
});
