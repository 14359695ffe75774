import { wordsOf } from '@sluice/contracts/pattern-words';
import { DIGEST_PATTERN, platforms } from '@sluice/contracts/primitives';
import {
  AsOf,
  Build,
  Count,
  Flag,
  Id,
  Model,
  OneOf,
  Part,
  Reason,
  Tally,
  Text,
  Time,
  Version,
  WebAddress,
  Words,
} from './fields.ts';
import { PageQuery, pageOf } from './paging.ts';

const VARIANTS_MAX = 64;
const MODELS_MAX = 1000;
const ARTIFACTS_MAX = 200;
const CVES_MAX = 1000;

export const patchStatuses = ['published', 'superseded', 'folded-in', 'pulled'] as const;
export const pullModes = ['withdraw', 'recall'] as const;

type Platform = (typeof platforms)[number];
type PatchStatus = (typeof patchStatuses)[number];
type PullMode = (typeof pullModes)[number];

const ofModels = { min: 1, max: MODELS_MAX, unique: true };
const digest = { max: 128, pattern: '^[A-Za-z0-9:+/=_-]{1,128}$', says: 'a digest as the catalog answers it' };

export class Artifact {
  @WebAddress()
  readonly url!: string;

  @Text({ max: 64, pattern: DIGEST_PATTERN, says: wordsOf(DIGEST_PATTERN) })
  readonly sha256!: string;

  @Count({ min: 1, max: Number.MAX_SAFE_INTEGER })
  readonly sizeBytes!: number;
}

export class ModelArtifact extends Artifact {
  @Model({ list: ofModels, description: 'Models of the variant that get this package.' })
  readonly models!: readonly string[];
}

export class Variant {
  @Build({ description: 'What a patched device reports as its own build.', example: '23D771330a' })
  readonly build!: string;

  @Build({ description: 'The base build that the variant applies to.', example: '23D8133' })
  readonly prerequisiteBuild!: string;

  @Model({ list: ofModels, example: ['iPhone18,1'] })
  readonly models!: readonly string[];

  @Part(() => Artifact, { optional: true, description: 'The package of all models that have none in `artifacts`.' })
  readonly artifact?: Artifact;

  @Part(() => ModelArtifact, { optional: true, list: { max: ARTIFACTS_MAX }, description: 'Packages by model.' })
  readonly artifacts?: readonly ModelArtifact[];
}

export class Cve {
  @Text({ max: 28, pattern: '^CVE-\\d{4}-\\d{4,19}$', says: 'an id such as CVE-2026-20643', example: 'CVE-2026-20643' })
  readonly id!: string;

  @Flag({ description: 'Whether it is known to be exploited.' })
  readonly exploited!: boolean;
}

/** What a publisher says of a patch, as it is sent and as it is shown. */
class PatchFields {
  @Id({ example: 'ios-26.3.1-a' })
  readonly patchId!: string;

  @OneOf(platforms, 'Platform')
  readonly platform!: Platform;

  @Version({ example: '26.3.1' })
  readonly baseVersion!: string;

  @Text({ max: 2, pattern: '^[a-z]{1,2}$', says: 'one or two lower-case letters', example: 'a' })
  readonly letter!: string;

  @Part(() => Variant, { list: { min: 1, max: VARIANTS_MAX } })
  readonly variants!: readonly Variant[];

  @WebAddress({ optional: true })
  readonly releaseNotesUrl?: string;
}

/** The body of POST /v1/patches, and what an imported patch is checked against. */
export class PublishPatchBody extends PatchFields {
  @Part(() => Cve, { optional: true, list: { max: CVES_MAX } })
  readonly cves?: readonly Cve[];
}

/** One person decides alone on a recall that re-opens exploited CVEs. It is shown for good. */
export class BreakGlass {
  @Reason({ description: 'Why it is not left to a second person.' })
  readonly reason!: string;
}

/** The body of POST /v1/patches/{id}/pull; a stop asks for no words. */
export class PullPatchBody {
  @OneOf(pullModes, 'PullMode', {
    optional: true,
    default: 'withdraw',
    description: 'withdraw: stop offering it. recall: also remove it from every device.',
  })
  readonly mode: PullMode = 'withdraw';

  @Reason({ optional: true, default: 'no reason given' })
  readonly reason: string = 'no reason given';

  @Id({ optional: true, description: 'Another patch of the same base that devices go on to.' })
  readonly replacement?: string;

