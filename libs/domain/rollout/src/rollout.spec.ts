import { fold } from '@sluice/event-sourcing';
import { scenarios } from '@sluice/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  aborted,
  baked,
  betaWave,
  completed,
  evidence,
  halted,
  minute,
  opened,
  outcomeOf,
  paused,
  phonesWave,
  plan,
  planned,
  resumed,
  started,
} from './examples.ts';
import { rolloutDecider } from './rollout.ts';
import { type RolloutCommand, type RolloutEvent } from './rollout-messages.ts';

const { given } = scenarios(rolloutDecider);
const at = minute(30);
const rolloutId = 'r1';
const harmful = { harmful: true, evidence } as const;
const healthy = { harmful: false } as const;

const commands = {
  plan: { type: 'PlanRollout', rolloutId, plan: { ...plan, holdBackPercent: 5 }, freshSalt: 'fresh', at },
  replan: { type: 'ReplanRollout', rolloutId, plan: { ...plan, holdBackPercent: 5 }, at },
  start: { type: 'StartRollout', rolloutId, slices: 2, anotherUnderWay: false, at },
  pause: { type: 'PauseRollout', rolloutId, reason: 'lunch', at },
  resume: { type: 'ResumeRollout', rolloutId, at },
  'resume with evidence': { type: 'ResumeRollout', rolloutId, evidenceSeen: 'one bad model', at },
  halt: { type: 'HaltRollout', rolloutId, by: 'responder', reason: 'it smokes', at },
  'halt by gate': { type: 'HaltRollout', rolloutId, by: 'gate', reason: 'installs fail', evidence, at },
  advance: { type: 'AdvanceRollout', rolloutId, assessment: healthy, at },
  'advance against the gate': { type: 'AdvanceRollout', rolloutId, assessment: harmful, at },
  'complete wave': { type: 'CompleteWave', rolloutId, wave: 1, assessment: healthy, at: minute(300) },
  abort: { type: 'AbortRollout', rolloutId, reason: 'not wanted', at },
} satisfies Record<string, RolloutCommand>;

const running = [planned(), started(), opened(1)];
const histories = {
  absent: [],
  planned: [planned()],
  running,
  paused: [...running, paused(minute(10))],
  halted: [...running, halted(minute(10))],
  completed: [...running, opened(2, minute(1)), completed(minute(2))],
  aborted: [...running, aborted(minute(10))],
} satisfies Record<string, readonly RolloutEvent[]>;

// One row a status, one column a command: the events that follow, `-` for none, or the code of the refusal.
const over = 'rollout-over';
const notFound = 'rollout-not-found';
const notRunning = 'rollout-not-running';
const notPlanned = 'rollout-not-planned';
const next = 'WaveBaked WaveOpened';
const table: Record<keyof typeof histories, Record<keyof typeof commands, string>> = {
  absent: {
    plan: 'RolloutPlanned',
    replan: notFound,
    start: notFound,
    pause: notFound,
    resume: notFound,
    'resume with evidence': notFound,
    halt: notFound,
    'halt by gate': notFound,
    advance: notFound,
    'advance against the gate': notFound,
    'complete wave': notFound,
    abort: notFound,
  },
  planned: {
    plan: 'rollout-exists',
    replan: 'RolloutPlanned',
    start: 'RolloutStarted WaveOpened',
    pause: notRunning,
    resume: 'rollout-not-stopped',
    'resume with evidence': 'rollout-not-stopped',
    halt: notRunning,
    'halt by gate': notRunning,
    advance: notRunning,
    'advance against the gate': notRunning,
    'complete wave': notRunning,
    abort: 'RolloutAborted',
  },
  running: {
    plan: 'rollout-exists',
    replan: notPlanned,
    start: notPlanned,
    pause: 'RolloutPaused',
    resume: '-',
    'resume with evidence': '-',
    halt: 'RolloutHalted',
    'halt by gate': 'RolloutHalted',
    advance: next,
    'advance against the gate': 'gate-says-stop',
    'complete wave': next,
    abort: 'RolloutAborted',
  },
  paused: {
    plan: 'rollout-exists',
    replan: notPlanned,
    start: notPlanned,
    pause: '-',
    resume: 'RolloutResumed',
    'resume with evidence': 'RolloutResumed',
    halt: 'RolloutHalted',
    'halt by gate': 'RolloutHalted',
    advance: notRunning,
    'advance against the gate': notRunning,
    'complete wave': notRunning,
    abort: 'RolloutAborted',
  },
  halted: {
    plan: 'rollout-exists',
    replan: notPlanned,
    start: notPlanned,
    pause: '-',
    resume: 'evidence-not-named',
    'resume with evidence': 'RolloutResumed',
    halt: '-',
    'halt by gate': '-',
    advance: notRunning,
    'advance against the gate': notRunning,
    'complete wave': notRunning,
    abort: 'RolloutAborted',
  },
  completed: {
    plan: 'rollout-exists',
    replan: notPlanned,
    start: notPlanned,
    pause: over,
    resume: over,
    'resume with evidence': over,
    halt: over,
    'halt by gate': over,
    advance: over,
    'advance against the gate': over,
    'complete wave': over,
    abort: over,
  },
  aborted: {
    plan: 'rollout-exists',
    replan: notPlanned,
    start: notPlanned,
    pause: over,
    resume: over,
    'resume with evidence': over,
    halt: over,
    'halt by gate': over,
    advance: over,
    'advance against the gate': over,
    'complete wave': over,
    abort: '-',
  },
};

