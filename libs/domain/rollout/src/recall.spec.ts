import { type RecallCount } from '@sluice/domain-cohorts';
import { fold } from '@sluice/event-sourcing';
import { scenarios } from '@sluice/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evidence, minute, outcomeOf } from './examples.ts';
import { type RecallCommand, recallDecider, type RecallEvent, type RecordRemovals } from './recall.ts';

const { given } = scenarios(recallDecider);
const patchId = 'a';
const at = minute(90);

const start: Extract<RecallCommand, { type: 'StartRecall' }> = {
  type: 'StartRecall',
  patchId,
  recallEpoch: 1,
  reason: 'it smokes',
  at,
};
const nobody: RecallCount = {
  set: 9,
  freed: { recall: 5, user: 1, failure: 1, unknown: 0 },
  replaced: 1,
  retired: 1,
  failing: 0,
  offline: 0,
  waiting: 0,
  inFlight: 0,
};
const counted = (change: Partial<RecallCount> = {}, wasOffered = true): RecordRemovals => {
  return {
    type: 'RecordRemovals',
    patchId,
    recallEpoch: 1,
    count: { ...nobody, ...change },
    wasOffered,
    at,
  };
};
const started: RecallEvent = { type: 'RecallStarted', patchId, recallEpoch: 1, reason: 'it smokes', at: minute(0) };
const completed: RecallEvent = {
  type: 'RecallCompleted',
  patchId,
  recallEpoch: 1,
  removed: 7,
  devices: 9,
  replaced: 1,
  retired: 1,
  at,
};
const reopened: RecallEvent = { type: 'RecallReopened', patchId, recallEpoch: 1, holders: 2, at };
const paused: RecallEvent = { type: 'RecallPaused', patchId, recallEpoch: 1, reason: 'it hurts', at };
const harmed: RecallEvent = { ...paused, by: 'gate', evidence };
const resumed: RecallEvent = { type: 'RecallResumed', patchId, recallEpoch: 1, at };

const recordPull: RecallCommand = { type: 'RecordPull', patchId, mode: 'recall', reason: 'it smokes', at };
const recorded: RecallEvent = {
  type: 'PullRecorded',
  patchId,
  recallEpoch: 0,
  mode: 'recall',
  reason: 'it smokes',
  at,
};
const commands = {
  'record pull': recordPull,
  start,
  pause: { type: 'PauseRecall', patchId, reason: 'it hurts', at },
  resume: { type: 'ResumeRecall', patchId, at },
  'pause by the gate': { type: 'PauseRecall', patchId, by: 'gate', recallEpoch: 1, reason: 'it hurts', evidence, at },
  'resume with what was seen': { type: 'ResumeRecall', patchId, evidenceSeen: 'a lab', at },
  'record none left': counted(),
  'record two left': counted({ waiting: 2 }),
} as const;
const missing = {
  pause: 'recall-not-found',
  resume: 'recall-not-found',
  'pause by the gate': 'recall-not-found',
  'resume with what was seen': 'recall-not-found',
  'record none left': 'recall-not-found',
  'record two left': 'recall-not-found',
};
const running = {
  'record pull': '-',
  start: '-',
  pause: 'RecallPaused',
  resume: '-',
  'pause by the gate': 'RecallPaused',
  'resume with what was seen': '-',
  'record none left': 'RecallCompleted',
  'record two left': '-',
};
const stopped = {
  ...running,
  pause: '-',
  'pause by the gate': '-',
  'resume with what was seen': 'RecallResumed',
  'record none left': '-',
};
const rows: [string, readonly RecallEvent[], Record<keyof typeof commands, string>][] = [
  ['absent', [], { ...missing, 'record pull': 'PullRecorded', start: 'RecallStarted' }],
  ['recorded', [recorded], { ...missing, 'record pull': '-', start: 'RecallStarted' }],
  ['removing', [started], running],
  ['paused', [started, paused], { ...stopped, resume: 'RecallResumed' }],
  ['paused by the gate', [started, harmed], { ...stopped, resume: 'evidence-not-named' }],
  ['resumed', [started, paused, resumed], running],
  [
    'completed',
    [started, completed],
    {
      ...running,
      pause: 'recall-not-running',
      'pause by the gate': 'recall-not-running',
      'record none left': '-',
      'record two left': 'RecallReopened',
    },
  ],
  ['reopened', [started, completed, reopened], running],
];

