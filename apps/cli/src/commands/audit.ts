import { type AuditEntry, bodyOf, given } from '@sluice/api-client';
import { type Command } from 'commander';
import { type Host } from '../api.ts';
import { CliError } from '../errors.ts';
import { table, time } from '../output.ts';
import { type OpenSession, type Session, toLimit, toTime } from '../session.ts';
import { addAuditVerifyCommand } from './audit-verify.ts';

interface Filters {
  readonly actor?: string;
  readonly operation?: string;
  readonly code?: string;
  readonly target?: string;
  readonly from?: string;
  readonly to?: string;
  readonly limit: number;
}

/** Each process notes the commands that it was sent. */
export function addAuditCommand(program: Command, open: OpenSession): void {
  const audit = program
    .command('audit')
    .description('list who commanded what, refused commands too, the newest first')
    .option('--actor <name>', 'of this token only, by its name or its id')
    .option('--operation <text>', 'with this in the call: /pull, or "POST /v1/holds"')
    .option('--code <code>', 'with this result only: ok, or the code of an error')
    .option('--target <id>', 'about this patch, rollout, hold, device or token only')
    .option('--from <time>', 'from this instant on (RFC 3339)', toTime)
    .option('--to <time>', 'up to this instant (RFC 3339)', toTime)
    .option('--limit <count>', 'at most so many', toLimit, 100)
    .addHelpText('after', '\nExample:\n  $ sluice audit --operation /pull --from 2026-11-24T10:00:00Z')
    .action((filters: Filters) => list(open(), filters));
  addAuditVerifyCommand(audit, open);
}

async function list({ api, output }: Session, { limit, ...filters }: Filters): Promise<void> {
  const hosts = api.hosts();
  const unanswered: string[] = [];
  const pages = await Promise.all(hosts.map((host) => entriesOf(host)));
  const all = pages.flat().sort((left, right) => (left.at < right.at ? 1 : left.at > right.at ? -1 : 0));
  const items = all.slice(0, limit);
  const more = all.length > limit && { more: true };
  output.answer({ items, ...more, ...(unanswered.length > 0 && { unanswered }) }, (_, paint) =>
    items.length === 0 ? 'No command that is asked for.' : entryTable(items, paint),
  );
  if (all.length > limit) output.note('There are more. Give a larger --limit, or --to.');

  async function entriesOf({ url, services: [service] }: Host): Promise<AuditEntry[]> {
    try {
      const pageOf = (page: { limit: number; cursor: string | undefined }) =>
        bodyOf(api.of(service).GET('/v1/audit', { params: { query: given({ ...filters, ...page }) } }));
      // One more than is shown tells that there are more.
      return [...(await api.list(limit + 1, pageOf)).items];
    } catch (error) {
      if (!(error instanceof CliError) || error.exit !== 'unavailable' || hosts.length === 1) throw error;
      unanswered.push(url);
      output.note(`What ${url} was sent is not among these: ${error.story.what}`);
      return [];
    }
  }
}

function entryTable(entries: readonly AuditEntry[], paint: Parameters<typeof table>[2]): string {
  return table(
    entries,
    [
      { head: 'TIME', text: ({ at }) => time(at) },
      { head: 'WHO', text: ({ actor }) => actor },
      { head: 'FROM', text: ({ from }) => from },
      { head: 'CALL', text: callText },
      { head: 'RESULT', text: ({ code }) => code, style: ({ code }) => (code === 'ok' ? 'green' : 'red') },
      { head: 'REASON', text: ({ reason }) => reason },
    ],
    paint,
  );
}

function callText({ operation, target, count }: AuditEntry): string {
  const call = target === undefined ? operation : operation.replace(/\{\w+\}/, target);
  return count === undefined ? call : `${call} (${String(count)} times)`;
}