describe.each(Object.entries(table))('commanding a rollout that is %s', (status, row) => {
  it.each(Object.entries(row))('answers "%s" with %s', (command, expected) => {
    const history = histories[status as keyof typeof histories];
    expect(outcomeOf(rolloutDecider, commands[command as keyof typeof commands], history)).toBe(expected);
  });
});

describe('planning a rollout', () => {
  it('draws a salt when the plan names none', () => {
    const { salt: _, ...draft } = plan;
    given()
      .when({ ...commands.plan, plan: draft })
      .thenEvents({ type: 'RolloutPlanned', rolloutId, plan: { ...plan, salt: 'fresh' }, at });
  });

  it('changes nothing when the same request is sent again, in whatever order its fields come', () => {
    const { salt: _, patchId, ...draft } = plan;
    const again = { ...draft, patchId };
    given(planned())
      .when({ ...commands.plan, plan: again })
      .thenNothing();
  });

  it('keeps the salt when a plan without one takes its place', () => {
    const { salt: _, ...draft } = plan;
    given(planned())
      .when({ ...commands.replan, plan: { ...draft, holdBackPercent: 7 } })
      .thenEvents({ type: 'RolloutPlanned', rolloutId, plan: { ...plan, holdBackPercent: 7 }, at });
  });

  it('is refused when the start lies in the past, and taken when it does not', () => {
    const past = { ...plan, startAt: minute(29) };
    given()
      .when({ ...commands.plan, plan: past })
      .thenRejected('start-in-past');
    given(planned())
      .when({ ...commands.replan, plan: past })
      .thenRejected('start-in-past');
    const future = { ...plan, startAt: minute(31) };
    given()
      .when({ ...commands.plan, plan: future })
      .thenEvents({ type: 'RolloutPlanned', rolloutId, plan: future, at });
  });

  it.each([
    ['there is no wave', { ...plan, waves: [] }],
    ['a ramp goes down', { ...plan, waves: [{ ...phonesWave, ramp: { fromPercent: 50, toPercent: 20, minutes: 1 } }] }],
    ['a percentage is above 100', { ...plan, holdBackPercent: 101 }],
    ['a time is negative', { ...plan, waves: [{ ...betaWave, bakeMinutes: -1 }] }],
    ['nothing may fail', { ...plan, gates: { installFailureRateMax: 0 } }],
  ])('is refused when %s', (_, faulty) => {
    given()
      .when({ ...commands.plan, plan: faulty })
      .thenRejected('plan-not-valid');
  });
});

describe('starting a rollout', () => {
  it('opens the first wave in the same commit', () => {
    given(planned()).when(commands.start).thenEvents(started(at), opened(1, at));
  });

  it('is refused while another rollout of the patch is under way', () => {
    given(planned())
      .when({ ...commands.start, anotherUnderWay: true })
      .thenRejected('rollout-of-patch-running');
  });
});

describe('closing a wave', () => {
  const complete = (minutes: number, wave = 1): RolloutCommand => ({
    ...commands['complete wave'],
    wave,
    at: minute(minutes),
  });

  it('opens the next one when the bake is over', () => {
    given(...running)
      .when(complete(60))
      .thenEvents(baked(1, minute(60)), opened(2, minute(60)));
  });

  it('completes the rollout after the last wave', () => {
    given(...running, baked(1, minute(60)), opened(2, minute(60)))
      .when(complete(1260, 2))
      .thenEvents(baked(2, minute(1260)), completed(minute(1260)));
  });

  it('does nothing before the bake is over, or for a wave that is closed already', () => {
    given(...running)
      .when(complete(59))
      .thenNothing();
    given(...running, baked(1, minute(60)), opened(2, minute(60)))
      .when(complete(5000))
      .thenNothing();
  });

  it('waits for running time, not for time on the wall', () => {
    const interrupted = [...running, paused(minute(20)), resumed(minute(100))];
    given(...interrupted)
      .when(complete(139))
      .thenNothing();
    given(...interrupted)
      .when(complete(140))
      .thenEvents(baked(1, minute(140)), opened(2, minute(140)));
  });

  it('is refused while the gate says stop', () => {
    given(...running)
      .when({ ...commands['complete wave'], assessment: harmful })
      .thenRejected('gate-says-stop');
  });

  it('is recorded as an advance when an operator ends it early', () => {
    given(...running)
      .when(commands.advance)
      .thenEvents(baked(1, at, 'advanced'), opened(2, at));
  });
});

describe('halting a rollout', () => {
  it('keeps the evidence and how far the exposure had come', () => {
    given(...running, baked(1, minute(0)), opened(2, minute(0)))
      .when({ ...commands['halt by gate'], at: minute(250) })
      .thenEvents({
        type: 'RolloutHalted',
        rolloutId,
        wave: 2,
        by: 'gate',
        reason: 'installs fail',
        exposurePercent: 25,
        evidence,
        at: minute(250),
      });
  });
});

describe('evolving a rollout', () => {
  const events = fc.constantFrom<RolloutEvent>(
    planned(),
    started(),
    opened(1),
    opened(2, minute(60)),
    opened(9, minute(60)),
    baked(1, minute(60)),
    paused(minute(20)),
    resumed(minute(40)),
    halted(minute(50)),
    completed(minute(90)),
    aborted(minute(95)),
    paused('not a time'),
  );

  it('never throws, and goes on to decide, whatever the order of events', () => {
    fc.assert(
      fc.property(
        fc.array(events, { maxLength: 30 }),
        fc.constantFrom(...Object.values(commands)),
        (history, command) => {
          expect(() => fold(rolloutDecider, history)).not.toThrow();
          expect(() => outcomeOf(rolloutDecider, command, history)).not.toThrow();
        },
      ),
    );
  });
});
