import { fold } from '@sluice/event-sourcing';
import { scenarios } from '@sluice/testing';
import { describe, expect, it } from 'vitest';
import { approvalsAsked, approvalsNeeded } from './approvals.ts';
import { emptyCensus, foldCensus } from './census.ts';
import {
  evidence,
  granted,
  granting,
  halted,
  healthBucket,
  minute,
  opened,
  outcomeOf,
  paused,
  plan,
  planned,
} from './examples.ts';
import { type Plan } from './plan.ts';
import { rolloutDecider } from './rollout.ts';
import { type RolloutCommand, type RolloutEvent } from './rollout-messages.ts';

const { given } = scenarios(rolloutDecider);
const rolloutId = 'r1';
const at = minute(30);
const permission = { passMs: 1_000 };
const by = 'bob';

const plannedBy = (who: string, change: Partial<Plan> = {}): RolloutEvent =>
  ({ ...planned(change), by: who }) as RolloutEvent;
const approved = (who: string, revision = 0): RolloutEvent => ({
  type: 'RolloutApproved',
  rolloutId,
  revision,
  by: who,
  at,
});
const approve = (who: string, revision = 0): RolloutCommand => ({
  type: 'ApproveRollout',
  rolloutId,
  revision,
  by: who,
  at,
});
const start: RolloutCommand = { type: 'StartRollout', rolloutId, slices: 2, known: [], at };
const needsTwo = { approvalsRequired: 2 };
const replanned: RolloutEvent = {
  ...{ type: 'RolloutReplanned', rolloutId, reason: 'faster', at: minute(20), by },
  plan: { ...plan, ...needsTwo, holdBackPercent: 0 },
};

const commands = {
  approve: approve('alice'),
  'approve by who planned it': approve(by),
  start,
  pause: { type: 'PauseRollout', rolloutId, reason: 'lunch', at },
  resume: { type: 'ResumeRollout', rolloutId, evidenceSeen: 'logs', at },
  halt: { type: 'HaltRollout', rolloutId, by: 'responder', reason: 'it smokes', at },
  'halt by gate': { type: 'HaltRollout', rolloutId, by: 'gate', reason: 'installs fail', evidence, at },
  grant: { type: 'GrantExposure', rolloutId, permission, at: minute(300) },
  advance: { type: 'AdvanceRollout', rolloutId, wave: 1, goingOn: { says: 'go' }, at },
  'advance by force': {
    ...{ type: 'AdvanceRollout', rolloutId, wave: 1, force: 'a lab', at },
    goingOn: { says: 'wait', waits: [{ for: 'person' }] },
  },
  'complete wave': { type: 'CompleteWave', rolloutId, wave: 1, goingOn: { says: 'go' }, at: minute(2000) },
  abort: { type: 'AbortRollout', rolloutId, reason: 'not wanted', at },
} satisfies Record<string, RolloutCommand>;

const underWay = [
  plannedBy(by, needsTwo),
  approved('alice'),
  approved('carol'),
  granting(),
  opened(1),
  granted(1, 0, 60),
];
const full = [granted(1, 60, 2000)];
const missing = 'approval-missing';
const stops = {
  pause: 'RolloutPaused',
  halt: 'RolloutHalted',
  'halt by gate': 'RolloutHalted',
  abort: 'RolloutAborted',
};
const own = { 'approve by who planned it': 'approval-own-plan' };
type Row = Record<keyof typeof commands, string>;
const notRunning = 'rollout-not-running';
const still: Omit<Row, 'start' | 'resume' | 'approve'> = {
  ...{ ...own, pause: '-', halt: 'RolloutHalted', 'halt by gate': 'RolloutHalted', abort: 'RolloutAborted' },
  ...{ grant: notRunning, advance: notRunning, 'advance by force': notRunning, 'complete wave': notRunning },
};
const table: readonly (readonly [string, readonly RolloutEvent[], Row])[] = [
  [
    'planned, and approved by one of two',
    [plannedBy(by, needsTwo), approved('alice')],
    {
      ...{ ...still, approve: '-', start: missing, pause: notRunning, halt: notRunning, 'halt by gate': notRunning },
      resume: 'rollout-not-stopped',
    },
  ],
  [
    'running under a plan that nobody has approved yet',
    [...underWay, ...full, replanned],
    {
      ...{ ...own, ...stops, approve: 'RolloutApproved', start: 'rollout-not-planned', resume: '-' },
      ...{ grant: missing, advance: missing, 'advance by force': missing, 'complete wave': '-' },
    },
  ],
  [
    'paused under a plan that nobody has approved yet',
    [...underWay, replanned, paused(minute(25))],
    { ...still, approve: 'RolloutApproved', start: 'rollout-not-planned', resume: missing },
  ],
  [
    'halted under a plan that nobody has approved yet',
    [...underWay, replanned, halted(minute(25))],
    {
      ...{ ...still, halt: '-', 'halt by gate': '-' },
      approve: 'RolloutApproved',
      start: 'rollout-not-planned',
      resume: missing,
    },
  ],
];

describe.each(table)('commanding a rollout that is %s', (_, history, row) => {
  it.each(Object.entries(row))('answers "%s" with %s', (command, expected) => {
    expect(outcomeOf(rolloutDecider, commands[command as keyof typeof commands], history)).toBe(expected);
  });
});