  @Count({
    min: 1,
    max: Number.MAX_SAFE_INTEGER,
    optional: true,
    description: 'Of a recall: direct so many devices an hour to remove it, no more.',
  })
  readonly removePerHourMax?: number;

  @Text({
    ...digest,
    optional: true,
    description:
      'Of a recall: `digest` of the re-exposure ledger that was seen. One that re-opens exploited CVEs has to name it; one that is named has to be the present one.',
  })
  readonly ledgerDigest?: string;

  @Part(() => BreakGlass, {
    optional: true,
    description: 'Of a recall that re-opens exploited CVEs: one person decides on it alone, at once.',
  })
  readonly breakGlass?: BreakGlass;
}

/** The body of POST /v1/patches/{id}/fold-in: the full release that contains the patch. */
export class FoldInPatchBody {
  @Version({ example: '26.4' })
  readonly version!: string;

  @Build({ example: '23E246' })
  readonly build!: string;
}

export class PatchPath {
  @Id({ description: 'The id of a patch.' })
  readonly id!: string;
}

/** The query of GET /v1/patches. */
export class PatchesQuery extends PageQuery {
  @OneOf(platforms, 'Platform', { optional: true })
  readonly platform?: Platform;

  @OneOf(patchStatuses, 'PatchStatus', { optional: true })
  readonly status?: PatchStatus;

  @Version({ optional: true })
  readonly baseVersion?: string;

  @AsOf()
  readonly at?: string;
}

export class FoldedInto extends FoldInPatchBody {
  @Time()
  readonly at!: string;
}

/** Who decided alone on a recall that takes two, and why. */
export class BrokenGlass extends BreakGlass {
  @Words()
  readonly by!: string;
}

/** How a patch was pulled. */
export class Pulled {
  @OneOf(pullModes, 'PullMode')
  readonly mode!: PullMode;

  @Reason()
  readonly reason!: string;

  @Id({ optional: true })
  readonly replacement?: string;

  @Count({ min: 1, max: Number.MAX_SAFE_INTEGER, optional: true })
  readonly removePerHourMax?: number;

  @Text({ ...digest, optional: true })
  readonly ledgerDigest?: string;

  @Words({ optional: true, description: 'Who ordered it, by the name of the token; absent in older pulls.' })
  readonly by?: string;

  @Words({ optional: true, description: 'Of a recall that two people decided on: who asked for it.' })
  readonly requestedBy?: string;

  @Words({ optional: true, description: 'And who confirmed it.' })
  readonly confirmedBy?: string;

  @Part(() => BrokenGlass, {
    optional: true,
    description: 'Of a recall that one person decided on although it re-opens exploited CVEs.',
  })
  readonly breakGlass?: BrokenGlass;

  @Time()
  readonly at!: string;

  @Flag({
    optional: true,
    description: 'false while the pull is in force without being stored; absent once it is stored.',
  })
  readonly durable?: boolean;
}

/** A recall that one person has asked for. It is withdrawn; another person's recall with the same ledger makes it one. */
export class Requested {
  @OneOf(['recall'], 'RequestedMode')
  readonly mode!: 'recall';

  @Reason()
  readonly reason!: string;

  @Id({ optional: true })
  readonly replacement?: string;

  @Count({ min: 1, max: Number.MAX_SAFE_INTEGER, optional: true })
  readonly removePerHourMax?: number;

  @Text(digest)
  readonly ledgerDigest!: string;

  @Tally({ description: 'That of the ledger.' })
  readonly recallEpoch!: number;

  @Words({ description: 'Who asked for it, by the name of the token.' })
  readonly by!: string;

  @Time()
  readonly at!: string;
}

/** A patch: its content as it stands, and what became of it. */
export class PatchView extends PatchFields {
  @Part(() => Cve, { list: { max: CVES_MAX } })
  readonly cves!: readonly Cve[];

  @OneOf(patchStatuses, 'PatchStatus', { description: 'The last of these that applies.' })
  readonly status!: PatchStatus;

  @Time()
  readonly publishedAt!: string;

  @Tally({ description: '0, and one more with each pull: leases of an older epoch are void.' })
  readonly recallEpoch!: number;

  @Id({ optional: true })
  readonly supersededBy?: string;

  @Part(() => FoldedInto, { optional: true })
  readonly foldedInto?: FoldedInto;

  @Part(() => Pulled, { optional: true })
  readonly pulled?: Pulled;

  @Part(() => Requested, { optional: true, description: 'There while a second person has yet to confirm a recall.' })
  readonly requested?: Requested;
}

export class PatchPage extends pageOf(() => PatchView) {}
