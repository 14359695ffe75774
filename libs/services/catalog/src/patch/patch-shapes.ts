import { type Platform } from '@sluice/domain-cohorts';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { PageInfo, PageQuery } from '@sluice/api';
import { BUILD_PATTERN, ID_PATTERN, MODEL_PATTERN, platforms, VERSION_PATTERN } from '@sluice/contracts';
import { type KnownPatch, type PatchContent, type PatchStatus, type PullMode } from '@sluice/domain-catalog';
import { Optional } from '@sluice/platform';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayNotEmpty,
  ArrayUnique,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsNotEmpty,
  IsString,
  Matches,
  Max,
  MaxLength,
  Min,
  ValidateNested,
} from 'class-validator';

const VARIANTS_MAX = 64;
const MODELS_MAX = 1000;
const ARTIFACTS_MAX = 200;
const CVES_MAX = 1000;
const URL_LENGTH_MAX = 2000;
const REASON_LENGTH_MAX = 2000;

const WEB_ADDRESS = /^https?:\/\/\S+$/;
const statuses = ['published', 'superseded', 'folded-in', 'pulled'] as const satisfies readonly PatchStatus[];
const modes = ['withdraw', 'recall'] as const satisfies readonly PullMode[];

const IsWebAddress = () => Matches(WEB_ADDRESS, { message: '$property must be an http or https address' });

class ArtifactShape {
  @ApiProperty({ maxLength: URL_LENGTH_MAX })
  @IsWebAddress()
  @MaxLength(URL_LENGTH_MAX)
  url!: string;

  @ApiProperty({ pattern: '^[0-9a-f]{64}$' })
  @Matches(/^[0-9a-f]{64}$/, { message: '$property must be 64 lower-case hex digits' })
  sha256!: string;

  @ApiProperty({ minimum: 1 })
  @IsInt()
  @Min(1)
  @Max(Number.MAX_SAFE_INTEGER)
  sizeBytes!: number;
}

class ModelArtifactShape extends ArtifactShape {
  @ApiProperty({ type: [String], maxItems: MODELS_MAX, description: 'Models of the variant that get this package.' })
  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(MODELS_MAX)
  @ArrayUnique()
  @Matches(new RegExp(MODEL_PATTERN), { each: true })
  models!: string[];
}

class VariantShape {
  @ApiProperty({ pattern: BUILD_PATTERN, description: 'What a patched device reports as its own build.' })
  @Matches(new RegExp(BUILD_PATTERN))
  build!: string;

  @ApiProperty({ pattern: BUILD_PATTERN, description: 'The base build that the variant applies to.' })
  @Matches(new RegExp(BUILD_PATTERN))
  prerequisiteBuild!: string;

  @ApiProperty({ type: [String], maxItems: MODELS_MAX })
  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(MODELS_MAX)
  @ArrayUnique()
  @Matches(new RegExp(MODEL_PATTERN), { each: true })
  models!: string[];

  @ApiPropertyOptional({ type: ArtifactShape, description: 'The package of all models that have none in `artifacts`.' })
  @Optional()
  @ValidateNested()
  @Type(() => ArtifactShape)
  artifact?: ArtifactShape;

  @ApiPropertyOptional({ type: [ModelArtifactShape], maxItems: ARTIFACTS_MAX, description: 'Packages by model.' })
  @Optional()
  @IsArray()
  @ArrayMaxSize(ARTIFACTS_MAX)
  @ValidateNested({ each: true })
  @Type(() => ModelArtifactShape)
  artifacts?: ModelArtifactShape[];
}

class CveShape {
  @ApiProperty({ example: 'CVE-2026-20643' })
  @Matches(/^CVE-\d{4}-\d{4,19}$/)
  id!: string;

  @ApiProperty({ description: 'Whether it is known to be exploited.' })
  @IsBoolean()
  exploited!: boolean;
}

class PatchContentShape {
  @ApiProperty({ pattern: ID_PATTERN })
  @Matches(new RegExp(ID_PATTERN))
  patchId!: string;

  @ApiProperty({ enum: platforms })
  @IsIn(platforms)
  platform!: Platform;

  @ApiProperty({ pattern: VERSION_PATTERN, example: '26.3.1' })
  @Matches(new RegExp(VERSION_PATTERN))
  baseVersion!: string;

  @ApiProperty({ pattern: '^[a-z]{1,2}$' })
  @Matches(/^[a-z]{1,2}$/)
  letter!: string;

  @ApiProperty({ type: [VariantShape], maxItems: VARIANTS_MAX })
  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(VARIANTS_MAX)
  @ValidateNested({ each: true })
  @Type(() => VariantShape)
  variants!: VariantShape[];

  @ApiPropertyOptional({ type: [CveShape], maxItems: CVES_MAX })
  @Optional()
  @IsArray()
  @ArrayMaxSize(CVES_MAX)
  @ValidateNested({ each: true })
  @Type(() => CveShape)
  cves?: CveShape[];

  @ApiPropertyOptional({ maxLength: URL_LENGTH_MAX })
  @Optional()
  @IsWebAddress()
  @MaxLength(URL_LENGTH_MAX)
  releaseNotesUrl?: string;
}

