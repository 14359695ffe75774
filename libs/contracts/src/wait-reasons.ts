/**
 * What a rollout waits for before it goes on, each once: what it means, and the command that ends the wait or shows what is
 * behind it. `docs/guides/it-waits.md` has a section for each. In commands, `<rollout>`, `<wave>`, `<patch>` and `<revision>` stand for what it is.
 */
export const waitReasons = {
  start: {
    meaning: 'The rollout is planned, and somebody has to start it, or its planned time has to come.',
    command: 'sluice rollout start <rollout>',
  },
  ramp: {
    meaning: 'The ramp of the open wave moves. Time alone brings its end.',
    command: 'sluice rollout watch <rollout>',
  },
  bake: {
    meaning: 'The ramp of the open wave is over, and the wave bakes. Time alone brings its end.',
    command: 'sluice rollout watch <rollout>',
  },
  approvals: {
    meaning: 'Too few people have approved the plan as it is now. Who planned it does not approve it.',
    command: 'sluice rollout approve <rollout> --if-match <revision>',
  },
  operator: {
    meaning: 'The rollout was paused or halted, and goes on only when an operator resumes it.',
    command: 'sluice rollout resume <rollout> --evidence-seen "<what you looked at>"',
  },
  pace: {
    meaning:
      'Too few of the exposed devices are fine yet for more to be exposed. Devices that fell silent after their exposure hold it up.',
    command: 'sluice rollout show <rollout>',
  },
  outcomes: {
    meaning: 'Too few installs of the wave have an outcome yet: nothing passes on no outcome.',
    command: 'sluice rollout advance <rollout> --wave <wave> --force "<why it may go on>"',
  },
  person: {
    meaning:
      'The wave reached no device that is known, on the automatic track, and new to the patch, and no outcome of the patch is known. It proves nothing, so a person decides.',
    command: 'sluice rollout advance <rollout> --wave <wave> --force "<why it may go on>"',
  },
  'pending-failures': {
    meaning:
      'Failures were reported without a start. They would halt the rollout once they count, which is when their deadline has passed.',
    command: 'sluice rollout halt <rollout> --reason "<what fails>"',
  },
  evidence: {
    meaning:
      'The evidence of harm has come near to its limit, so nothing widens until it has fallen again, or has reached the limit.',
    command: 'sluice rollout show <rollout>',
  },
  gate: {
    meaning: 'A gate says halt; the rollout is halted with the next pass.',
    command: 'sluice rollout show <rollout>',
  },
  health: {
    meaning: 'The health of the fleet is not known up to now, so nothing widens.',
    command: 'sluice health',
  },
  catalog: {
    meaning: 'The catalog is not known up to now, so nothing widens, and soon nothing is offered.',
    command: 'sluice health',
  },
  'own-store': {
    meaning:
      'The orchestrator cannot write, or has not read all of its store, so nothing widens, and soon nothing is offered.',
    command: 'sluice health',
  },
  clock: {
    meaning: "The wall's clock has jumped, so nothing widens, starts or expires until it is sound again or accepted.",
    command: 'sluice clock',
  },
  infrastructure: {
    meaning:
      'Too many devices cannot get the package, for want of network or server. Nobody is to blame; it ends when they get it again.',
    command: 'sluice rollout show <rollout>',
  },
  hold: {
    meaning: 'A hold covers all devices of the rollout.',
    command: 'sluice hold list --status active',
  },
  'patch-pulled': {
    meaning: 'The patch was pulled, and a pull is never undone.',
    command: 'sluice patch show <patch>',
  },
} as const satisfies Record<string, { readonly meaning: string; readonly command: string }>;

export type WaitCode = keyof typeof waitReasons;

export function isWaitCode(code: string): code is WaitCode {
  return Object.hasOwn(waitReasons, code);
}

/** One reason in a rollout's `waitsFor`: the code, a sentence with numbers, and what to type. `until`: time alone brings it. */
export interface WaitReason extends WaitCounts {
  readonly for: WaitCode;
  readonly words: string;
  readonly command: string;
  readonly until?: string;
  /** Health: the instant up to which it is known in all shards. */
  readonly through?: string;
}

/** The numbers of a reason. */
export interface WaitCounts {
  /** Devices that were awake and are exposed, and those that began on the manual track. */
  readonly exposed?: number;
  /** Outcomes: how many are known, and how many are needed; of the pace, of devices that are fine for long enough. */
  readonly known?: number;
  readonly needed?: number;
  /** Known devices on the automatic track that the wave was the first to expose (expected). */
  readonly awake?: number;
  /** Failures without a reported start. */
  readonly failures?: number;
  /** The sum of the evidence against it, and from which on nothing widens. */
  readonly evidence?: number;
  readonly limit?: number;
}

/** The command of a reason with its ids filled in. */
export function waitCommand(
  code: WaitCode,
  ids: {
    readonly rollout: string;
    readonly patch: string;
    readonly wave: number;
    readonly revision?: number | undefined;
  },
): string {
  return waitReasons[code].command
    .replaceAll('<rollout>', ids.rollout)
    .replaceAll('<patch>', ids.patch)
    .replaceAll('<wave>', String(ids.wave))
    .replaceAll('<revision>', ids.revision === undefined ? '<revision>' : String(ids.revision));
}
