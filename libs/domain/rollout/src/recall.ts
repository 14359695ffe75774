import { type RecallCount, sum } from '@sluice/domain-cohorts';
import { type Decider, type NamedReceipt, type Receipted, reject, unknownEvent } from '@sluice/event-sourcing';
import { LEASE_MS } from './directive.ts';
import { type SumEvidence } from './gates/verdict.ts';
import { type Resumed, resumeOf } from './rollout-state.ts';

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
      /** Who pulled the patch, and the receipt of that pull. */
      readonly causedBy?: string | undefined;
      readonly cause?: NamedReceipt | undefined;
      readonly at: string;
    }
  | PauseRecall
  | ResumeRecall
  | RecordRemovals;

/** Holders stay as they are until it is resumed. By the gate, with what it found in this recall epoch; else by a person. */
export type PauseRecall = {
  readonly type: 'PauseRecall';
  readonly patchId: string;
  readonly reason: string;
  readonly at: string;
} & (
  { readonly by?: undefined } | { readonly by: 'gate'; readonly recallEpoch: number; readonly evidence: SumEvidence }
);

/** `evidenceSeen` says what was looked at before a recall goes on that the gate paused. */
export interface ResumeRecall {
  readonly type: 'ResumeRecall';
  readonly patchId: string;
  readonly reason?: string | undefined;
  readonly evidenceSeen?: string | undefined;
  readonly at: string;
}

/** What all shards together have counted, each at this recall epoch. */
export interface RecordRemovals {
  readonly type: 'RecordRemovals';
  readonly patchId: string;
  readonly recallEpoch: number;
  readonly count: RecallCount;
  /** False when the patch was never offered, so that no lease can be out. */
  readonly wasOffered: boolean;
  readonly at: string;
}

type Of<Fields> = { readonly patchId: string; readonly recallEpoch: number; readonly at: string } & Receipted & Fields;

export type PullRecorded = Of<{
  readonly type: 'PullRecorded';
  readonly mode: 'withdraw' | 'recall';
  readonly reason: string;
}>;

export type RecallPause =
  | Of<{
      readonly type: 'RecallPaused';
      readonly by?: 'gate';
      readonly reason: string;
      readonly evidence?: SumEvidence;
    }>
  | Of<{ readonly type: 'RecallResumed'; readonly reason?: string; readonly evidenceSeen?: string }>;

export type RecallEvent =
  | PullRecorded
  | Of<{
      readonly type: 'RecallStarted';
      readonly reason: string;
      readonly replacement?: string;
      readonly causedBy?: string;
      readonly cause?: NamedReceipt;
    }>
  | RecallPause
  /** Removed: devices whose build showed that they went back. Former versions told nothing but those. */
  | Of<{
      readonly type: 'RecallCompleted';
      readonly removed: number;
      readonly devices?: number;
      readonly replaced?: number;
      readonly retired?: number;
    }>
  | Of<{ readonly type: 'RecallReopened'; readonly holders: number }>;

interface Started {
  readonly patchId: string;
  readonly recallEpoch: number;
  readonly reason: string;
  readonly replacement?: string;
  readonly causedBy?: string;
  /** The last time that it was resumed. */
  readonly resumed?: Resumed;
  /** Of its first epoch. */
  readonly startedAt: string;
  /** Of its present epoch: leases from before are out for one length more. */
  readonly pulledAt: string;
}

/** Why a recall is paused: `evidence` is there when the gate did it. */
export interface RecallPauseReason {
  readonly reason: string;
  readonly evidence?: SumEvidence;
  readonly at: string;
}

/** `recorded`: the patch counts as withdrawn, and no recall of it has begun. */
export type Recall =
  | { readonly status: 'absent' }
  | { readonly status: 'recorded'; readonly patchId: string; readonly recallEpoch: number; readonly recordedAt: string }
  | (Started & { readonly status: 'removing' })
  | (Started & { readonly status: 'paused'; readonly pausedBecause: RecallPauseReason })
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
      const { patchId, recallEpoch, reason, replacement, causedBy, cause, at } = command;
      if (recall.status !== 'absent' && recall.recallEpoch >= recallEpoch) return [];
      const next = {
        ...(replacement !== undefined && { replacement }),
        ...(causedBy !== undefined && { causedBy }),
        ...(cause !== undefined && { cause }),
      };
      return [{ type: 'RecallStarted', patchId, recallEpoch, reason, ...next, at }];
    }
    case 'PauseRecall':
      return pause(command, recall);
    case 'ResumeRecall':
      return resume(command, recall);
    case 'RecordRemovals':
      return recordRemovals(command, recall);
  }
}