describe('approving a plan', () => {
  it('lets it start once enough others than who planned it have approved it', () => {
    const history = [plannedBy(by, needsTwo), approved('alice')];
    expect(outcomeOf(rolloutDecider, start, history)).toBe(missing);
    expect(outcomeOf(rolloutDecider, start, [...history, approved('carol', 1)])).toBe('RolloutStarted WaveOpened');
  });

  it('keeps who approved which revision, and each person once', () => {
    given(plannedBy(by, needsTwo)).when(approve('alice', 3)).thenEvents(approved('alice', 3));
    given(plannedBy(by, needsTwo), approved('alice')).when(approve('alice', 9)).thenNothing();
  });

  it('lapses with another plan, whose planner is another one', () => {
    const again = [
      plannedBy(by, needsTwo),
      approved('alice'),
      approved('carol'),
      plannedBy('alice', { ...needsTwo, notes: 'n' }),
    ];
    expect(fold(rolloutDecider, again)).toMatchObject({ approvals: { plannedBy: 'alice', given: [] } });
    expect(outcomeOf(rolloutDecider, start, again)).toBe(missing);
    expect(outcomeOf(rolloutDecider, approve('alice'), again)).toBe('approval-own-plan');
    expect(outcomeOf(rolloutDecider, approve(by), again)).toBe('RolloutApproved');
  });

  it('asks for as many as before of a plan that asks for fewer', () => {
    const fewer = [plannedBy(by, needsTwo), plannedBy(by)];
    expect(outcomeOf(rolloutDecider, start, fewer)).toBe(missing);
    expect(fold(rolloutDecider, fewer)).toMatchObject({ approvals: { required: 2 } });
  });

  it('goes on under a new plan once that is approved', () => {
    const history = [...underWay, replanned];
    expect(outcomeOf(rolloutDecider, commands.grant, history)).toBe(missing);
    const grants = outcomeOf(rolloutDecider, commands.grant, [...history, approved('alice'), approved('carol')]);
    expect(grants).toBe('ExposureGranted');
  });

  it('widens nothing by the plan that is put in place', () => {
    const replan: RolloutCommand = {
      ...{ type: 'ReplanRollout', rolloutId, reason: 'faster', by, approvalsAsked: 2, at: minute(20) },
      plan: { ...plan, holdBackPercent: 0 },
    };
    given(...underWay)
      .when(replan)
      .thenEvents({
        ...{ type: 'RolloutReplanned', rolloutId, plan: { ...plan, holdBackPercent: 0 }, reason: 'faster', by },
        ...{ approvalsRequired: 2, at: minute(20) },
      });
  });

  it('needs one more where nobody knows who planned it', () => {
    const approvals = { required: 1, given: [{ by: 'alice', revision: 0, at }] };
    expect(approvalsNeeded(approvals)).toEqual({ needed: 2, missing: 1 });
    expect(approvalsNeeded({ ...approvals, plannedBy: by })).toEqual({ needed: 1, missing: 0 });
    expect(approvalsNeeded({ required: 0, given: [] })).toEqual({ needed: 0, missing: 0 });
  });

  it('is asked of no rollout from before there were approvals', () => {
    expect(outcomeOf(rolloutDecider, start, [planned()])).toBe('RolloutStarted WaveOpened');
    expect(outcomeOf(rolloutDecider, commands.grant, [planned(), granting(), opened(1), granted(1, 0, 60)])).not.toBe(
      missing,
    );
  });
});

describe('asking for approvals by the share of the fleet', () => {
  const published = {
    platform: 'ios',
    baseVersion: '26.3.1',
    letter: 'a',
    variants: [{ build: 'x', prerequisiteBuild: '23D8133', models: ['iPhone18,1'] }],
  } as const;
  const population = (model: string, devices: number) =>
    ({ platform: 'ios', model, base: '23D8133', track: 'automatic', devices }) as const;
  const census = foldCensus(emptyCensus(), {
    ...healthBucket(minute(1), {}),
    populations: [population('iPhone18,1', 30), population('iPad16,3', 70)],
  });
  const all = {
    ...plan,
    waves: [{ name: 'all', ramp: { fromPercent: 100, toPercent: 100, minutes: 0 }, bakeMinutes: 1 }],
  };
  const asked = (abovePercent: number, known: Partial<Parameters<typeof approvalsAsked>[2]> = {}, own = 0) =>
    approvalsAsked({ ...all, approvalsRequired: own }, { required: 2, abovePercent }, { published, census, ...known });

  it('asks for an audience above the share, and not for one at it or below', () => {
    expect([asked(29), asked(30), asked(31)]).toEqual([2, 0, 0]);
  });

  it('takes a share that is unknown for a large one', () => {
    expect(asked(99, { census: undefined })).toBe(2);
    expect(asked(99, { published: undefined })).toBe(2);
    expect(asked(99, { census: emptyCensus() })).toBe(2);
    const onAnotherBase = { ...population('iPhone18,1', 100), base: '23D0000' };
    const elsewhere = foldCensus(emptyCensus(), { ...healthBucket(minute(1), {}), populations: [onAnotherBase] });
    expect(asked(99, { census: elsewhere })).toBe(2);
  });

  it('asks for as many as the plan does, where that is more', () => {
    expect([asked(99, {}, 1), asked(0, {}, 1), asked(0, {}, 3)]).toEqual([1, 2, 3]);
  });
});