describe.each(rows)('commanding a recall that is %s', (_, history, row) => {
  it.each(Object.entries(row))('answers "%s" with %s', (command, expected) => {
    expect(outcomeOf(recallDecider, commands[command as keyof typeof commands], history)).toBe(expected);
  });
});

describe('starting a recall', () => {
  it('begins anew with another epoch', () => {
    given(started, completed)
      .when({ ...start, recallEpoch: 2, replacement: 'c' })
      .thenEvents({ type: 'RecallStarted', patchId, recallEpoch: 2, reason: 'it smokes', replacement: 'c', at });
  });
});

describe('keeping whose recall it is', () => {
  it('names who pulled the patch and why it went on, whatever comes after', () => {
    const byAnn: RecallEvent = { ...started, causedBy: 'ann' };
    given()
      .when({ ...start, causedBy: 'ann' })
      .thenEvents({ ...byAnn, at });
    given(byAnn, paused)
      .when({ type: 'ResumeRecall', patchId, reason: 'fixed', at })
      .thenEvents({ ...resumed, reason: 'fixed' });
    expect(fold(recallDecider, [byAnn, paused, { ...resumed, reason: 'fixed' }, completed])).toMatchObject({
      status: 'completed',
      causedBy: 'ann',
      resumed: { at: resumed.at, reason: 'fixed' },
    });
  });
});

describe('pausing a recall', () => {
  it('outlasts a pull that names a replacement', () => {
    const again: RecallEvent = { ...started, recallEpoch: 2, replacement: 'c', at };
    expect(fold(recallDecider, [started, paused, again])).toMatchObject({
      status: 'paused',
      recallEpoch: 2,
      replacement: 'c',
      startedAt: minute(0),
      pulledAt: at,
    });
  });
});

describe('pausing a recall by the gate', () => {
  const pause: RecallCommand = {
    type: 'PauseRecall',
    patchId,
    by: 'gate',
    recallEpoch: 1,
    reason: 'it hurts',
    evidence,
    at,
  };

  it('records what was found, and what was seen when it goes on', () => {
    given(started).when(pause).thenEvents(harmed);
    given(started, harmed)
      .when({ type: 'ResumeRecall', patchId, evidenceSeen: 'a lab', at })
      .thenEvents({ ...resumed, evidenceSeen: 'a lab' });
    expect(fold(recallDecider, [started, harmed])).toMatchObject({ pausedBecause: { reason: 'it hurts', evidence } });
  });

  it('says nothing of another epoch', () => {
    given({ ...started, recallEpoch: 2 })
      .when(pause)
      .thenNothing();
  });
});

describe('recording removals', () => {
  it('completes the recall when no holder is left', () => {
    given(started).when(counted()).thenEvents(completed);
  });

  it.each([{ failing: 1 }, { offline: 1 }, { waiting: 1 }, { inFlight: 1 }])('does not while %o is left', (left) => {
    given(started).when(counted(left)).thenNothing();
  });

  it('does not while a lease from before the pull may be out', () => {
    const early = { ...counted(), at: minute(59) };
    given(started).when(early).thenNothing();
    given(started, { ...started, recallEpoch: 2, at: minute(60) })
      .when({ ...counted(), recallEpoch: 2 })
      .thenNothing();
    given(started)
      .when({ ...early, wasOffered: false })
      .thenEvents({ ...completed, at: early.at });
  });

  it('reopens it when one turns up', () => {
    given(started, completed)
      .when(counted({ waiting: 1, failing: 1 }))
      .thenEvents(reopened);
  });

  it('leaves counts of another epoch alone', () => {
    given(started)
      .when({ ...counted(), recallEpoch: 2 })
      .thenNothing();
  });
});

describe('evolving a recall', () => {
  it('never throws, whatever the order of events', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(recorded, started, paused, harmed, resumed, completed, reopened)),
        (history) => {
          expect(() => fold(recallDecider, history)).not.toThrow();
        },
      ),
    );
  });
});
