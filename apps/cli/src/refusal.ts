import { type ErrorCode, type Problem } from '@sluice/contracts/errors';
import { type Token } from './connection.ts';
import { CliError, type Exit } from './errors.ts';

interface Circumstances {
  /** The request would have changed nothing. */
  readonly isReading: boolean;
  readonly token: Token | undefined;
}

/** What to do next at the command line, where the title of the error speaks of the HTTP call. */
const nextByCode: { readonly [Code in ErrorCode]?: string } = {
  'attention-taken': 'Agree with the owner; then repeat it with --from and that name.',
  'evidence-not-named': 'Say it with --evidence-seen "…".',
  'in-force-not-durable': '`sluice health` names it until it is stored. Until then, do not restart the service.',
  'revision-changed': 'Look at it again with `rollout show`, then repeat with the revision that it has now.',
  'ledger-changed':
    'Repeat it: it shows what opens again now. `sluice patch pull <patch> --mode withdraw` stops the patch at once.',
  'at-in-future': 'Name an instant up to now with --at.',
  'device-not-found': 'Is the id right? `sluice device list` shows devices.',
  'recall-not-found': 'Is the id right? `sluice patch list --status pulled` shows what was pulled.',
  'route-not-found': 'Is the command of the same version as the server, and is this the address of that service?',
};

/** An answer that is no success, as the error that the person is told. */
export async function toRefusal(response: Response, circumstances: Circumstances): Promise<CliError> {
  const problem = await readProblem(response);
  const { status } = response;
  const { origin } = new URL(response.url);
  const { what, next } = splitTitle(problem.title ?? `${origin} answered ${String(status)}.`);
  const code = problem.code ?? `http-${String(status)}`;
  const about = { detail: problem.detail, errors: problem.errors };
  if (status === 401) return new CliError('unauthorised', code, { ...tokenStory(origin, circumstances), ...about });
  return new CliError(exitOf(status), code, { what, next: nextStep(status, next, problem, circumstances), ...about });
}

function exitOf(status: number): Exit {
  if (status === 403) return 'unauthorised';
  return status >= 400 && status < 500 ? 'refused' : 'unavailable';
}

function tokenStory(origin: string, { token }: Circumstances): { what: string; next: string } {
  if (token === undefined) {
    const next = 'Give --token or SLUICE_TOKEN, or name the data folder of the server with --data or SLUICE_DATA.';
    return { what: 'No token was found.', next };
  }
  const next = `It came from ${token.origin}. Name the data folder of this server with --data, or give --token.`;
  return { what: `${origin} does not know the token.`, next };
}

function nextStep(status: number, next: string, problem: Partial<Problem>, { isReading }: Circumstances): string {
  const known = problem.code === undefined ? undefined : nextByCode[problem.code];
  if (known !== undefined) return known;
  if (status === 403) return 'Use a token with that role; an admin makes one with `sluice token create`.';
  if (problem.errors !== undefined && problem.errors.length > 0) return 'Correct each of these, then repeat.';
  if (status >= 500) {
    const { correlationId } = problem;
    const look = correlationId === undefined ? 'Look into the log of the service.' : `Correlation id: ${correlationId}`;
    return `${next} ${look}`.trim();
  }
  return (
    next ||
    (isReading ? 'See `--help` after the command.' : 'Nothing was changed. Look at the present state, then decide.')
  );
}

/** The titles of `errorCodes` say what in the first sentence, and what to do in the rest. */
function splitTitle(title: string): { what: string; next: string } {
  const end = title.indexOf('. ');
  return end === -1 ? { what: title, next: '' } : { what: title.slice(0, end + 1), next: title.slice(end + 2) };
}

// A proxy in between answers with what it likes.
async function readProblem(response: Response): Promise<Partial<Problem>> {
  try {
    const body: unknown = await response.json();
    return typeof body === 'object' && body !== null ? body : {};
  } catch {
    return {};
  }
}
