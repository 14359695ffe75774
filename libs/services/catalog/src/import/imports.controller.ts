import { ImportQuery, ImportReport, Operation } from '@sluice/api';
import { Body, Controller, HttpCode, Post, Query } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiBody, ApiConsumes, ApiTags } from '@nestjs/swagger';
import { type PatchCommand, type PatchEvent } from '@sluice/domain-catalog';
import { Clock, type CommandContext } from '@sluice/event-sourcing';
import { FileRoute, Folds, ProblemError, RequestContext, Roles } from '@sluice/platform';
import { SOFA_V2_FOLD } from '../catalog-folds.ts';
import { ChangePatch } from '../patch/change-patch.handler.ts';
import { importPatches, type ImportRun } from './import-patches.ts';
import { amongOthers } from '../patch/patch-rules.ts';
import { type PatchTable } from '../patch/patch-table.ts';
import { Patches } from '../patch/patches.projection.ts';
import { type ImportReading } from './sofa-v2.ts';

/** The largest feed of today has half a MiB. */
const IMPORT_LIMIT_BYTES = 32 * 1024 * 1024;

/** Import formats, and the folds that read them. */
const foldsByFormat: ReadonlyMap<string, string> = new Map([['sofa-v2', SOFA_V2_FOLD]]);

@ApiTags('patches')
@Controller('v1/imports')
export class ImportsController {
  constructor(
    private readonly commands: CommandBus,
    private readonly patches: Patches,
    private readonly folds: Folds,
    private readonly clock: Clock,
  ) {}

  @Post()
  @HttpCode(200)
  @Roles('publisher')
  @FileRoute(IMPORT_LIMIT_BYTES)
  @Operation({
    id: 'importPatches',
    summary: 'Publish the patches of a public feed. An import only adds.',
    answers: { 200: ImportReport },
    problems: ['malformed-json', 'nothing-to-import', 'unknown-import-format'],
  })
  @ApiConsumes('application/json')
  @ApiBody({ description: 'The file as it is.', required: true, schema: {} })
  async import(
    @Query() { format, dryRun, source = 'body' }: ImportQuery,
    @Body() file: Buffer | undefined,
    @RequestContext() context: CommandContext,
  ): Promise<ImportReport> {
    const fold = foldsByFormat.get(format);
    if (fold === undefined) throw new ProblemError('unknown-import-format', format);
    const reading = (await this.folds.run(fold, file ?? new Uint8Array())) as ImportReading;
    if (reading.kind === 'unreadable') throw new ProblemError(reading.code, `${source} cannot be read`, reading.faults);
    const common = { format, file: source, at: this.clock.nowText() };
    return importPatches(reading, { ...common, ...(dryRun === true ? this.rehearsal() : this.reality(context)) });
  }

  private reality(context: CommandContext): Pick<ImportRun, 'dryRun' | 'table' | 'execute'> {
    return {
      dryRun: false,
      table: this.patches.table,
      execute: (command) => {
        const commitId = `${context.commitId}:${command.patchId}`;
        return this.commands.execute(new ChangePatch(command, { ...context, commitId }));
      },
    };
  }

  private rehearsal(): Pick<ImportRun, 'dryRun' | 'table' | 'execute'> {
    const table = this.patches.table.copy();
    return { dryRun: true, table, execute: async (command) => rehearse(command, table) };
  }
}

/** What the command would do, done to the table only. */
function rehearse(command: PatchCommand, table: PatchTable): readonly PatchEvent[] {
  const events = amongOthers(table).decide(command, table.stateOf(command.patchId));
  for (const event of events) table.apply(event);
  return events;
}
