import { type Command } from 'commander';
import { path } from '../api.ts';
import { clean, duration, facts, type Paint } from '../output.ts';
import { type OpenSession } from '../session.ts';

const BAR_WIDTH = 30;

/** How far a recall has burnt down. The quantiles are there once devices have removed the patch. */
interface Recall {
  readonly patchId: string;
  readonly status: string;
  readonly recallEpoch: number;
  readonly devices: number;
  readonly removed: number;
  readonly remaining: number;
  readonly longOffline?: number;
  readonly removalsFailed?: number;
  /** False while a part of the fleet has not been counted since the pull. */
  readonly counted?: boolean;
  readonly p50Seconds?: number | null;
  readonly p90Seconds?: number | null;
  readonly p99Seconds?: number | null;
}

export function addRecallCommands(program: Command, open: OpenSession): void {
  const recall = program.command('recall').description('follow the removal of a recalled patch');
  recall
    .command('show <patch>')
    .description('how many devices have removed the patch, and how many have it still')
    .addHelpText('after', '\nExample:\n  $ sluice recall show ios-26.3.1-a')
    .action(async (id: string) => {
      const { api, output } = open();
      output.answer(await api.get<Recall>('orchestrator', path`/v1/recalls/${id}`), recallText);
    });
  recall
    .command('watch <patch>')
    .description('follow a recall until no device has the patch; with --json, a line for each change')
    .addHelpText('after', '\nExample:\n  $ sluice recall watch ios-26.3.1-a')
    .action(async (id: string) => {
      const session = open();
      await session.watch(() => session.api.get<Recall>('orchestrator', path`/v1/recalls/${id}`), {
        toText: recallText,
        isOver: ({ status }) => status === 'completed',
      });
    });
}

function recallText(recall: Recall, paint: Paint): string {
  const { patchId, status, devices, removed, remaining, longOffline, removalsFailed } = recall;
  const full = Math.round(
    BAR_WIDTH * (devices === 0 ? (status === 'completed' ? 1 : 0) : Math.min(1, removed / devices)),
  );
  const bar = `${paint('green', '█'.repeat(full))}${paint('dim', '░'.repeat(BAR_WIDTH - full))}`;
  const head = `${paint('bold', clean(patchId))}  recall ${paint(status === 'completed' ? 'green' : 'yellow', clean(status))}`;
  const quantiles = (
    [
      ['half', recall.p50Seconds],
      ['90 %', recall.p90Seconds],
      ['99 %', recall.p99Seconds],
    ] as const
  )
    .flatMap(([share, seconds]) => (typeof seconds === 'number' ? [`${share} after ${duration(seconds)}`] : []))
    .join(', ');
  const more = facts(
    [
      [
        'removed',
        `${String(removed)} of ${String(devices)} devices${recall.counted === false ? ' (still counting)' : ''}`,
      ],
      [
        'remaining',
        longOffline ? `${String(remaining)}, of which ${String(longOffline)} were not heard of for long` : remaining,
      ],
      ['failed', removalsFailed ? `${String(removalsFailed)} removals` : undefined],
      ['took', quantiles],
    ],
    paint,
  );
  return `${head}\n  ${bar}\n${more}`;
}
