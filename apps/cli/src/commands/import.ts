import { bodyOf, given, type ImportEntry, type ImportReport } from '@sluice/api-client';
import { basename } from 'node:path';
import { type Command } from 'commander';
import { clean, type Paint } from '../output.ts';
import { type OpenSession } from '../session.ts';
import { guessFormat } from './import-format.ts';

const IMPORT_TIMEOUT_MS = 5 * 60_000;

export function addImportCommand(program: Command, open: OpenSession): void {
  program
    .command('import <file>')
    .description('publish the patches of a public feed (- for standard input); it only ever adds')
    .option('--format <format>', 'format of the file, as sofa-v2; unless given, what is in the file says it')
    .option('--dry-run', 'tell what would happen, and do nothing')
    .addHelpText('after', '\nExample:\n  $ sluice import ios_data_feed.json --dry-run')
    .action(async (file: string, { format, dryRun }: { format?: string; dryRun?: true }) => {
      const session = open();
      const body = await session.read(file);
      const query = {
        format: format ?? guessFormat(body, file),
        ...given({ dryRun, source: file === '-' ? undefined : basename(file) }),
      };
      const client = session.api.of('catalog', IMPORT_TIMEOUT_MS);
      const importing = client.POST('/v1/imports', {
        params: { query },
        body,
        bodySerializer: String,
      });
      session.output.answer(await bodyOf(importing), reportText);
    });
}

function reportText(report: ImportReport, paint: Paint): string {
  const { dryRun, published, amended, unchanged, conflicting, refused, notPatches } = report;
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

function section(title: string, entries: readonly ImportEntry[], paint: Paint): string[] {
  return [`${paint('bold', String(entries.length))} ${title}`, ...entries.flatMap(entryLines)];
}

function entryLines({ patchId, source, reason, detail, notes = [] }: ImportEntry): string[] {
  const because = [reason, detail].filter((text) => text !== undefined).join(': ');
  const place = `  [${[`${source.file}#${source.row}`, ...(source.otherRows ?? [])].join(' ')}]`;
  const line = `  ${patchId ?? '(unnamed)'}${because === '' ? '' : ` – ${because}`}${place}`;
  return [clean(line), ...notes.map((note) => clean(`    note: ${note.detail}`))];
}
