import { bodyOf, given, type RecallView } from '@sluice/api-client';
import { type Command } from 'commander';
import { type Api } from '../api.ts';
import { bar, clean, duration, facts, type Paint, time } from '../output.ts';
import { type OpenSession, toTime } from '../session.ts';
import { previewOf, previewText } from './re-exposure.ts';
import { addRecallTimelineCommand } from './history.ts';
import { evidenceText, resumedText } from './rollout-text.ts';

const BAR_WIDTH = 30;

export function addRecallCommands(program: Command, open: OpenSession): void {
  const recall = program.command('recall').description('follow the removal of a recalled patch, and pause it');
  recall
    .command('show <patch>')
    .description('how many devices have removed the patch, and how many have it still')
    .option('--at <time>', 'as of this instant (RFC 3339); its counts are not known then', toTime)
    .addHelpText('after', '\nExample:\n  $ sluice recall show ios-26.3.1-a')
    .action(async (id: string, { at }: { at?: string }) => {
      const { api, output } = open();
      output.answer(await show(api, id, at), at === undefined ? recallText : pastRecallText);
    });
  recall
    .command('preview <patch>')
    .description('whom a recall hits, also before it: holders by model, track and last report, and who may go on')
    .option('--replacement <patch>', 'the replacement that the recall would name')
    .addHelpText('after', '\nExample:\n  $ sluice recall preview ios-26.3.1-a')
    .action(async (id: string, { replacement }: { replacement?: string }) => {
      const { api, output } = open();
      output.answer(await previewOf(api, id, replacement), previewText);
    });
  recall
    .command('watch <patch>')
    .description('follow a recall until no device has the patch; with --json, a line for each change')
    .addHelpText('after', '\nExample:\n  $ sluice recall watch ios-26.3.1-a')
    .action(async (id: string) => {
      const session = open();
      await session.watch(() => show(session.api, id), {
        toText: recallText,
        isOver: ({ status }) => status === 'completed',
      });
    });
  addRecallTimelineCommand(recall, open);
  addPauseCommands(recall, open);
}

function addPauseCommands(recall: Command, open: OpenSession): void {
  recall
    .command('pause <patch>')
    .description('let devices keep the recalled patch for now: when its removal hurts more than it does')
    .option('--reason <text>', 'why, for those who ask later')
    .addHelpText('after', '\nExample:\n  $ sluice recall pause ios-26.3.1-a --reason "removals fail on iPhone18,1"')
    .action(async (id: string, { reason }: { reason?: string }) => {
      const { api, output } = open();
      const call = { ...on(id), body: given({ reason }) };
      output.answer(await bodyOf(api.of('orchestrator').POST('/v1/recalls/{patchId}/pause', call)), recallText);
    });
  recall
    .command('resume <patch>')
    .description('direct devices to remove the recalled patch again')
    .option('--reason <text>', 'why, for those who ask later')
    .option('--evidence-seen <text>', 'what was looked at; needed after a pause by the gate')
    .addHelpText(
      'after',
      '\nExample:\n  $ sluice recall resume ios-26.3.1-a --evidence-seen "a lab that blocks restarts"',
    )
    .action(async (id: string, { reason, evidenceSeen }: { reason?: string; evidenceSeen?: string }) => {
      const { api, output } = open();
      const call = { ...on(id), body: given({ reason, evidenceSeen }) };
      output.answer(await bodyOf(api.of('orchestrator').POST('/v1/recalls/{patchId}/resume', call)), recallText);
    });
}

const on = (patchId: string) => ({ params: { path: { patchId } } });

function show(api: Api, id: string, at?: string): Promise<RecallView> {
  const params = { path: { patchId: id }, query: given({ at }) };
  return bodyOf(api.of('orchestrator').GET('/v1/recalls/{patchId}', { params }));
}

