import {
  bodyOf,
  type EvidenceOfTest,
  given,
  type RecallTimelineView,
  type RolloutEvidence,
  type RolloutTimelineView,
  type TimelineMark,
} from '@sluice/api-client';
import { type Command } from 'commander';
import { type Api } from '../api.ts';
import { bar, clean, facts, type Paint, percent, table, time } from '../output.ts';
import { type OpenSession, toCount, toLimit } from '../session.ts';

const BAR_WIDTH = 20;
const POINTS_SHOWN = 24;
/** The server gives no more tests on one page. */
const EVIDENCE_PAGE_MAX = 50;

const points = ['--points <count>', 'at so many instants', toCount, POINTS_SHOWN] as const;

/** What the gates of a rollout find, and what became of it over time. */
export function addRolloutHistoryCommands(rollout: Command, open: OpenSession): void {
  rollout
    .command('evidence <rollout>')
    .description('show every test of the gates as it is now, the strongest first')
    .option('--limit <count>', 'at most so many tests', toLimit, 20)
    .addHelpText('after', '\nExample:\n  $ sluice rollout evidence r1')
    .action(async (id: string, { limit }: { limit: number }) => {
      const { api, output } = open();
      output.answer(await findTests(api, id, limit), evidenceText);
    });
  rollout
    .command('timeline <rollout>')
    .description('show exposure, outcomes and evidence over time, and what happened')
    .option(...points)
    .addHelpText('after', '\nExample:\n  $ sluice rollout timeline r1 --points 48')
    .action(async (id: string, query: { points: number }) => {
      const { api, output } = open();
      const call = { params: { path: { id }, query } };
      output.answer(await bodyOf(api.of('orchestrator').GET('/v1/rollouts/{id}/timeline', call)), rolloutTimelineText);
    });
}

/** How a recall has burnt down over time. */
export function addRecallTimelineCommand(recall: Command, open: OpenSession): void {
  recall
    .command('timeline <patch>')
    .description('show how many devices had the patch over time, and what happened')
    .option(...points)
    .addHelpText('after', '\nExample:\n  $ sluice recall timeline ios-26.3.1-a')
    .action(async (patchId: string, query: { points: number }) => {
      const { api, output } = open();
      const call = { params: { path: { patchId }, query } };
      output.answer(
        await bodyOf(api.of('orchestrator').GET('/v1/recalls/{patchId}/timeline', call)),
        recallTimelineText,
      );
    });
}

// What is said of the rollout is that of the first page.
async function findTests(api: Api, id: string, limit: number): Promise<RolloutEvidence> {
  const pages: RolloutEvidence[] = [];
  const { items, nextCursor } = await api.list(limit, async (page) => {
    const query = given({ ...page, limit: Math.min(page.limit, EVIDENCE_PAGE_MAX) });
    const params = { path: { id }, query };
    const found = await bodyOf(api.of('orchestrator').GET('/v1/rollouts/{id}/evidence', { params }));
    pages.push(found);
    return found;
  });
  const [{ nextCursor: _, ...first }] = pages as [RolloutEvidence];
  return { ...first, items: [...items], ...(nextCursor !== undefined && { nextCursor }) };
}

function evidenceText(found: RolloutEvidence, paint: Paint): string {
  const { says, items, total, logSum, logCaution, logLimit, blamed, held, infrastructure, health } = found;
  const head = `${paint('bold', clean(found.rolloutId))}  ${clean(found.patchId)}  ${paint(says === 'go' ? 'green' : 'yellow', says)}`;
  const sum = logSum === null ? 'nothing is counted yet' : sizeText(logSum);
  const outage = `of the last ${String(infrastructure.tries)} tries ${String(infrastructure.unreached)} got no package`;
  const more = facts(
    [
      ['evidence', `${sum}; nothing widens from ${sizeText(logCaution)}, it stops at ${sizeText(logLimit)}`],
      ['counts', `since ${time(found.since)}${found.through === null ? '' : ` through ${time(found.through)}`}`],
      ['blamed', blamed === undefined ? undefined : `${blamed.model} (${blamed.base})`],
      ['on hold', held.map(({ holdId, model, base }) => `${model} (${base}) by ${holdId}`).join(', ')],
      ['packages', infrastructure.isOut ? outage : undefined],
      ['health', health.isCurrent ? undefined : `not current: ${health.words ?? ''}`],
      [
        'tests',
        total === null || total <= items.length
          ? undefined
          : `${String(items.length)} of ${String(total)}; --limit shows more`,
      ],
    ],
    paint,
  );
  return items.length === 0 ? `${head}\n${more}` : `${head}\n${more}\n\n${testTable(items, paint)}`;
}

