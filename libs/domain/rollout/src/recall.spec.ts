import { fold } from '@sluice/event-sourcing';
import { scenarios } from '@sluice/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { minute, outcomeOf } from './examples.ts';
import { type RecallCommand, recallDecider, type RecallEvent } from './recall.ts';

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
const counted = (holders: number): Extract<RecallCommand, { type: 'RecordRemovals' }> => {
  return { type: 'RecordRemovals', patchId, recallEpoch: 1, holders, removed: 7, at };
};
const started: RecallEvent = { type: 'RecallStarted', patchId, recallEpoch: 1, reason: 'it smokes', at: minute(0) };
const completed: RecallEvent = { type: 'RecallCompleted', patchId, recallEpoch: 1, removed: 7, at };
const reopened: RecallEvent = { type: 'RecallReopened', patchId, recallEpoch: 1, holders: 2, at };

const recordPull: RecallCommand = { type: 'RecordPull', patchId, mode: 'recall', reason: 'it smokes', at };
const recorded: RecallEvent = {
  type: 'PullRecorded',
  patchId,
  recallEpoch: 0,
  mode: 'recall',
  reason: 'it smokes',
  at,
};
const commands = { 'record pull': recordPull, start, 'record none left': counted(0), 'record two left': counted(2) };
const rows: [string, readonly RecallEvent[], Record<keyof typeof commands, string>][] = [
  [
    'absent',
    [],
    {
      'record pull': 'PullRecorded',
      start: 'RecallStarted',
      'record none left': 'recall-not-found',
      'record two left': 'recall-not-found',
    },
  ],
  [
    'recorded',
    [recorded],
    {
      'record pull': '-',
      start: 'RecallStarted',
      'record none left': 'recall-not-found',
      'record two left': 'recall-not-found',
    },
  ],
  [
    'removing',
    [started],
    { 'record pull': '-', start: '-', 'record none left': 'RecallCompleted', 'record two left': '-' },
  ],
  [
    'completed',
    [started, completed],
    { 'record pull': '-', start: '-', 'record none left': '-', 'record two left': 'RecallReopened' },
  ],
  [
    'reopened',
    [started, completed, reopened],
    { 'record pull': '-', start: '-', 'record none left': 'RecallCompleted', 'record two left': '-' },
  ],
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

describe('recording removals', () => {
  it('completes the recall when no holder is left', () => {
    given(started).when(counted(0)).thenEvents(completed);
  });

  it('reopens it when one turns up', () => {
    given(started, completed).when(counted(2)).thenEvents(reopened);
  });

  it('leaves counts of another epoch alone', () => {
    given(started)
      .when({ ...counted(0), recallEpoch: 2 })
      .thenNothing();
  });
});

describe('evolving a recall', () => {
  it('never throws, whatever the order of events', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(recorded, started, completed, reopened)), (history) => {
        expect(() => fold(recallDecider, history)).not.toThrow();
      }),
    );
  });
});