function pause(command: PauseRecall, recall: Recall): readonly RecallEvent[] {
  const { patchId, reason, at } = command;
  if (recall.status === 'absent' || recall.status === 'recorded') reject('recall-not-found', patchId);
  if (recall.status === 'completed') reject('recall-not-running', 'it is completed: no device is to remove anything');
  if (recall.status === 'paused') return [];
  const { recallEpoch } = recall;
  if (command.by === undefined) return [{ type: 'RecallPaused', patchId, recallEpoch, reason, at }];
  // What was found in another epoch says nothing about this one.
  if (command.recallEpoch !== recallEpoch) return [];
  const { by, evidence } = command;
  return [{ type: 'RecallPaused', patchId, recallEpoch, by, reason, evidence, at }];
}

function resume({ patchId, reason, evidenceSeen, at }: ResumeRecall, recall: Recall): readonly RecallEvent[] {
  if (recall.status === 'absent' || recall.status === 'recorded') reject('recall-not-found', patchId);
  if (recall.status !== 'paused') return [];
  if (recall.pausedBecause.evidence !== undefined && evidenceSeen === undefined) reject('evidence-not-named');
  const said = { ...(reason !== undefined && { reason }), ...(evidenceSeen !== undefined && { evidenceSeen }) };
  return [{ type: 'RecallResumed', patchId, recallEpoch: recall.recallEpoch, ...said, at }];
}

function recordRemovals(command: RecordRemovals, recall: Recall): readonly RecallEvent[] {
  if (recall.status === 'absent' || recall.status === 'recorded') reject('recall-not-found');
  const { patchId, recallEpoch, count, at } = command;
  // Counts of another epoch say nothing about this one.
  if (recall.recallEpoch !== recallEpoch) return [];
  const holders = holdersOf(count);
  if (recall.status === 'completed' && holders > 0)
    return [{ type: 'RecallReopened', patchId, recallEpoch, holders, at }];
  if (recall.status !== 'removing' || !isOver(command, recall)) return [];
  const { set: devices, replaced, retired } = count;
  return [{ type: 'RecallCompleted', patchId, recallEpoch, removed: freedOf(count), devices, replaced, retired, at }];
}

/** Nobody holds the patch, nobody is installing it, and nobody may begin to: each lease from before the pull has run out. */
function isOver({ count, wasOffered, at }: RecordRemovals, { pulledAt }: Started): boolean {
  if (holdersOf(count) > 0 || count.inFlight > 0) return false;
  return !wasOffered || Date.parse(at) >= lastLeaseMs({ pulledAt });
}

/** When the last directive from before the pull runs out, ms since 1970. */
export function lastLeaseMs({ pulledAt }: { readonly pulledAt: string }): number {
  return Date.parse(pulledAt) + LEASE_MS;
}

/** Devices of the recall that hold the patch still. */
export function holdersOf({ failing, offline, waiting }: RecallCount): number {
  return failing + offline + waiting;
}

/** Devices of the recall whose build showed that they went back to the base. */
export function freedOf({ freed }: RecallCount): number {
  return sum(Object.values(freed));
}

function evolve(recall: Recall, event: RecallEvent): Recall {
  const { patchId, recallEpoch, at } = event;
  if (event.type === 'PullRecorded') {
    return recall.status === 'absent' ? { status: 'recorded', patchId, recallEpoch, recordedAt: at } : recall;
  }
  if (event.type === 'RecallStarted') {
    const { reason, replacement, causedBy } = event;
    const next = { ...(replacement !== undefined && { replacement }), ...(causedBy !== undefined && { causedBy }) };
    const startedAt = 'startedAt' in recall ? recall.startedAt : at;
    const again = { patchId, recallEpoch, reason, ...next, startedAt, pulledAt: at };
    // A pull that only names a replacement does not end a pause.
    if (recall.status !== 'paused') return { ...again, status: 'removing' };
    return { ...again, status: 'paused', pausedBecause: recall.pausedBecause };
  }
  if (recall.status === 'absent' || recall.status === 'recorded') return recall;
  const started = startedOf(recall);
  switch (event.type) {
    case 'RecallPaused':
      return { ...started, status: 'paused', pausedBecause: pauseReasonOf(event) };
    case 'RecallResumed':
      return { ...started, status: 'removing', resumed: resumeOf(event) };
    case 'RecallReopened':
      return { ...started, status: 'removing' };
    case 'RecallCompleted':
      return { ...started, status: 'completed', completedAt: at };
    default:
      return unknownEvent(recall, event);
  }
}

/** What the states since the start have in common. */
function startedOf(recall: Exclude<Recall, { status: 'absent' | 'recorded' }>): Started {
  const { patchId, recallEpoch, reason, replacement, causedBy, resumed, startedAt, pulledAt } = recall;
  return {
    ...{ patchId, recallEpoch, reason, startedAt, pulledAt },
    ...(replacement !== undefined && { replacement }),
    ...(causedBy !== undefined && { causedBy }),
    ...(resumed !== undefined && { resumed }),
  };
}

function pauseReasonOf({ reason, evidence, at }: Extract<RecallPause, { type: 'RecallPaused' }>): RecallPauseReason {
  return { reason, ...(evidence !== undefined && { evidence }), at };
}
