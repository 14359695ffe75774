import { type FieldFault } from '@sluice/contracts/errors';

/** Every exit code of `sluice`, once. `sluice help exit-codes` prints this table. */
export const exitCodes = {
  ok: { code: 0, meaning: 'Done; where the command asks a question, the answer is yes.' },
  no: {
    code: 1,
    meaning:
      'The answer is no: the replay differs, a service is not ready, a watched rollout was aborted, a receiver did not accept a test, the doctor found a fault.',
  },
  usage: { code: 2, meaning: 'Wrong use: an unknown command or option, a file that cannot be read, no confirmation.' },
  refused: { code: 3, meaning: 'The server refused the request (4xx). Nothing was changed.' },
  unavailable: { code: 4, meaning: 'The server was not reached, did not answer in time, or has a fault (5xx).' },
  unauthorised: { code: 5, meaning: 'The token is missing, not known there, or has not the role (401, 403).' },
  interrupted: { code: 130, meaning: 'Ctrl-C, where the command had not done its work yet.' },
} as const;

export type Exit = keyof typeof exitCodes;

interface Story {
  /** What went wrong, in one sentence. */
  readonly what: string;
  /** What the person can do next, in one line. */
  readonly next: string;
  readonly detail?: string | undefined;
  readonly errors?: readonly FieldFault[] | undefined;
}

/** A failure that the person or script is told of: what, what next, and the exit code that goes with it. */
export class CliError extends Error {
  override readonly name = 'CliError';

  constructor(
    readonly exit: Exit,
    readonly code: string,
    readonly story: Story,
  ) {
    super(story.what);
  }
}

/** Wrong use of the command line. */
export function usageError(what: string, next = '`sluice help` shows the commands, `--help` after one its options.') {
  return new CliError('usage', 'usage', { what, next });
}

export function interrupted() {
  return new CliError('interrupted', 'interrupted', {
    what: 'Interrupted.',
    next: 'Look at the present state before you repeat it.',
  });
}