/** The body of POST /v1/patches, and what an imported patch is checked against. */
export class PublishPatchBody extends PatchContentShape {}

/** The body of POST /v1/patches/{id}/pull; a stop asks for no words. */
export class PullPatchBody {
  @ApiPropertyOptional({
    enum: modes,
    default: 'withdraw',
    description: 'withdraw: stop offering it. recall: also remove it from every device.',
  })
  @IsIn(modes)
  mode: PullMode = 'withdraw';

  @ApiPropertyOptional({ maxLength: REASON_LENGTH_MAX, default: 'no reason given' })
  @IsString()
  @IsNotEmpty()
  @MaxLength(REASON_LENGTH_MAX)
  reason: string = 'no reason given';

  @ApiPropertyOptional({ pattern: ID_PATTERN, description: 'Another patch of the same base that devices go on to.' })
  @Optional()
  @Matches(new RegExp(ID_PATTERN))
  replacement?: string;

  @ApiPropertyOptional({
    minimum: 1,
    description: 'Of a recall: direct so many devices an hour to remove it, no more.',
  })
  @Optional()
  @IsInt()
  @Min(1)
  @Max(Number.MAX_SAFE_INTEGER)
  removePerHourMax?: number;

  @ApiPropertyOptional({
    pattern: '^[A-Za-z0-9:+/=_-]{1,128}$',
    description: 'The digest of the re-exposure ledger seen.',
  })
  @Optional()
  @Matches(/^[A-Za-z0-9:+/=_-]{1,128}$/)
  ledgerDigest?: string;
}

/** The body of POST /v1/patches/{id}/fold-in: the full release that contains the patch. */
export class FoldInPatchBody {
  @ApiProperty({ pattern: VERSION_PATTERN })
  @Matches(new RegExp(VERSION_PATTERN))
  version!: string;

  @ApiProperty({ pattern: BUILD_PATTERN })
  @Matches(new RegExp(BUILD_PATTERN))
  build!: string;
}

/** The query of GET /v1/patches. */
export class PatchListQuery extends PageQuery {
  @ApiPropertyOptional({ enum: platforms })
  @Optional()
  @IsIn(platforms)
  platform?: Platform;

  @ApiPropertyOptional({ enum: statuses })
  @Optional()
  @IsIn(statuses)
  status?: PatchStatus;

  @ApiPropertyOptional({ pattern: VERSION_PATTERN })
  @Optional()
  @Matches(new RegExp(VERSION_PATTERN))
  baseVersion?: string;
}

class FoldedIntoShape {
  @ApiProperty()
  version!: string;

  @ApiProperty()
  build!: string;

  @ApiProperty()
  at!: string;
}

class PulledShape {
  @ApiProperty({ enum: modes })
  mode!: PullMode;

  @ApiProperty()
  reason!: string;

  @ApiPropertyOptional()
  replacement?: string;

  @ApiPropertyOptional()
  removePerHourMax?: number;

  @ApiPropertyOptional()
  ledgerDigest?: string;

  @ApiProperty()
  at!: string;

  @ApiPropertyOptional({
    description: 'false while the pull is in force without being stored; absent once it is stored.',
  })
  durable?: boolean;
}

/** A patch as queries show it: its content as it stands, and what became of it. */
export class PatchView extends PatchContentShape {
  @ApiProperty({ enum: statuses, description: 'The last of these that applies.' })
  status!: PatchStatus;

  @ApiProperty()
  publishedAt!: string;

  @ApiProperty({ description: '0, and one more with each pull: leases of an older epoch are void.' })
  recallEpoch!: number;

  @ApiPropertyOptional()
  supersededBy?: string;

  @ApiPropertyOptional({ type: FoldedIntoShape })
  foldedInto?: FoldedIntoShape;

  @ApiPropertyOptional({ type: PulledShape })
  pulled?: PulledShape;
}

export class PatchPage extends PageInfo {
  @ApiProperty({ type: [PatchView] })
  items!: PatchView[];
}

/** The content without the fields that the class has but the body had not. */
export function toContent(body: PublishPatchBody): PatchContent {
  const { platform, baseVersion, letter, variants, cves = [], releaseNotesUrl } = body;
  return {
    platform,
    baseVersion,
    letter,
    variants: variants.map(({ build, prerequisiteBuild, models, artifact, artifacts = [] }) => ({
      build,
      prerequisiteBuild,
      models: [...models],
      ...(artifact !== undefined && { artifact: { ...artifact } }),
      ...(artifacts.length > 0 && { artifacts: artifacts.map((each) => ({ ...each, models: [...each.models] })) }),
    })),
    cves: cves.map(({ id, exploited }) => ({ id, exploited })),
    ...(releaseNotesUrl !== undefined && { releaseNotesUrl }),
  };
}

/** The answer that PatchView describes. `isDurable` is false where a pull of the patch is not stored. */
export function toPatchView(patch: KnownPatch, isDurable = true) {
  const { patchId, firstContent: _, content, ...facts } = patch;
  if (isDurable || facts.status !== 'pulled') return { patchId, ...content, ...facts };
  return { patchId, ...content, ...facts, pulled: { ...facts.pulled, durable: false } };
}
