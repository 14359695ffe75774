import Type from 'typebox';
import { Cause, chained, SumEvidence } from './event-shapes.ts';
import { Count, Id, Text, Time } from './primitives.ts';

const recall = { patchId: Id, recallEpoch: Count, at: Time };

/** A pull that the catalog had in force before it was stored, kept by the orchestrator: the patch counts as withdrawn. */
export const PullRecorded = chained('PullRecorded', {
  ...recall,
  mode: Type.Enum(['withdraw', 'recall']),
  reason: Text,
});
/** `causedBy`: who pulled the patch; `cause`: the pull in the stream of the patch. */
export const RecallStarted = chained('RecallStarted', {
  ...recall,
  reason: Text,
  replacement: Type.Optional(Id),
  causedBy: Type.Optional(Type.String()),
  cause: Type.Optional(Cause),
});
/**
 * Devices that hold the patch stay as they are until the recall is resumed. By the gate, with the evidence that removals
 * harm; by a person where `by` is absent.
 */
export const RecallPaused = chained('RecallPaused', {
  ...recall,
  by: Type.Optional(Type.Enum(['gate'])),
  reason: Text,
  evidence: Type.Optional(SumEvidence),
});
export const RecallResumed = chained('RecallResumed', {
  ...recall,
  reason: Type.Optional(Text),
  evidenceSeen: Type.Optional(Text),
});
/**
 * No device holds the patch, none is installing it, and no lease of it is out. Removed: devices whose build showed that they
 * went back. Events of former versions have no more than that.
 */
export const RecallCompleted = chained('RecallCompleted', {
  ...recall,
  removed: Count,
  devices: Type.Optional(Count),
  replaced: Type.Optional(Count),
  retired: Type.Optional(Count),
});
/** A device that holds the patch turned up after the recall had been completed. */
export const RecallReopened = chained('RecallReopened', { ...recall, holders: Count });
