import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsString, Matches, MaxLength } from 'class-validator';
import { Optional } from '@sluice/platform';

const SOURCE_LENGTH_MAX = 200;

/** The query of POST /v1/imports. */
export class ImportQuery {
  @ApiProperty({ enum: ['sofa-v2'] })
  @IsString()
  @MaxLength(64)
  format!: string;

  @ApiPropertyOptional({ enum: ['true', 'false'], description: 'Reports the same, and writes nothing.' })
  @Optional()
  @IsIn(['true', 'false'])
  dryRun?: 'true' | 'false';

  @ApiPropertyOptional({ description: 'What the report calls the file.', maxLength: SOURCE_LENGTH_MAX })
  @Optional()
  @Matches(/^[^\p{Cc}]+$/u)
  @MaxLength(SOURCE_LENGTH_MAX)
  source?: string;
}

class ImportSource {
  @ApiProperty({ description: '`source` of the query, or "body".' })
  file!: string;

  @ApiProperty({ description: 'JSON Pointer into the file.' })
  row!: string;

  @ApiPropertyOptional({
    type: [String],
    description: 'Further entries of the file that are variants of the same patch.',
  })
  otherRows?: string[];
}

class ImportNoteShape {
  @ApiProperty({ enum: ['devices-without-model', 'superseded-by-release'] })
  code!: string;

  @ApiProperty()
  detail!: string;
}

export class ImportEntry {
  @ApiPropertyOptional({ description: 'Absent only where the row is refused because it names none.' })
  patchId?: string;

  @ApiProperty({ type: ImportSource })
  source!: ImportSource;

  @ApiPropertyOptional({ description: 'Where refused or conflicting: a stable code.' })
  reason?: string;

  @ApiPropertyOptional({ description: 'Where refused or conflicting: the same in words.' })
  detail?: string;

  @ApiPropertyOptional({ type: [ImportNoteShape], description: 'Worth knowing, and no fault.' })
  notes?: ImportNoteShape[];
}

/** The answer of POST /v1/imports: every patch of the file is in exactly one of the lists. */
export class ImportReport {
  @ApiProperty()
  format!: string;

  @ApiProperty()
  dryRun!: boolean;

  @ApiProperty({ type: [ImportEntry] })
  published!: ImportEntry[];

  @ApiProperty({ type: [ImportEntry], description: 'Something was added to a patch that was there.' })
  amended!: ImportEntry[];

  @ApiProperty({ type: [ImportEntry] })
  unchanged!: ImportEntry[];

  @ApiProperty({ type: [ImportEntry], description: 'The file contradicts what is there. Nothing of it was applied.' })
  conflicting!: ImportEntry[];

  @ApiProperty({ type: [ImportEntry], description: 'Rows that name no patch, or break the rules of POST /v1/patches.' })
  refused!: ImportEntry[];

  @ApiProperty({ description: 'Full releases in the file.' })
  notPatches!: number;
}
