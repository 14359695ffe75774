import { type ReceiptDifference, type ReceiptsReport, type ReplayJob } from '@sluice/api-client';
import { type Command } from 'commander';
import { type Host } from '../api.ts';
import { clean, facts, type Paint, time } from '../output.ts';
import { type OpenSession, type Session } from '../session.ts';
import { runReplay } from './replay.ts';

const NAMED_MAX = 1000;

type Named = ReceiptsReport['elsewhere'][number];

/** What all services together say. `causesUnchecked`: receipts that events name and that nobody was asked for. */
interface Verdict {
  readonly matches: boolean;
  readonly events: number;
  readonly withoutReceipt: number;
  readonly verdicts: number;
  readonly notRecomputable: ReceiptsReport['notRecomputable'];
  readonly causes: number;
  readonly causesUnchecked: number;
  readonly differing: number;
  readonly differences: readonly ReceiptDifference[];
  readonly jobs: readonly (ReplayJob & Host)[];
}

export function addAuditVerifyCommand(audit: Command, open: OpenSession): void {
  audit
    .command('verify')
    .description('check the receipts of all decisions, and compute each verdict of a gate again by its counts')
    .addHelpText(
      'after',
      `
Exits with 1 and names the first event that differs. An event that was altered is found by its receipt; where all that
follows was given new receipts, too, an altered verdict is found by its counts, and another stream or a reader of the
feed may still have a receipt from before. The last events of a stream can be cut off without a trace in it.

Example:
  $ sluice audit verify`,
    )
    .action(async () => {
      const session = open();
      const verdict = await verify(session);
      session.output.answer(verdict, verdictText);
      if (!verdict.matches) session.exit = 'no';
    });
}

// What the orchestrator decided may be caused by a pull, whose receipt the catalog has: so it is asked last.
async function verify(session: Session): Promise<Verdict> {
  const jobs: (ReplayJob & Host)[] = [];
  let wanted: readonly Named[] = [];
  let unlisted = 0;
  for (const host of session.api.hosts(['orchestrator', 'catalog'])) {
    const named = wanted.slice(0, NAMED_MAX);
    const job = await runReplay(session, host, { verify: true, receipts: true, ...(named.length > 0 && { named }) });
    jobs.push({ ...job, ...host });
    const reports = job.receipts ?? [];
    wanted = reports.flatMap(({ elsewhere }) => elsewhere);
    unlisted += reports.reduce(
      (count, { causesElsewhere, elsewhere }) => count + causesElsewhere - elsewhere.length,
      0,
    );
  }
  const missing = wanted.map(({ stream, receipt, by }): ReceiptDifference => {
    const detail = `${by} names ${receipt}, and no service has this stream`;
    return { stream, what: 'cause', detail };
  });
  const reports = jobs.flatMap(({ receipts }) => receipts ?? []);
  const total = (count: (report: ReceiptsReport) => number) => reports.reduce((sum, each) => sum + count(each), 0);
  const differing = total((report) => report.differing) + missing.length;
  return {
    matches: differing === 0 && jobs.every(({ matches }) => matches === true),
    events: total(({ events }) => events),
    withoutReceipt: total(({ withoutReceipt }) => withoutReceipt),
    verdicts: total(({ verdicts }) => verdicts),
    notRecomputable: {
      anotherRule: total(({ notRecomputable }) => notRecomputable.anotherRule),
      countsNotKept: total(({ notRecomputable }) => notRecomputable.countsNotKept),
      notAllListed: total(({ notRecomputable }) => notRecomputable.notAllListed),
    },
    causes: total(({ causes }) => causes),
    causesUnchecked: unlisted,
    differing,
    differences: [...reports.flatMap(({ differences }) => differences), ...missing],
    jobs,
  };
}

function verdictText(verdict: Verdict, paint: Paint): string {
  const { matches, events, withoutReceipt, differing, causesUnchecked, notRecomputable } = verdict;
  const [first] = verdict.differences;
  const head = matches
    ? paint('green', 'Every event is what its receipt says.')
    : `${paint('red', 'The history is not what its receipts say.')} ${String(differing)} events differ.`;
  const counts = facts(
    [
      ['checked', `${String(events - withoutReceipt)} events`],
      ['no receipt', withoutReceipt === 0 ? undefined : `${String(withoutReceipt)} events, from before there were any`],
      ['verdicts', `${String(verdict.verdicts)} follow from their counts`],
      ['older rule', countText(notRecomputable.anotherRule, 'verdicts, not checked')],
      [
        'no counts',
        countText(notRecomputable.countsNotKept, 'verdicts from before their counts were kept, not checked'),
      ],
      [
        'in part',
        countText(notRecomputable.notAllListed, 'verdicts that need tests which are not listed, not checked'),
      ],
      ['causes', `${String(verdict.causes)} receipts that events name are there`],
      ['not asked', countText(causesUnchecked, 'receipts that events name')],
    ],
    paint,
  );
  return [head, ...(first === undefined ? [] : [firstText(first, paint)]), counts].join('\n');
}

function countText(count: number, words: string): string | undefined {
  return count === 0 ? undefined : `${String(count)} ${words}`;
}

function firstText({ stream, revision, type, recordedAt, detail }: ReceiptDifference, paint: Paint): string {
  const place = revision === undefined ? stream : `${stream}, revision ${String(revision)}`;
  const event = [type, recordedAt === undefined ? undefined : `recorded ${time(recordedAt)}`];
  const about = event.filter((text) => text !== undefined).join(', ');
  return `${paint('bold', 'First:')} ${clean([place, about].filter((text) => text !== '').join(': '))}\n  ${clean(detail)}`;
}