function testTable(items: readonly EvidenceOfTest[], paint: Paint): string {
  return table(
    items,
    [
      { head: 'TEST', text: ({ test }) => test },
      { head: 'ON', text: ({ level, of }) => of ?? level },
      { head: 'FAILED', align: 'right', text: ({ failures }) => failures },
      { head: 'OF', align: 'right', text: ({ trials }) => trials },
      { head: 'TOLERATED', align: 'right', text: ({ toleratedRate }) => percent(toleratedRate * 100) },
      { head: 'E', align: 'right', text: ({ logE }) => (logE === null ? '–' : sizeText(logE)) },
      {
        head: 'OF THE SUM',
        text: ({ share }) => wholeBar(share),
        style: ({ share }) => (share > 0.1 ? 'yellow' : undefined),
      },
      { head: 'WOULD SEE', text: couldSeeText },
    ],
    paint,
  );
}

function couldSeeText({ couldSee: { failureRate, ratio } }: EvidenceOfTest): string {
  if (typeof failureRate === 'number') return percent(failureRate * 100);
  return typeof ratio === 'number' ? `${ratio.toFixed(1)} times` : 'nothing yet';
}

function rolloutTimelineText(timeline: RolloutTimelineView, paint: Paint): string {
  const { points: all, marks } = timeline;
  const head = `${paint('bold', clean(timeline.rolloutId))}  ${clean(timeline.patchId)}`;
  if (all.length === 0) return [head, 'It has not started.', ...marks.map(markText)].join('\n');
  const rows = table(
    all,
    [
      { head: 'TIME', text: ({ at }) => time(at) },
      { head: 'PLANNED', align: 'right', text: ({ plannedPercent }) => percent(plannedPercent ?? undefined) },
      { head: 'GRANTED', align: 'right', text: ({ grantedPercent }) => percent(grantedPercent ?? undefined) },
      { head: '', text: ({ grantedPercent }) => wholeBar((grantedPercent ?? 0) / 100), style: () => 'green' },
      { head: 'STARTED', align: 'right', text: ({ started }) => started ?? '–' },
      { head: 'FINE', align: 'right', text: ({ fine }) => fine ?? '–' },
      { head: 'FAILED', align: 'right', text: ({ failed }) => failed ?? '–' },
      { head: 'EVIDENCE', align: 'right', text: ({ logSum }) => (logSum === null ? '–' : sizeText(logSum)) },
    ],
    paint,
  );
  return [head, rows, '', ...marks.map(markText)].join('\n');
}

function recallTimelineText({ patchId, points: all, marks }: RecallTimelineView, paint: Paint): string {
  const most = Math.max(1, ...all.map(({ remaining }) => remaining ?? 0));
  const rows = table(
    all,
    [
      { head: 'TIME', text: ({ at }) => time(at) },
      { head: 'REMAINING', align: 'right', text: ({ remaining }) => remaining ?? '–' },
      { head: '', text: ({ remaining }) => wholeBar((remaining ?? 0) / most), style: () => 'yellow' },
      { head: 'FREED', align: 'right', text: ({ freed }) => freed ?? '–' },
      { head: 'REPLACED', align: 'right', text: ({ replaced }) => replaced ?? '–' },
      { head: 'FAILING', align: 'right', text: ({ failing }) => failing ?? '–' },
      { head: 'OFFLINE', align: 'right', text: ({ offline }) => offline ?? '–' },
    ],
    paint,
  );
  return [`${paint('bold', clean(patchId))}  recall`, rows, '', ...marks.map(markText)].join('\n');
}

function markText({ at, what, wave, words }: TimelineMark): string {
  const about = [wave === undefined ? undefined : `wave ${String(wave)}`, words].filter((text) => text !== undefined);
  return clean(`${time(at)}  ${[what, ...about].join('  ')}`);
}

function wholeBar(share: number): string {
  const { full, rest } = bar(share, BAR_WIDTH);
  return full + rest;
}

/** A number by its natural logarithm: what is large by its order of magnitude. */
function sizeText(log: number): string {
  const number = Math.exp(log);
  if (number < 0.01) return '0';
  return number < 100_000 ? String(Number(number.toPrecision(3))) : `10^${(log / Math.LN10).toFixed(1)}`;
}
