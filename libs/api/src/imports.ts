import { Flag, Part, printable, Tally, Text, Words } from './fields.ts';

const SOURCE_LENGTH_MAX = 200;
const ENTRIES_MAX = 1_000_000;
const entries = { max: ENTRIES_MAX };

/** The query of POST /v1/imports. */
export class ImportQuery {
  @Text({ max: 64, description: 'The format of the file: `sofa-v2`.', example: 'sofa-v2' })
  readonly format!: string;

  @Flag({ optional: true, inQuery: true, description: 'Reports the same, and writes nothing.' })
  readonly dryRun?: boolean;

  @Text({
    max: SOURCE_LENGTH_MAX,
    pattern: printable(SOURCE_LENGTH_MAX),
    says: 'a name without control characters',
    optional: true,
    description: 'What the report calls the file.',
  })
  readonly source?: string;
}

export class ImportSource {
  @Words({ description: '`source` of the query, or "body".' })
  readonly file!: string;

  @Words({ description: 'JSON Pointer into the file.' })
  readonly row!: string;

  @Words({
    optional: true,
    list: entries,
    description: 'Further entries of the file that are variants of the same patch.',
  })
  readonly otherRows?: readonly string[];
}

export class ImportNote {
  @Words({ description: 'A stable code.', example: 'devices-without-model' })
  readonly code!: string;

  @Words()
  readonly detail!: string;
}

export class ImportEntry {
  @Words({ optional: true, description: 'Absent only where the row is refused because it names none.' })
  readonly patchId?: string;

  @Part(() => ImportSource)
  readonly source!: ImportSource;

  @Words({ optional: true, description: 'Where refused or conflicting: a stable code.' })
  readonly reason?: string;

  @Words({ optional: true, description: 'Where refused or conflicting: the same in words.' })
  readonly detail?: string;

  @Part(() => ImportNote, { optional: true, list: entries, description: 'Worth knowing, and no fault.' })
  readonly notes?: readonly ImportNote[];
}

/** The answer of POST /v1/imports: every patch of the file is in exactly one of the lists. */
export class ImportReport {
  @Words()
  readonly format!: string;

  @Flag()
  readonly dryRun!: boolean;

  @Part(() => ImportEntry, { list: entries })
  readonly published!: ImportEntry[];

  @Part(() => ImportEntry, { list: entries, description: 'Something was added to a patch that was there.' })
  readonly amended!: ImportEntry[];

  @Part(() => ImportEntry, { list: entries })
  readonly unchanged!: ImportEntry[];

  @Part(() => ImportEntry, {
    list: entries,
    description: 'The file contradicts what is there. Nothing of it was applied.',
  })
  readonly conflicting!: ImportEntry[];

  @Part(() => ImportEntry, {
    list: entries,
    description: 'Rows that name no patch, or break the rules of POST /v1/patches.',
  })
  readonly refused!: ImportEntry[];

  @Tally({ description: 'Full releases in the file.' })
  readonly notPatches!: number;
}
