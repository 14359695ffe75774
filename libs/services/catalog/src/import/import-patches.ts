import { type ImportEntry, type ImportReport, PublishPatchBody } from '@sluice/api';
import { toFieldFaults } from '@sluice/platform';
import { contentFaults, type PatchCommand, type PatchEvent } from '@sluice/domain-catalog';
import { Rejection } from '@sluice/event-sourcing';
import { plainToInstance } from 'class-transformer';
import { validate } from 'class-validator';
import { type PatchTable } from '../patch/patch-table.ts';
import { type ImportCandidate, type ImportReading, type ImportRefusal } from './sofa-v2.ts';

/** A refusal says this many faults of a patch; the first ones say enough. */
const FAULTS_LISTED_MAX = 5;

/** How an import is to be run: for real on the live table, or as a rehearsal on a copy of it. */
export interface ImportRun {
  readonly format: string;
  readonly file: string;
  readonly dryRun: boolean;
  readonly at: string;
  readonly table: PatchTable;
  execute(command: PatchCommand): Promise<readonly PatchEvent[]>;
}

/**
 * Publishes what is new, adds to what has grown, and reports one entry per patch of the file.
 * When the store fails after something was written, the report says so of the rest; when it fails before, that is thrown.
 */
export async function importPatches(
  { candidates, refused, notPatches }: Extract<ImportReading, { kind: 'read' }>,
  run: ImportRun,
): Promise<ImportReport> {
  const { format, dryRun, file } = run;
  const report: ImportReport = {
    format,
    dryRun,
    published: [],
    amended: [],
    unchanged: [],
    conflicting: [],
    refused: refused.map((refusal) => toRefusedEntry(refusal, file)),
    notPatches,
  };
  for (const [index, candidate] of candidates.entries()) {
    try {
      const { outcome, ...why } = await importPatch(candidate, run);
      report[outcome].push({ ...toEntry(candidate, file), ...why });
    } catch (error) {
      if (report.published.length + report.amended.length === 0) throw error;
      const why = { reason: 'not-tried', detail: error instanceof Error ? error.message : String(error) };
      report.refused.push(...candidates.slice(index).map((rest) => ({ ...toEntry(rest, file), ...why })));
      break;
    }
  }
  return report;
}

interface Outcome {
  readonly outcome: 'published' | 'amended' | 'unchanged' | 'conflicting' | 'refused';
  readonly reason?: string;
  readonly detail?: string;
}

async function importPatch({ patchId, content }: ImportCandidate, run: ImportRun): Promise<Outcome> {
  const faults = await findFaults({ patchId, content });
  if (faults.length > 0) {
    const detail = faults.slice(0, FAULTS_LISTED_MAX).join('; ');
    return { outcome: 'refused', reason: 'invalid', detail };
  }
  const isNew = run.table.find(patchId) === undefined;
  try {
    const events = await run.execute({ type: isNew ? 'PublishPatch' : 'AmendPatch', patchId, content, at: run.at });
    if (events.length === 0) return { outcome: 'unchanged' };
    // Not by what is known: an import that is sent again under its key answers with what it did the first time.
    return { outcome: events.some(({ type }) => type === 'PatchPublished') ? 'published' : 'amended' };
  } catch (error) {
    if (!(error instanceof Rejection)) throw error;
    const { code, detail } = error;
    return { outcome: 'conflicting', reason: code, ...(detail !== undefined && { detail }) };
  }
}

/** The same rules as for POST /v1/patches. */
async function findFaults({ patchId, content }: Pick<ImportCandidate, 'patchId' | 'content'>): Promise<string[]> {
  const body = plainToInstance(PublishPatchBody, { patchId, ...content });
  const shapeFaults = toFieldFaults(await validate(body, { whitelist: true, forbidNonWhitelisted: true }));
  const faults = shapeFaults.length > 0 ? shapeFaults : contentFaults(content);
  return faults.map(({ path, detail }) => `${path}: ${detail}`);
}

function toEntry({ patchId, rows, notes }: ImportCandidate, file: string): ImportEntry {
  const [row = '', ...otherRows] = rows;
  return {
    patchId,
    source: { file, row, ...(otherRows.length > 0 && { otherRows }) },
    ...(notes.length > 0 && { notes: [...notes] }),
  };
}

function toRefusedEntry({ patchId, row, reason, detail }: ImportRefusal, file: string): ImportEntry {
  return { ...(patchId !== undefined && { patchId }), source: { file, row }, reason, detail };
}
