import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { BUILD_PATTERN, ID_PATTERN, MODEL_PATTERN } from '@sluice/contracts';
import { IsTime, Optional } from '@sluice/platform';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  ArrayNotEmpty,
  Equals,
  IsArray,
  IsInt,
  IsNumber,
  IsObject,
  IsString,
  Matches,
  Max,
  MaxLength,
  Min,
  ValidateNested,
} from 'class-validator';

const WAVES_MAX = 50;
const LIST_MAX = 1000;
/** A year; such patches live for weeks. */
const MINUTES_MAX = 525_600;
const WATCH_HOURS_MAX = 8_760;
const LABEL = /^[A-Za-z0-9._-]{1,32}$/;

const pattern = (text: string) => Matches(new RegExp(text));
const patterns = (text: string) => Matches(new RegExp(text), { each: true });

/** Which devices; an absent list means all. */
export class AudienceBody {
  @ApiPropertyOptional({ example: ['iPhone'] })
  @Optional()
  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(LIST_MAX)
  @Matches(/^[A-Za-z]{1,32}$/, { each: true })
  family?: string[];

  @ApiPropertyOptional({ example: ['iPhone18,1'] })
  @Optional()
  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(LIST_MAX)
  @patterns(MODEL_PATTERN)
  model?: string[];

  @ApiPropertyOptional({ example: ['23D8133'] })
  @Optional()
  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(LIST_MAX)
  @patterns(BUILD_PATTERN)
  base?: string[];
}

class RampBody {
  @ApiProperty({ minimum: 0, maximum: 100 })
  @IsNumber()
  @Min(0)
  @Max(100)
  fromPercent!: number;

  @ApiProperty({ minimum: 0, maximum: 100 })
  @IsNumber()
  @Min(0)
  @Max(100)
  toPercent!: number;

  @ApiProperty({ description: 'Minutes of running time.' })
  @IsNumber()
  @Min(0)
  @Max(MINUTES_MAX)
  minutes!: number;
}

class WaveBody {
  @ApiProperty()
  @IsString()
  @MaxLength(64)
  name!: string;

  @ApiPropertyOptional({ description: 'Only members of this ring, whatever their buckets.' })
  @Optional()
  @Matches(LABEL)
  ring?: string;

  @ApiPropertyOptional()
  @Optional()
  @IsObject()
  @ValidateNested()
  @Type(() => AudienceBody)
  audience?: AudienceBody;

  @ApiProperty()
  @IsObject()
  @ValidateNested()
  @Type(() => RampBody)
  ramp!: RampBody;

  @ApiProperty({ description: 'Minutes of running time after the ramp.' })
  @IsNumber()
  @Min(0)
  @Max(MINUTES_MAX)
  bakeMinutes!: number;
}

class GatesBody {
  @ApiProperty({ description: 'Share of installs that may fail, above 0 and at most 0.5.' })
  @IsNumber()
  @Min(0)
  @Max(0.5)
  installFailureRateMax!: number;

  @ApiPropertyOptional({ default: 0.02, description: 'Share of installs that may be without any outcome after 4 h.' })
  @Optional()
  @IsNumber()
  @Min(0)
  @Max(0.5)
  outcomeMissingRateMax?: number;

  @ApiPropertyOptional({ default: 0.05, description: 'Share of installs that may be removed by the user within 72 h.' })
  @Optional()
  @IsNumber()
  @Min(0)
  @Max(0.5)
  removedByUserRateMax?: number;

  @ApiPropertyOptional({ default: 1, description: 'Hours after which an install that is fine makes room for others.' })
  @Optional()
  @IsNumber()
  @Min(0)
  @Max(WATCH_HOURS_MAX)
  maturityHours?: number;
}

/** How many devices may be exposed beyond those that are fine: `first`, or `factor` times the fine ones. */
class PaceBody {
  @ApiProperty({ default: 300, minimum: 1 })
  @IsNumber()
  @Min(1)
  first!: number;

  @ApiProperty({ default: 3, minimum: 1 })
  @IsNumber()
  @Min(1)
  factor!: number;
}

/** The plan of a rollout, as `PUT /v1/rollouts/{id}` takes it. */
export class PlanBody {
  @ApiProperty()
  @pattern(ID_PATTERN)
  patchId!: string;

