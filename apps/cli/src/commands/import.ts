import { basename } from 'node:path';
import { type Command, Option } from 'commander';
import { clean, type Paint } from '../output.ts';
import { type OpenSession } from '../session.ts';

const IMPORT_TIMEOUT_MS = 5 * 60_000;

interface Entry {
  readonly patchId?: string;
  /** The file as we called it, and where in it, by JSON Pointer. */
  readonly source?: { readonly file: string; readonly row: string; readonly otherRows?: readonly string[] };
  readonly reason?: string;
  readonly detail?: string;
  readonly notes?: readonly { readonly code: string; readonly detail: string }[];
}

interface Report {
  readonly format: string;
  readonly dryRun: boolean;
  readonly published?: readonly Entry[];
  readonly amended?: readonly Entry[];
  readonly unchanged?: readonly Entry[];
  readonly conflicting?: readonly Entry[];
  readonly refused?: readonly Entry[];
  readonly notPatches?: number;
}

export function addImportCommand(program: Command, open: OpenSession): void {
  program
    .command('import <file>')
    .description('publish the patches of a public feed (- for standard input); it only ever adds')
    .addOption(new Option('--format <format>', 'format of the file').makeOptionMandatory())
    .option('--dry-run', 'tell what would happen, and do nothing')
    .addHelpText('after', '\nExample:\n  $ sluice import ios_data_feed.json --format sofa-v2 --dry-run')
    .action(async (file: string, { format, dryRun }: { format: string; dryRun?: true }) => {
      const session = open();
      const { body } = await session.api.call<Report>('POST', 'catalog', '/v1/imports', {
        query: { format, dryRun: dryRun && 'true', source: file === '-' ? undefined : basename(file) },
        body: await session.read(file),
        timeoutMs: IMPORT_TIMEOUT_MS,
      });
      session.output.answer(body, reportText);
    });
}

function reportText(report: Report, paint: Paint): string {
  const {
    dryRun,
    published = [],
    amended = [],
    unchanged = [],
    conflicting = [],
    refused = [],
    notPatches = 0,
  } = report;
  const would = dryRun ? 'would be ' : '';
  return [
    ...section(`${would}published`, published, paint),
    ...section(`${would}amended`, amended, paint),
    ...section('unchanged', unchanged, paint),
    ...section('conflicting', conflicting, paint),
    ...section('refused', refused, paint),
    ...(notPatches === 0 ? [] : [`${String(notPatches)} entries are full releases, not patches.`]),
    ...(dryRun ? ['Nothing was changed: this was a dry run.'] : []),
  ].join('\n');
}

function section(title: string, entries: readonly Entry[], paint: Paint): string[] {
  return [`${paint('bold', String(entries.length))} ${title}`, ...entries.flatMap(entryLines)];
}

function entryLines({ patchId, source, reason, detail, notes = [] }: Entry): string[] {
  const because = [reason, detail].filter((text) => text !== undefined).join(': ');
  const place =
    source === undefined ? '' : `  [${[`${source.file}#${source.row}`, ...(source.otherRows ?? [])].join(' ')}]`;
  const line = `  ${patchId ?? '(unnamed)'}${because === '' ? '' : ` – ${because}`}${place}`;
  return [clean(line), ...notes.map((note) => clean(`    note: ${note.detail}`))];
}
