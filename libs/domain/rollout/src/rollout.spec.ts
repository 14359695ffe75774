import { fold } from '@sluice/event-sourcing';
import { scenarios } from '@sluice/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { plannedPercent } from './exposure.ts';
import { type Plan, type PlanDraft } from './plan.ts';
import {
  aborted,
  baked,
  betaWave,
  completed,
  evidence,
  granted,
  granting,
  halted,
  minute,
  minuteMs,
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
import { haltReasonOf, isUnderWay } from './rollout-state.ts';
import { type RolloutCommand, type RolloutEvent } from './rollout-messages.ts';

const { given } = scenarios(rolloutDecider);
const at = minute(30);
const rolloutId = 'r1';
const harmful = { says: 'halt', evidence } as const;
const healthy = { says: 'go' } as const;
const waiting = { says: 'wait', waits: [{ for: 'person' }] } as const;
const permission = { passMs: 1_000 };

const commands = {
  plan: { type: 'PlanRollout', rolloutId, plan: { ...plan, holdBackPercent: 5 }, freshSalt: 'fresh', at },
  replan: { type: 'ReplanRollout', rolloutId, plan: { ...plan, holdBackPercent: 5 }, at },
  approve: { type: 'ApproveRollout', rolloutId, revision: 0, by: 'alice', at },
  start: { type: 'StartRollout', rolloutId, slices: 2, known: [], at },
  'start after a halt': { type: 'StartRollout', rolloutId, slices: 2, known: [], haltedBefore: 'r0', at },
  pause: { type: 'PauseRollout', rolloutId, reason: 'lunch', at },
  resume: { type: 'ResumeRollout', rolloutId, at },
  'resume with evidence': { type: 'ResumeRollout', rolloutId, evidenceSeen: 'one bad model', at },
  halt: { type: 'HaltRollout', rolloutId, by: 'responder', reason: 'it smokes', at },
  'halt by gate': { type: 'HaltRollout', rolloutId, by: 'gate', reason: 'installs fail', evidence, at },
  advance: { type: 'AdvanceRollout', rolloutId, wave: 1, goingOn: healthy, at },
  'advance against the gate': { type: 'AdvanceRollout', rolloutId, wave: 1, goingOn: harmful, at },
  'advance a wave that waits': { type: 'AdvanceRollout', rolloutId, wave: 1, goingOn: waiting, at },
  'advance by force': { type: 'AdvanceRollout', rolloutId, wave: 1, goingOn: waiting, force: 'a lab device', at },
  'advance a wave to come': { type: 'AdvanceRollout', rolloutId, wave: 2, goingOn: healthy, at },
  'complete wave': { type: 'CompleteWave', rolloutId, wave: 1, goingOn: healthy, at: minute(300) },
  'complete a wave that waits': { type: 'CompleteWave', rolloutId, wave: 1, goingOn: waiting, at: minute(300) },
  'wait with a wave': {
    type: 'WaitWave',
    rolloutId,
    wave: 1,
    waitsFor: [{ code: 'person', words: 'w' }],
    at: minute(300),
  },
  grant: { type: 'GrantExposure', rolloutId, permission, at: minute(300) },
  upgrade: { type: 'UpgradeExposure', rolloutId, lastRecordMs: minuteMs(20), at },
  'release hold-back': { type: 'ReleaseHoldBack', rolloutId, permission, at: minute(5000) },
  abort: { type: 'AbortRollout', rolloutId, reason: 'not wanted', at },
} satisfies Record<string, RolloutCommand>;

const running = [planned(), granting(), opened(1), granted(1, 0, 60)];
const histories = {
  absent: [],
  planned: [planned()],
  running,
  paused: [...running, paused(minute(10))],
  halted: [...running, halted(minute(10))],
  completed: [...running, opened(2, minute(1)), completed(minute(2))],
  'completed and paused': [...running, opened(2, minute(1)), completed(minute(2)), paused(minute(3))],
  'completed and halted': [...running, opened(2, minute(1)), completed(minute(2)), halted(minute(3))],
  'under way from before grants': [planned(), started(), opened(1)],
  aborted: [...running, aborted(minute(10))],
} satisfies Record<string, readonly RolloutEvent[]>;

// One row a status, one column a command: the events that follow, `-` for none, or the code of the refusal.
const over = 'rollout-over';
const notFound = 'rollout-not-found';
const notRunning = 'rollout-not-running';
const notPlanned = 'rollout-not-planned';
const next = 'WaveBaked WaveOpened';
type Row = Record<keyof typeof commands, string>;
const every = (outcome: string, others: Partial<Row>): Row => {
  const row = Object.fromEntries(Object.keys(commands).map((command) => [command, outcome]));
  return { ...row, ...others } as Row;
};
const stopped = {
  plan: 'rollout-exists',
  replan: 'reason-missing',
  approve: 'RolloutApproved',
  start: notPlanned,
  'start after a halt': notPlanned,
  abort: 'RolloutAborted',
  upgrade: '-',
};
const table: Record<keyof typeof histories, Row> = {
  absent: every(notFound, { plan: 'RolloutPlanned' }),
  planned: every(notRunning, {
    plan: 'rollout-exists',
    replan: 'RolloutPlanned',
    approve: 'RolloutApproved',
    start: 'RolloutStarted WaveOpened',
    'start after a halt': 'evidence-not-named',
    resume: 'rollout-not-stopped',
    'resume with evidence': 'rollout-not-stopped',
    abort: 'RolloutAborted',
  }),
  running: every('-', {
    ...stopped,
    pause: 'RolloutPaused',
    halt: 'RolloutHalted',
    'halt by gate': 'RolloutHalted',
    advance: next,
    'advance against the gate': 'gate-says-stop',
    'advance a wave that waits': 'wave-waits',
    'advance by force': next,
    'advance a wave to come': 'wave-not-open',
    'complete wave': next,
    'complete a wave that waits': 'wave-waits',
    'wait with a wave': 'WaveWaiting',
    'release hold-back': notRunning,
  }),
  paused: every(notRunning, {
    ...stopped,
    pause: '-',
    resume: 'RolloutResumed',
    'resume with evidence': 'RolloutResumed',
    halt: 'RolloutHalted',
    'halt by gate': 'RolloutHalted',
  }),
  halted: every(notRunning, {
    ...stopped,
    pause: '-',
    resume: 'evidence-not-named',
    'resume with evidence': 'RolloutResumed',
    halt: '-',
    'halt by gate': '-',
  }),
  completed: every(over, {
    ...stopped,
    replan: over,
    approve: over,
    pause: 'RolloutPaused',
    resume: '-',
    'resume with evidence': '-',
    halt: 'RolloutHalted',
    'halt by gate': 'RolloutHalted',
    upgrade: over,
    'release hold-back': 'ExposureGranted',
  }),
  'completed and paused': every(notRunning, {
    ...stopped,
    replan: over,
    approve: over,
    pause: '-',
    resume: 'RolloutResumed',
    'resume with evidence': 'RolloutResumed',
    halt: 'RolloutHalted',
    'halt by gate': 'RolloutHalted',
    upgrade: notRunning,
  }),
  'completed and halted': every(notRunning, {
    ...stopped,
    replan: over,
    approve: over,
    pause: '-',
    resume: 'evidence-not-named',
    'resume with evidence': 'RolloutResumed',
    halt: '-',
    'halt by gate': '-',
    upgrade: notRunning,
  }),
  'under way from before grants': every('-', {
    ...stopped,
    pause: 'RolloutPaused',
    halt: 'RolloutHalted',
    'wait with a wave': 'WaveWaiting',
    'halt by gate': 'RolloutHalted',
    advance: next,
    'advance against the gate': 'gate-says-stop',
    'advance a wave that waits': 'wave-waits',
    'advance by force': next,
    'advance a wave to come': 'wave-not-open',
    'complete wave': next,
    'complete a wave that waits': 'wave-waits',
    upgrade: 'ExposureGranted',
    'release hold-back': notRunning,
  }),
  aborted: every(over, {
    plan: 'rollout-exists',
    start: notPlanned,
    'start after a halt': notPlanned,
    abort: '-',
  }),
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

  it('keeps what differs from what it would be anyhow', () => {
    const withGates = (gates: PlanDraft['gates']) => given().when({ ...commands.plan, plan: { ...plan, gates } });
    withGates({ ...plan.gates, goOn: 'evidence', outcomeHours: 4 }).thenEvents({
      ...{ type: 'RolloutPlanned', rolloutId, plan, at },
    });
    const gates = { ...plan.gates, goOn: 'time', watchHours: 24 } as const;
    withGates(gates).thenEvents({ type: 'RolloutPlanned', rolloutId, plan: { ...plan, gates }, at });
  });

  it('reads a plan from before two fields stood under `gates`', () => {
    const former = { ...plan, goOn: 'time', watchHours: 24 } as const;
    const state = fold(rolloutDecider, [{ type: 'RolloutPlanned', rolloutId, plan: former, at }]);
    expect(state).toMatchObject({ plan: { gates: { ...plan.gates, goOn: 'time', watchHours: 24 } } });
    expect(state).not.toHaveProperty('plan.goOn');
    expect(state).not.toHaveProperty('plan.watchHours');
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
  it('opens the first wave and grants its first piece in the same commit', () => {
    given(planned())
      .when({ ...commands.start, permission })
      .thenEvents(granting(at), opened(1, at), granted(1, 30, 35, { at, because: 'bake' }));
  });

  it('grants nothing when something speaks against it', () => {
    given(planned()).when(commands.start).thenEvents(granting(at), opened(1, at));
  });

  it('goes on from a halt of another rollout of the patch only when the evidence is named', () => {
    given(planned())
      .when({ ...commands['start after a halt'], evidenceSeen: 'one bad model' })
      .thenEvents({ ...granting(at), evidenceSeen: 'one bad model' } as RolloutEvent, opened(1, at));
  });
});

const phones = [planned(), granting(), opened(1), granted(1, 0, 60), baked(1, minute(60)), opened(2, minute(60))];
const grant = (minutes: number, passMs = 1_000): RolloutCommand => ({
  type: 'GrantExposure',
  rolloutId,
  permission: { passMs },
  at: minute(minutes),
});

describe('granting exposure', () => {
  it('gives the ramp a minute at a time, and begins each piece where the last one ends', () => {
    const first = granted(2, 60, 61, { at: minute(60), percents: [0, 0.1], because: 'ramp' });
    given(...phones)
      .when(grant(60))
      .thenEvents(first);
    given(...phones, first)
      .when(grant(60.5))
      .thenNothing();
    given(...phones, first)
      .when(grant(60.9))
      .thenEvents(granted(2, 61, 62, { at: minute(60.9), percents: [0.1, 0.2], ranMinutes: 1, because: 'ramp' }));
  });

  it('goes on from where it was after a time without grants, without a jump', () => {
    const first = granted(2, 60, 61, { at: minute(60), percents: [0, 0.1], because: 'ramp' });
    given(...phones, first)
      .when(grant(500))
      .thenEvents(granted(2, 500, 501, { at: minute(500), percents: [0.1, 0.2], ranMinutes: 1, because: 'ramp' }));
  });

  it('lasts for two passes where those take longer', () => {
    given(...phones)
      .when(grant(60, 10 * 60_000))
      .thenEvents(granted(2, 60, 80, { at: minute(60), percents: [0, 2], because: 'ramp' }));
  });

  it('ends with the ramp, then with the bake', () => {
    const almost = granted(2, 60, 1059.5, { percents: [0, 99.95], because: 'ramp' });
    const end = granted(2, 1059.5, 1060, {
      at: minute(1059.5),
      percents: [99.95, 100],
      ranMinutes: 999.5,
      because: 'ramp',
    });
    given(...phones, almost)
      .when(grant(1059.5))
      .thenEvents(end);
    given(...phones, almost, end)
      .when(grant(1060))
      .thenEvents(
        granted(2, 1060, 1065, { at: minute(1060), percents: [100, 100], ranMinutes: 1000, because: 'bake' }),
      );
  });

  it.each(['paused', 'halted'] as const)(
    'stands where it was when the rollout is %s in the middle of a grant',
    (how) => {
      const first = granted(2, 60, 61, { at: minute(60), percents: [0, 0.1], because: 'ramp' });
      const stop = how === 'paused' ? paused(minute(60.5)) : halted(minute(60.5));
      const history = [...phones, first, stop, resumed(minute(90))];
      expect(percentsAt(history.slice(0, -1), 60.25, 60.5, 61, 89)).toEqual([0.025, 0.05, 0.05, 0.05]);
      given(...history)
        .when(grant(90))
        .thenEvents(granted(2, 90, 91, { at: minute(90), percents: [0.05, 0.15], ranMinutes: 0.5, because: 'ramp' }));
    },
  );

  it('shows the last piece while the next one is given early', () => {
    const first = granted(2, 60, 61, { percents: [0, 0.1], because: 'ramp' });
    const second = granted(2, 61, 62, { percents: [0.1, 0.2], ranMinutes: 1, because: 'ramp' });
    expect(percentsAt([...phones, first, second], 60.5, 61, 61.5)).toEqual([0.05, 0.1, 0.15]);
  });
});

describe('going over to grants', () => {
  const former = [planned(), started(), opened(1), baked(1, minute(60)), opened(2, minute(60))];

  it('begins where the ramp stood at the last record', () => {
    given(...former)
      .when({ ...commands.upgrade, lastRecordMs: minuteMs(160), at: minute(5000) })
      .thenEvents(
        granted(2, 5000, 5000, { at: minute(5000), percents: [10, 10], ranMinutes: 100, because: 'upgrade' }),
      );
  });

  it('keeps the former ramp for the time before, and stands still until the next grant', () => {
    const upgrade = granted(2, 5000, 5000, { percents: [10, 10], ranMinutes: 100, because: 'upgrade' });
    expect(percentsAt(former, 110, 160)).toEqual([5, 10]);
    expect(percentsAt([...former, upgrade], 5000, 6000)).toEqual([10, 10]);
    given(...former, upgrade)
      .when(grant(5000))
      .thenEvents(granted(2, 5000, 5001, { at: minute(5000), percents: [10, 10.1], ranMinutes: 100, because: 'ramp' }));
  });

  it('offers what its last wave says when it was completed before', () => {
    const tenPercent = { ...phonesWave, ramp: { fromPercent: 0, toPercent: 10, minutes: 100 } };
    const history = [planned({ waves: [tenPercent] }), started(), opened(1), completed(minute(400))];
    expect(percentsAt(history, 500)).toEqual([10]);
  });
});

describe('closing a wave', () => {
  const complete = (minutes: number, wave = 1): RolloutCommand => ({
    ...commands['complete wave'],
    wave,
    at: minute(minutes),
  });

  it('opens the next one, with its first grant, when the bake is over', () => {
    given(...running)
      .when({ ...complete(60), permission } as RolloutCommand)
      .thenEvents(
        baked(1, minute(60)),
        opened(2, minute(60)),
        granted(2, 60, 61, { at: minute(60), percents: [0, 0.1], because: 'ramp' }),
      );
  });

  it('completes the rollout after the last wave, and stays at what that says', () => {
    const all = granted(2, 60, 1260, { percents: [0, 10] });
    given(...phones, all)
      .when(complete(1260, 2))
      .thenEvents(baked(2, minute(1260)), completed(minute(1260)));
    expect(percentsAt([...phones, all, baked(2, minute(1260)), completed(minute(1260))], 9000)).toEqual([10]);
  });

  it('does nothing before the bake is over, or for a wave that is closed already', () => {
    given(...running)
      .when(complete(59))
      .thenNothing();
    given(...phones)
      .when(complete(5000))
      .thenNothing();
  });

  it('waits for time that was granted, not for time on the wall', () => {
    given(planned(), granting(), opened(1), granted(1, 0, 20))
      .when(complete(5000))
      .thenNothing();
    given(planned(), granting(), opened(1), granted(1, 0, 20), granted(1, 5000, 5040, { ranMinutes: 20 }))
      .when(complete(5040))
      .thenEvents(baked(1, minute(5040)), opened(2, minute(5040)));
  });

  it('is recorded as an advance when an operator ends it early, and leaves the exposure where it was', () => {
    const half = granted(1, 0, 500, { percents: [0, 50], because: 'ramp' });
    const history = [planned({ waves: [{ ...phonesWave }, phonesWave] }), granting(), opened(1), half];
    given(...history)
      .when({ ...commands.advance, at: minute(250) })
      .thenEvents(baked(1, minute(250), 'advanced'), opened(2, minute(250)));
    expect(percentsAt([...history, baked(1, minute(250), 'advanced'), opened(2, minute(250))], 900)).toEqual([25]);
  });

  it('does once what two people or two clicks ask for', () => {
    given(...phones)
      .when(commands.advance)
      .thenNothing();
  });

  it('keeps for ever why it was forced', () => {
    given(...running)
      .when(commands['advance by force'])
      .thenEvents({ ...baked(1, at, 'advanced'), forced: 'a lab device' } as RolloutEvent, opened(2, at));
  });
});

describe('keeping the words of people', () => {
  it('says why a wave was ended early, and why and on what evidence the rollout went on', () => {
    const resumed: RolloutEvent = { type: 'RolloutResumed', rolloutId, reason: 'fixed', evidenceSeen: 'logs', at };
    given(...running)
      .when({ ...commands.advance, reason: 'a quiet night' })
      .thenEvents({ ...baked(1, at, 'advanced'), reason: 'a quiet night' } as RolloutEvent, opened(2, at));
    given(...histories.halted)
      .when({ ...commands['resume with evidence'], reason: 'fixed', evidenceSeen: 'logs' })
      .thenEvents(resumed);
    const events = [
      ...running,
      { ...baked(1, at, 'advanced'), reason: 'a quiet night' } as RolloutEvent,
      opened(2, at),
    ];
    expect(fold(rolloutDecider, [...events, ...histories.halted.slice(-1), resumed])).toMatchObject({
      status: 'running',
      advanced: [{ wave: 1, reason: 'a quiet night' }],
      resumed: { at, reason: 'fixed', evidenceSeen: 'logs' },
    });
  });

  it('says after an abort whose pull caused it, and what had halted the rollout before', () => {
    const aborted: RolloutEvent = { type: 'RolloutAborted', rolloutId, reason: 'pulled', causedBy: 'ann', at };
    given(...histories.halted)
      .when({ type: 'AbortRollout', rolloutId, reason: 'pulled', causedBy: 'ann', at })
      .thenEvents(aborted);
    const halted = fold(rolloutDecider, histories.halted);
    expect(fold(rolloutDecider, [...histories.halted, aborted])).toMatchObject({
      status: 'aborted',
      causedBy: 'ann',
      haltedBecause: haltReasonOf(halted),
    });
    expect(haltReasonOf(halted)).toMatchObject({ by: expect.any(String) as string });
    expect(haltReasonOf(fold(rolloutDecider, [...histories.running, aborted]))).toBeUndefined();
  });
});

describe('stopping a completed rollout', () => {
  const done = histories.completed;

  it('is completed again after a resume, and holds no reservation meanwhile', () => {
    const stopped = fold(rolloutDecider, [...done, halted(minute(10))]);
    expect(isUnderWay(stopped)).toBe(false);
    expect(fold(rolloutDecider, [...done, halted(minute(10)), resumed(minute(20))]).status).toBe('completed');
  });

  it('lets the hold-back in after the watch, and only by a grant', () => {
    const all = granted(2, 60, 1260, { percents: [0, 100] });
    const history = [...phones, all, baked(2, minute(1260)), completed(minute(1260))];
    const early = { ...commands['release hold-back'], at: minute(1260 + 72 * 60 - 1) };
    given(...history)
      .when(early)
      .thenNothing();
    const from = 1260 + 72 * 60;
    const letIn = granted(2, from, from + 1, { at: minute(from), percents: [98, 100], because: 'hold-back' });
    given(...history)
      .when({ ...early, at: minute(from) })
      .thenEvents(letIn);
    expect(percentsAt([...history, letIn], from, from + 0.5, from + 1)).toEqual([98, 99, 100]);
  });
});

describe('replanning a rollout under way', () => {
  const half = granted(2, 60, 560, { percents: [0, 50], because: 'ramp' });
  const history = [...phones, half];
  const replan = (change: Partial<Plan>): RolloutCommand => ({
    type: 'ReplanRollout',
    rolloutId,
    plan: { ...plan, ...change },
    reason: 'too fast',
    at: minute(560),
  });
  const slower = { ...phonesWave, ramp: { fromPercent: 0, toPercent: 100, minutes: 2000 } };

  it('takes a slower ramp, and goes on from the same percentage', () => {
    given(...history)
      .when(replan({ waves: [betaWave, slower] }))
      .thenEvents({
        type: 'RolloutReplanned',
        rolloutId,
        plan: { ...plan, waves: [betaWave, slower] },
        reason: 'too fast',
        at: minute(560),
      });
    const replanned = { ...replan({ waves: [betaWave, slower] }), type: 'RolloutReplanned' } as RolloutEvent;
    expect(percentsAt([...history, replanned], 560, 900)).toEqual([50, 50]);
    given(...history, replanned)
      .when(grant(560))
      .thenEvents(granted(2, 560, 561, { at: minute(560), percents: [50, 50.05], ranMinutes: 1000, because: 'ramp' }));
  });

  it.each([
    [
      'a ramp that ends below what was reached',
      { waves: [betaWave, { ...phonesWave, ramp: { fromPercent: 0, toPercent: 40, minutes: 10 } }] },
    ],
    ['another audience of an opened wave', { waves: [betaWave, { ...phonesWave, audience: { family: ['iPad'] } }] }],
    ['fewer waves than are open', { waves: [betaWave] }],
    ['another salt', { salt: 'other' }],
    ['a hold-back beyond what was reached', { holdBackPercent: 60 }],
  ])('is refused for %s', (_, change) => {
    given(...history)
      .when(replan(change))
      .thenRejected('already-exposed');
  });
});

describe('halting a rollout', () => {
  it('keeps the evidence and how far the exposure had come', () => {
    given(...phones, granted(2, 60, 310, { percents: [0, 25], because: 'ramp' }))
      .when({ ...commands['halt by gate'], exposedDevices: 12, at: minute(310) })
      .thenEvents({
        type: 'RolloutHalted',
        rolloutId,
        wave: 2,
        by: 'gate',
        reason: 'installs fail',
        exposurePercent: 25,
        exposedDevices: 12,
        evidence,
        at: minute(310),
      });
  });
});

describe('evolving a rollout', () => {
  const events = fc.constantFrom<RolloutEvent>(
    planned(),
    started(),
    granting(),
    opened(1),
    opened(2, minute(60)),
    opened(9, minute(60)),
    granted(1, 0, 60),
    granted(2, 60, 120, { percents: [0, 10] }),
    granted(7, 60, 120),
    granted(2, 90, 91, { percents: [98, 100], because: 'hold-back' }),
    baked(1, minute(60)),
    paused(minute(20)),
    resumed(minute(40)),
    halted(minute(50)),
    completed(minute(90)),
    aborted(minute(95)),
    paused('not a time'),
    { type: 'FromALaterVersion', rolloutId, at } as unknown as RolloutEvent,
  );

  it('changes nothing by an event of a type that it does not know', () => {
    const state = fold(rolloutDecider, running);
    const unknown = { type: 'FromALaterVersion', rolloutId, at } as unknown as RolloutEvent;
    expect(rolloutDecider.evolve(state, unknown)).toEqual(state);
  });

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

  it('never widens by itself: without a further event, exposure ends where the last grant does', () => {
    fc.assert(
      fc.property(fc.array(events, { maxLength: 30 }), (history) => {
        const withGrants = history.map((event) => (event.type === 'RolloutStarted' ? granting(event.at) : event));
        const [soon, late] = percentsAt(withGrants, 200, 20_000);
        expect(late).toBe(soon);
      }),
    );
  });
});

/** What is exposed after so many minutes, without rings. */
function percentsAt(history: readonly RolloutEvent[], ...minutes: number[]): number[] {
  const rollout = fold(rolloutDecider, history);
  return minutes.map((each) =>
    'exposure' in rollout ? Number(plannedPercent(rollout, minuteMs(each)).toFixed(6)) : 0,
  );
}

describe('a wave that is over and waits', () => {
  const person = { code: 'person', words: 'a person has to decide' };
  const outcomes = (known: number) => ({ code: 'outcomes', words: `outcomes known: ${String(known)}, needed: 20` });
  const wait = (minutes: number, ...waitsFor: { code: string; words: string }[]): RolloutCommand => {
    return { type: 'WaitWave', rolloutId, wave: 1, waitsFor, at: minute(minutes) };
  };
  const after = (...given: RolloutCommand[]) => {
    let state = fold(rolloutDecider, running);
    const waited: unknown[] = [];
    for (const command of given)
      for (const event of rolloutDecider.decide(command, state)) {
        state = rolloutDecider.evolve(state, event);
        waited.push('waitsFor' in event ? event.waitsFor.map(({ code }) => code) : event.type);
      }
    return { state, waited };
  };

  it('is told when the set of reasons changes, and not when a number does', () => {
    const { state, waited } = after(
      wait(100, outcomes(1)),
      wait(101, outcomes(2)),
      wait(102, outcomes(2), person),
      wait(103, person, outcomes(3)),
      wait(104, person),
    );
    expect(waited).toEqual([['outcomes'], ['outcomes', 'person'], ['person']]);
    expect(state).toMatchObject({ waiting: { wave: 1, codes: ['person'], since: minute(100) } });
  });

  it('is not told before the wave is over, nor of another wave', () => {
    expect(after(wait(30, person)).waited).toEqual([]);
    expect(after({ ...wait(100, person), wave: 2 } as RolloutCommand).waited).toEqual([]);
    expect(after(wait(100)).waited).toEqual([]);
  });
});
