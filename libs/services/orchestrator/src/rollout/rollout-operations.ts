import { Operation, RolloutPage, RolloutPreview, RolloutView } from '@sluice/api';

/** What the OpenAPI document says of the operations on rollouts. */
export const rolloutOperations = {
  plan: Operation({
    id: 'planRollout',
    summary: 'Plan a rollout',
    answers: { 201: RolloutView, 200: { type: RolloutView, description: 'The same plan was there already.' } },
    problems: ['plan-not-valid', 'patch-unknown', 'patch-pulled', 'rollout-exists', 'start-in-past'],
    etag: true,
  }),
  replan: Operation({
    id: 'replanRollout',
    summary: 'Put another plan in place of the present one; nothing that was exposed is taken back',
    answers: { 200: RolloutView },
    etag: true,
    problems: [
      ...(['rollout-not-found', 'plan-not-valid', 'patch-unknown', 'patch-pulled', 'start-in-past'] as const),
      ...(['rollout-over', 'reason-missing', 'already-exposed'] as const),
    ],
    ifMatch: 'required',
  }),
  list: Operation({
    id: 'listRollouts',
    summary: 'List rollouts, now or as of an instant',
    answers: { 200: RolloutPage },
    problems: ['unknown-cursor', 'at-in-future', 'at-before-first-record'],
  }),
  show: Operation({
    id: 'showRollout',
    summary: 'Show a rollout: its plan, how far it has come, and what it waits for',
    answers: { 200: RolloutView },
    description: 'As of an instant it has what is recorded: no counts of devices, and no ETag.',
    problems: ['rollout-not-found', 'at-in-future', 'at-before-first-record'],
    etag: true,
  }),
  preview: Operation({
    id: 'previewRollout',
    summary: 'Count who would get the patch: per wave and slice, of the devices known now',
    answers: { 200: RolloutPreview },
    problems: ['rollout-not-found', 'patch-unknown'],
  }),
  approve: Operation({
    id: 'approveRollout',
    summary: 'Approve the plan as it was seen; who planned it does not approve it',
    description:
      'Approvals lapse when the plan changes: a rollout under way then widens no further until the new plan is approved. Approved twice by one person, it is approved once.',
    answers: { 200: RolloutView },
    etag: true,
    problems: ['rollout-not-found', 'rollout-over', 'approval-own-plan'],
    ifMatch: 'required',
  }),
  start: Operation({
    id: 'startRollout',
    summary: 'Start a planned rollout: its first wave opens',
    answers: { 200: RolloutView },
    etag: true,
    problems: [
      ...(['rollout-not-found', 'rollout-not-planned', 'rollout-of-patch-running', 'evidence-not-named'] as const),
      ...(['clock-unsound', 'plan-not-valid', 'patch-unknown', 'patch-pulled', 'approval-missing'] as const),
    ],
    ifMatch: 'optional',
  }),
  pause: Operation({
    id: 'pauseRollout',
    summary: 'Give no more directives; the clocks of ramp and bake stand still',
    answers: { 200: RolloutView },
    etag: true,
    problems: ['rollout-not-found', 'rollout-not-running', 'rollout-over', 'in-force-not-durable'],
  }),
  resume: Operation({
    id: 'resumeRollout',
    summary: 'Go on after a pause or a halt',
    answers: { 200: RolloutView },
    etag: true,
    problems: ['rollout-not-found', 'rollout-not-stopped', 'rollout-over', 'evidence-not-named', 'approval-missing'],
    ifMatch: 'optional',
  }),
  halt: Operation({
    id: 'haltRollout',
    summary: 'Stop because of harm; only an operator who names the evidence resumes',
    answers: { 200: RolloutView },
    etag: true,
    problems: ['rollout-not-found', 'rollout-not-running', 'rollout-over', 'in-force-not-durable'],
  }),
  advance: Operation({
    id: 'advanceRollout',
    summary: 'End ramp and bake of the open wave now, unless it waits or a gate says halt',
    answers: { 200: RolloutView },
    etag: true,
    problems: [
      ...(['rollout-not-found', 'rollout-not-running', 'rollout-over'] as const),
      ...(['wave-not-open', 'wave-waits', 'gate-says-stop', 'approval-missing'] as const),
    ],
    ifMatch: 'optional',
  }),
  abort: Operation({
    id: 'abortRollout',
    summary: 'End the rollout; devices keep what they have',
    answers: { 200: RolloutView },
    etag: true,
    problems: ['rollout-not-found', 'rollout-over'],
  }),
};