  @ApiProperty({ type: [WaveBody] })
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(WAVES_MAX)
  @ValidateNested({ each: true })
  @Type(() => WaveBody)
  waves!: WaveBody[];

  @ApiPropertyOptional({ default: 2, description: 'Share of devices that stays unpatched to the end.' })
  @Optional()
  @IsNumber()
  @Min(0)
  @Max(100)
  holdBackPercent = 2;

  @ApiProperty()
  @IsObject()
  @ValidateNested()
  @Type(() => GatesBody)
  gates!: GatesBody;

  @ApiPropertyOptional({ default: 72, description: 'Hours after the completion until the hold-back is let in, too.' })
  @Optional()
  @IsNumber()
  @Min(0)
  @Max(WATCH_HOURS_MAX)
  watchHours?: number;

  @ApiPropertyOptional({ enum: ['time'], description: 'Waves ask for nothing but time: no outcome is waited for.' })
  @Optional()
  @Equals('time')
  goOn?: 'time';

  @ApiPropertyOptional({ description: 'How many devices may be exposed beyond those that are fine.' })
  @Optional()
  @IsObject()
  @ValidateNested()
  @Type(() => PaceBody)
  pace?: PaceBody;

  @ApiPropertyOptional({ description: 'Drawn at random if absent.' })
  @Optional()
  @Matches(/^[\x21-\x7e]{1,64}$/)
  salt?: string;

  @ApiPropertyOptional({ format: 'date-time' })
  @Optional()
  @IsTime()
  startAt?: string;

  @ApiPropertyOptional()
  @Optional()
  @IsString()
  @MaxLength(2000)
  notes?: string;

  @ApiPropertyOptional({ enum: [0] })
  @Optional()
  @Equals(0, { message: 'approvals are not there yet: only 0 is taken' })
  approvalsRequired?: number;
}

/** `POST /v1/rollouts`. */
export class PlanRolloutBody extends PlanBody {
  @ApiProperty()
  @pattern(ID_PATTERN)
  rolloutId!: string;
}

/** `PUT /v1/rollouts/{id}`; the reason is needed once the rollout has started. */
export class ReplanBody extends PlanBody {
  @ApiPropertyOptional()
  @Optional()
  @IsString()
  @MaxLength(2000)
  @Matches(/\S/, { message: 'reason must say something' })
  reason?: string;
}

/** Why something is held or let go. */
export class ReasonBody {
  @ApiProperty()
  @IsString()
  @MaxLength(2000)
  @Matches(/\S/, { message: 'reason must say something' })
  reason!: string;
}

/** Pause, halt and abort: what stops devices from harm must not fail for want of words. */
export class StopBody {
  @ApiPropertyOptional()
  @Optional()
  @IsString()
  @MaxLength(2000)
  reason = 'no reason given';
}

/** Resume, and start: a halt of any rollout of the patch asks for it. */
export class EvidenceBody {
  @ApiPropertyOptional({ description: 'What was looked at; needed after a halt.' })
  @Optional()
  @IsString()
  @MaxLength(2000)
  @Matches(/\S/, { message: 'evidenceSeen must say something' })
  evidenceSeen?: string;
}

/** Resume, of a rollout or of a recall. */
export class ResumeBody extends EvidenceBody {
  @ApiPropertyOptional({ description: 'Why it goes on.' })
  @Optional()
  @IsString()
  @MaxLength(2000)
  @Matches(/\S/, { message: 'reason must say something' })
  reason?: string;
}

class ForceBody extends ReasonBody {}

/** `POST /v1/rollouts/{id}/advance`: names the wave that it ends. */
export class AdvanceBody {
  @ApiProperty({ minimum: 1, description: 'The open wave, which is to end.' })
  @IsInt()
  @Min(1)
  @Max(WAVES_MAX)
  wave!: number;

  @ApiPropertyOptional({ description: 'Why the wave ends early.' })
  @Optional()
  @IsString()
  @MaxLength(2000)
  @Matches(/\S/, { message: 'reason must say something' })
  reason?: string;

  @ApiPropertyOptional({ description: 'Why the wave goes on though it waits; shown for ever.' })
  @Optional()
  @IsObject()
  @ValidateNested()
  @Type(() => ForceBody)
  force?: ForceBody;
}