/** A recall of the past, whose counts are not known. */
function pastRecallText(recall: RecallView, paint: Paint): string {
  const { patchId, status, startedAt, completedAt } = recall;
  const head = `${paint('bold', clean(patchId))}  recall ${clean(status)}`;
  const its = [['because', becauseText(recall)] as const, ['began', time(startedAt)] as const];
  return `${head}\n${facts([...its, ['completed', time(completedAt)], ...stopFacts(recall)], paint)}`;
}

function recallText(recall: RecallView, paint: Paint): string {
  const { patchId, status, devices, removed, remaining } = recall;
  const head = `${paint('bold', clean(patchId))}  recall ${paint(status === 'completed' ? 'green' : 'yellow', clean(status))}`;
  const stop = [['because', becauseText(recall)] as const, ...stopFacts(recall)];
  if (devices === null || removed === null || remaining === null) {
    const lines = ['  The fleet is being counted; ask again in a moment.', facts(stop, paint)];
    return [head, ...lines.filter((line) => line !== '')].join('\n');
  }
  const free = removed + (recall.replaced ?? 0);
  const share = devices === 0 ? (status === 'completed' ? 1 : 0) : free / devices;
  const { full, rest } = bar(share, BAR_WIDTH);
  const of = (count: number | null, words: string) => (count ? [`${String(count)} ${words}`] : []);
  const remainingOf = [...of(recall.offline, 'not heard of for long'), ...of(recall.failing, 'failed to remove it')];
  const gone = [...of(recall.replaced, 'went on to another build'), ...of(recall.retired, 'retired')];
  const more = facts(
    [
      ['removed', [`${String(removed)} of ${String(devices)} devices`, ...gone].join(', ')],
      ['remaining', [String(remaining), ...remainingOf].join(', ')],
      ['re-exposed', reExposedText(recall)],
      ...stop,
      ['in flight', recall.inFlight ? `${String(recall.inFlight)} installs that have begun` : undefined],
      ['last lease', status === 'running' && remaining === 0 ? time(recall.leasesUntil ?? undefined) : undefined],
      ['took', quantilesText(recall)],
    ],
    paint,
  );
  return `${head}\n  ${paint('green', full)}${paint('dim', rest)}\n${more}`;
}

/** Devices that went back to their base and have nothing better yet. */
function reExposedText({ reExposed = null }: Partial<Pick<RecallView, 'reExposed'>>): string | undefined {
  if (reExposed === null) return undefined;
  return `${String(reExposed)} on the base still, open to what the patch had closed`;
}

/** Why the patch was pulled, and by whom. */
function becauseText({ reason, causedBy }: RecallView): string | undefined {
  return causedBy === undefined ? reason : `${reason} (by ${causedBy})`;
}

/** Why it is paused, and what to do next. */
function stopFacts({
  resumed,
  status,
  patchId,
  pausedBecause,
  begun,
  begunFailed,
}: RecallView): [string, string | undefined][] {
  const resume = `sluice recall resume ${patchId}`;
  const { reason, evidence } = pausedBecause ?? {};
  const seen = evidence === undefined ? reason : `by the gate: ${reason ?? ''} – ${evidenceText(evidence)}`;
  const tested = `${String(begunFailed ?? 0)} of ${String(begun)} devices that began to remove it failed, or are silent`;
  const next =
    evidence === undefined
      ? resume
      : `sluice device list --patch ${patchId} --failed-removals 1 shows where; then ${resume} --evidence-seen "…"`;
  const isPaused = status === 'paused';
  return [
    ['tested', begun === null || begun === 0 ? undefined : tested],
    ['paused', isPaused ? seen : undefined],
    ['resumed', isPaused ? undefined : resumedText(resumed)],
    ['next', isPaused ? `devices keep the patch, and nobody is offered it; ${next}` : undefined],
  ];
}

function quantilesText({ p50Seconds, p90Seconds, p99Seconds }: RecallView): string {
  const quantiles = [
    ['half', p50Seconds],
    ['90 %', p90Seconds],
    ['99 %', p99Seconds],
  ] as const;
  return quantiles
    .flatMap(([share, seconds]) => (typeof seconds === 'number' ? [`${share} after ${duration(seconds)}`] : []))
    .join(', ');
}
