import { type PublicEvent } from './events.ts';

/** What each public event says, in a sentence or two: for the reference, the schemas and the AsyncAPI documents. */
export const eventMeanings: Readonly<Record<PublicEvent['type'], string>> = {
  PatchPublished: 'A patch is there, with all its variants. It reaches no device before a rollout of it starts.',
  PatchAmended:
    'Variants, models of a variant, an artifact or CVEs were added; a variant that was there comes with what is new. Nothing is ever taken away; an `exploited` of true replaces a false.',
  PatchSuperseded: 'A later letter of the same base was published.',
  PatchPulled: 'The patch was withdrawn or recalled. This is never undone.',
  PullRequested:
    'One person asked for a recall that re-opens exploited CVEs, and a second one has yet to confirm it. The patch is withdrawn by a PatchPulled before it.',
  PatchFoldedIn: 'A full release contains the patch.',
  RolloutPlanned: 'A plan was made, or another one was put in its place. The plan is as stored.',
  RolloutStarted: 'The rollout runs. `slices` is the number of hypotheses that its gates test; it is fixed here.',
  RolloutReplanned: 'Another plan was put in the place of one under way. Nothing that was exposed is taken back.',
  RolloutApproved: 'Somebody other than who planned it approved the plan. Approvals lapse when the plan changes.',
  ExposureGranted:
    'The permission to widen a wave from one percentage of buckets to another, between two instants. Without a grant nothing widens; a stop cuts it short.',
  WaveOpened: 'The audience of a wave is open to its ramp.',
  WaveBaked: 'A wave is over: its bake time has passed, or an operator advanced the rollout.',
  WaveWaiting:
    'A wave is over, and waits: for evidence, for a person, for what is not known. Told when the reasons change.',
  RolloutPaused: 'Somebody stopped the rollout for a while. Its ramp and bake clocks stand still.',
  RolloutResumed: 'The rollout goes on. After a halt, `evidenceSeen` says what the operator looked at.',
  RolloutHalted: 'A gate or a responder stopped the rollout. `evidence` has all that is needed to compute it again.',
  RolloutCompleted: 'The last wave is over. The rollout goes on offering what its waves say, and can still be stopped.',
  RolloutAborted: 'The rollout has ended early. Devices keep what they have.',
  PullRecorded:
    'The catalog had a pull in force that it could not store yet. The patch counts as withdrawn from then on.',
  RecallStarted: 'Devices that have the patch are directed to remove it.',
  RecallPaused:
    'Devices keep the recalled patch for now. The gate found that its removal harms, with `evidence`; or a person ordered it.',
  RecallResumed:
    'Devices that have the recalled patch are directed to remove it again. After a pause by the gate, `evidenceSeen` says what the operator looked at.',
  RecallCompleted: 'No known device has the patch any more, and none can get it.',
  RecallReopened: 'After the recall had been completed, a device turned up that has the patch.',
  HoldPlaced: 'Nothing is offered to this slice: of one patch, or of all without `patchId`.',
  HoldLifted: 'Somebody ended the hold.',
  HoldExpired: 'The hold has come to its end by itself.',
  DeviceObserved: 'A device said what it is.',
  DeviceRetired: 'A device is gone for good; nothing waits for it.',
  InstallStarted: 'A device began to install a patch. A trial of the install gate begins.',
  PatchInstalled: 'A device has the patch.',
  PatchInstallFailed: 'An install failed.',
  PatchRolledBack: 'A device went back to its base. All its patches are gone, not only the one that is named.',
  PatchRemoveStarted: 'A device began to remove a recalled patch. A trial of the removal gate begins.',
  PatchRemoveFailed: 'A removal failed; the device has the patch still.',
  IncidentReported: 'A device told of harm, with or without naming a patch.',
  TokenIssued:
    'A token was made, or taken over from a file. Peers and admins alone may read this: it has the hash of the secret.',
  TokenRevoked: 'A token is good no more.',
  HealthBucketClosed:
    'The health of one shard in [from, to), counted over its commits up to `throughRevision`; what is too much for one event comes in several of the same time. Holders and populations are absolute; only those that changed since the bucket before are listed.',
};
