import { bodyOf, type ReplayDifference, type ReplayJob, type StartReplayBody } from '@sluice/api-client';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Command } from 'commander';
import { type Host } from '../api.ts';
import { CliError, interrupted } from '../errors.ts';
import { clean, type Paint } from '../output.ts';
import { type OpenSession, type Session } from '../session.ts';

const POLL_FIRST_MS = 50;
const POLL_MAX_MS = 1_000;
const VALUE_CHARACTERS_MAX = 200;

type HostJob = ReplayJob & Host;

/** What all services together say. */
interface Verdict {
  readonly matches: boolean;
  readonly differences: readonly ReplayDifference[];
  readonly jobs: readonly HostJob[];
}

export function addReplayCommands(program: Command, open: OpenSession): void {
  const replay = program.command('replay').description('fold the recorded events again');
  replay
    .command('verify')
    .description('fold everything again from the store and compare with the live read models')
    .addHelpText(
      'after',
      '\nExits with 1 and names the first difference when they differ.\n\nExample:\n  $ sluice replay verify',
    )
    .action(async () => {
      const session = open();
      const verdict = await verify(session);
      session.output.answer(verdict, verdictText);
      if (!verdict.matches) session.exit = 'no';
    });
}

// One after the other: a verification keeps a core busy, and the services may share one machine.
async function verify(session: Session): Promise<Verdict> {
  const jobs: HostJob[] = [];
  for (const host of session.api.hosts()) jobs.push({ ...(await runReplay(session, host, { verify: true })), ...host });
  return {
    matches: jobs.every(({ matches }) => matches === true),
    differences: jobs.flatMap(({ differences }) => differences),
    jobs,
  };
}

/** Has a service do it, tells how far it has come, and resolves with what it found. Throws CliError where it broke off. */
export async function runReplay(
  session: Session,
  { url, services: [service] }: Host,
  body: StartReplayBody,
): Promise<ReplayJob> {
  const { api, output } = session;
  const client = api.of(service);
  let job = await bodyOf(client.POST('/v1/replays', { body }));
  const label = () =>
    body.receipts === true
      ? `checking receipts at ${url}: ${String(job.events ?? 0)} events done`
      : `replaying at ${url}: ${String(job.done.length)} of ${String(job.outOf)} read models done`;
  const follow = async () => {
    for (let wait = POLL_FIRST_MS; job.status === 'running'; wait = Math.min(wait * 2, POLL_MAX_MS)) {
      await sleep(wait, undefined, { signal: session.terminal.signal }).catch(() => {
        throw interrupted();
      });
      job = await bodyOf(client.GET('/v1/replays/{id}', { params: { path: { id: job.id } } }));
    }
  };
  await output.during(label, follow());
  if (job.status === 'failed') {
    throw new CliError('unavailable', 'replay-failed', {
      what: `The replay at ${url} broke off.`,
      next: 'Look into the log of the service, then repeat it.',
      detail: job.error,
    });
  }
  return job;
}

function verdictText({ matches, differences, jobs }: Verdict, paint: Paint): string {
  const models = jobs.flatMap(({ done }) => done);
  if (matches) {
    const names = models.map(clean).join(', ');
    return `${paint('green', 'The replay matches.')} ${String(models.length)} read models are what the store says: ${names}.`;
  }
  const [first] = differences;
  const lines = [paint('red', 'The replay differs from what is live.')];
  if (first !== undefined) {
    lines.push(
      clean(`First difference: ${first.readModel} at ${first.where}`),
      clean(`  live      ${valueText(first.live)}`),
      clean(`  replayed  ${valueText(first.replayed)}`),
    );
  }
  const others = differences.length - 1;
  if (others > 0) lines.push(`${String(others)} more read models differ; --json tells all.`);
  return lines.join('\n');
}

function valueText(value: unknown): string {
  const text = value === undefined ? '(not there)' : JSON.stringify(value);
  return text.length > VALUE_CHARACTERS_MAX ? `${text.slice(0, VALUE_CHARACTERS_MAX)}…` : text;
}
