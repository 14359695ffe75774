import {
  type AttentionItem,
  type AttentionKind,
  type AttentionUnknown,
  bodyOf,
  enums,
  given,
} from '@sluice/api-client';
import { type Command, Option } from 'commander';
import { type Host } from '../api.ts';
import { CliError } from '../errors.ts';
import { clean, type Paint, time } from '../output.ts';
import { type OpenSession, type Session, toLimit } from '../session.ts';

interface ListOptions {
  readonly kind?: AttentionKind;
  readonly taken?: true;
  readonly untaken?: true;
  readonly limit: number;
}

/** Each process says what it knows; apart, their answers are put together here. */
export function addAttentionCommands(program: Command, open: OpenSession): void {
  const attention = program
    .command('attention')
    .description('list what needs a person, and the command that ends it; the most severe first')
    .addOption(new Option('--kind <kind>', 'of this kind only').choices(enums.AttentionKind))
    .option('--taken', 'only what somebody has taken')
    .option('--untaken', 'only what nobody has taken')
    .option('--limit <count>', 'at most so many', toLimit, 100)
    .addHelpText('after', '\nExample:\n  $ sluice attention --untaken')
    .action((options: ListOptions) => list(open(), options));
  attention
    .command('take <item>')
    .description('tell the others that you do something about it')
    .option('--note <text>', 'what you do, for the others')
    .option('--from <owner>', 'take it over from this present owner')
    .addHelpText('after', '\nExample:\n  $ sluice attention take rollout-halted:r1:7 --note "looking at the logs"')
    .action((id: string, options: { note?: string; from?: string }) => takeItem(open(), id, options));
}

async function list({ api, output }: Session, { kind, taken, untaken, limit }: ListOptions): Promise<void> {
  const hosts = api.hosts();
  const unanswered: string[] = [];
  const unknown: AttentionUnknown[] = [];
  const isTaken = taken ?? (untaken === undefined ? undefined : false);
  const all = (await Promise.all(hosts.map((host) => itemsOf(host)))).flat().sort(byUrgency);
  const items = all.slice(0, limit);
  const more = all.length > limit && { more: true };
  output.answer({ items, ...more, unknown, ...(unanswered.length > 0 && { unanswered }) }, (_, paint) =>
    items.length === 0 ? nothingText(unknown, unanswered) : items.map((item) => itemText(item, paint)).join('\n\n'),
  );
  for (const { service, kinds, because } of unknown) {
    output.note(`${service} cannot say yet whether there is any ${kinds.join(', ')}: ${because}.`);
  }
  if (all.length > limit) output.note('There are more; ask for them with --limit.');

  async function itemsOf({ url, services: [service] }: Host): Promise<AttentionItem[]> {
    try {
      const page = await api.list(limit + 1, async (each) => {
        const query = given({ kind, taken: isTaken, ...each });
        const answer = await bodyOf(api.of(service).GET('/v1/attention', { params: { query } }));
        if (each.cursor === undefined) unknown.push(...answer.unknown);
        return answer;
      });
      return [...page.items];
    } catch (error) {
      if (!(error instanceof CliError) || error.exit !== 'unavailable' || hosts.length === 1) throw error;
      unanswered.push(url);
      output.note(`What ${url} knows is not among these: ${error.story.what}`);
      return [];
    }
  }
}

async function takeItem(
  { api, output }: Session,
  id: string,
  options: { note?: string; from?: string },
): Promise<void> {
  const call = { params: { path: { id } }, body: given(options) };
  const hosts = api.hosts();
  for (const [
    index,
    {
      services: [service],
    },
  ] of hosts.entries()) {
    try {
      const taken = await bodyOf(api.of(service).POST('/v1/attention/{id}/take', call));
      output.answer(taken, itemText);
      return;
    } catch (error) {
      const isElsewhere = error instanceof CliError && error.code === 'attention-not-found';
      if (!isElsewhere || index === hosts.length - 1) throw error;
    }
  }
}

function nothingText(unknown: readonly AttentionUnknown[], unanswered: readonly string[]): string {
  const isAllKnown = unknown.length === 0 && unanswered.length === 0;
  return isAllKnown ? 'Nothing needs a person.' : 'Nothing that is known needs a person.';
}

function itemText({ id, severity, since, words, command, owner }: AttentionItem, paint: Paint): string {
  const begun = since === null ? '' : ` since ${time(since)}`;
  const note = owner?.note === undefined ? '' : `: ${owner.note}`;
  const by = owner === null ? 'nobody has taken it' : `taken by ${owner.by} at ${time(owner.at)}${note}`;
  return [
    `${paint(severity === 'critical' ? 'red' : 'yellow', severity)}  ${paint('bold', clean(id))}${begun}`,
    `  ${clean(words)}`,
    `  ${paint('cyan', '$')} ${clean(command)}`,
    `  ${paint('dim', clean(by))}`,
  ].join('\n');
}

function byUrgency(left: AttentionItem, right: AttentionItem): number {
  const rank = ({ severity }: AttentionItem) => enums.Severity.indexOf(severity);
  const [since, otherSince] = [left.since ?? '', right.since ?? ''];
  return rank(left) - rank(right) || (since < otherSince ? 1 : since > otherSince ? -1 : 0);
}
