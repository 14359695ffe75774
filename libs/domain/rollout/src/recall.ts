import { type Decider, reject, unknownEvent } from '@sluice/event-sourcing';

/** A pull that the catalog has in force but not stored: kept here, so that it is not forgotten. */
export interface RecordPull {
  readonly type: 'RecordPull';
  readonly patchId: string;
  readonly mode: 'withdraw' | 'recall';
  readonly reason: string;
  readonly at: string;
}

export type RecallCommand =
  | RecordPull
  | {
      readonly type: 'StartRecall';
      readonly patchId: string;
      readonly recallEpoch: number;
      readonly reason: string;
      readonly replacement?: string;
      readonly at: string;
    }
  /** What all shards together have counted, each at this recall epoch: who still holds the patch, how many were freed of it. */
  | {
      readonly type: 'RecordRemovals';
      readonly patchId: string;
      readonly recallEpoch: number;
      readonly holders: number;
      readonly removed: number;
      readonly at: string;
    };

type Of<Fields> = { readonly patchId: string; readonly recallEpoch: number; readonly at: string } & Fields;

export type PullRecorded = Of<{
  readonly type: 'PullRecorded';
  readonly mode: 'withdraw' | 'recall';
  readonly reason: string;
}>;

export type RecallEvent =
  | PullRecorded
  | Of<{ readonly type: 'RecallStarted'; readonly reason: string; readonly replacement?: string }>
  | Of<{ readonly type: 'RecallCompleted'; readonly removed: number }>
  | Of<{ readonly type: 'RecallReopened'; readonly holders: number }>;

interface Started {
  readonly patchId: string;
  readonly recallEpoch: number;
  readonly reason: string;
  readonly replacement?: string;
  readonly startedAt: string;
}

/** `recorded`: the patch counts as withdrawn, and no recall of it has begun. */
export type Recall =
  | { readonly status: 'absent' }
  | { readonly status: 'recorded'; readonly patchId: string; readonly recallEpoch: number; readonly recordedAt: string }
  | (Started & { readonly status: 'removing' })
  | (Started & { readonly status: 'completed'; readonly completedAt: string });

export const recallDecider: Decider<Recall, RecallCommand, RecallEvent> = {
  initialState: { status: 'absent' },
  decide,
  evolve,
};

function decide(command: RecallCommand, recall: Recall): readonly RecallEvent[] {
  switch (command.type) {
    case 'RecordPull': {
      const { patchId, mode, reason, at } = command;
      return recall.status === 'absent' ? [{ type: 'PullRecorded', patchId, recallEpoch: 0, mode, reason, at }] : [];
    }
    case 'StartRecall': {
      const { patchId, recallEpoch, reason, replacement, at } = command;
      if (recall.status !== 'absent' && recall.recallEpoch >= recallEpoch) return [];
      const next = replacement !== undefined && { replacement };
      return [{ type: 'RecallStarted', patchId, recallEpoch, reason, ...next, at }];
    }
    case 'RecordRemovals':
      return recordRemovals(command, recall);
  }
}

function recordRemovals(
  { patchId, recallEpoch, holders, removed, at }: Extract<RecallCommand, { type: 'RecordRemovals' }>,
  recall: Recall,
): readonly RecallEvent[] {
  if (recall.status === 'absent' || recall.status === 'recorded') reject('recall-not-found');
  // Counts of another epoch say nothing about this one.
  if (recall.recallEpoch !== recallEpoch) return [];
  if (recall.status === 'removing' && holders === 0) {
    return [{ type: 'RecallCompleted', patchId, recallEpoch, removed, at }];
  }
  if (recall.status === 'completed' && holders > 0) {
    return [{ type: 'RecallReopened', patchId, recallEpoch, holders, at }];
  }
  return [];
}

function evolve(recall: Recall, event: RecallEvent): Recall {
  const { patchId, recallEpoch, at } = event;
  if (event.type === 'PullRecorded') {
    return recall.status === 'absent' ? { status: 'recorded', patchId, recallEpoch, recordedAt: at } : recall;
  }
  if (event.type === 'RecallStarted') {
    const { reason, replacement } = event;
    const next = replacement !== undefined && { replacement };
    return { status: 'removing', patchId, recallEpoch, reason, ...next, startedAt: at };
  }
  if (recall.status === 'absent' || recall.status === 'recorded') return recall;
  const { reason, replacement, startedAt } = recall;
  const started = { patchId, recallEpoch, reason, ...(replacement !== undefined && { replacement }), startedAt };
  switch (event.type) {
    case 'RecallCompleted':
      return { ...started, status: 'completed', completedAt: at };
    case 'RecallReopened':
      return { ...started, status: 'removing' };
    default:
      return unknownEvent(recall, event);
  }
}
