import { Build, Flag, Id, Model, Part, Tally, Text, Time, Version, Words } from './fields.ts';

const LISTED_MAX = 100_000;
const list = { list: { max: LISTED_MAX } };
const LETTER = { max: 2, pattern: '^[a-z]{1,2}$', says: 'one or two lower-case letters' };

/** A CVE that devices are open to again once they are back on their base. */
export class ReopenedCve {
  @Words()
  readonly id!: string;

  @Flag({ description: 'Whether it is known to be exploited.' })
  readonly exploited!: boolean;

  @Time({ description: 'When it was published that a patch closes it.' })
  readonly closedSince!: string;

  @Id({ ...list, description: 'The recalled patch, and those of an earlier letter that fall with it.' })
  readonly closedBy!: readonly string[];
}

/** A build that devices leave, and the base that they go back to. */
export class FallingBuild {
  @Build()
  readonly build!: string;

  @Build()
  readonly base!: string;

  @Model(list)
  readonly models!: readonly string[];
}

export class FallingPatch {
  @Id()
  readonly patchId!: string;

  @Text(LETTER)
  readonly letter!: string;
}

export class PossibleReplacement extends FallingPatch {
  @Words({ ...list, description: 'CVEs of the ledger that it does not name.' })
  readonly leavesOpen!: readonly string[];
}

export class LedgerReplacement {
  @Id({ nullable: true, description: 'By the pull; null while none is.' })
  readonly named!: string | null;

  @Part(() => PossibleReplacement, {
    ...list,
    description: 'Patches of a later letter for the same base and models that were not pulled.',
  })
  readonly available!: readonly PossibleReplacement[];
}

export class LedgerFullRelease {
  @Version()
  readonly version!: string;

  @Build()
  readonly build!: string;
}

/** What a recall of a patch re-opens. How many devices are hit is the other part: GET /v1/recalls/{patchId}/preview. */
export class ReExposureView {
  @Id()
  readonly patchId!: string;

  @Tally({ description: 'That of the patch; while a recall is asked for, the one that was asked on.' })
  readonly recallEpoch!: number;

  @Part(() => ReopenedCve, list)
  readonly cves!: readonly ReopenedCve[];

  @Part(() => FallingBuild, list)
  readonly builds!: readonly FallingBuild[];

  @Part(() => FallingPatch, {
    ...list,
    description: 'Patches of an earlier letter for the same base and models: what they closed is open again, too.',
  })
  readonly patches!: readonly FallingPatch[];

  @Part(() => LedgerReplacement)
  readonly replacement!: LedgerReplacement;

  @Part(() => LedgerFullRelease, {
    nullable: true,
    description:
      'The one that contains the fix, if any is known. Devices that stay on their base are not protected by it.',
  })
  readonly fullRelease!: LedgerFullRelease | null;

  @Words({
    description:
      'SHA-256, in hex, of all other fields as canonical JSON (RFC 8785). It changes when one of them does, and never because a count moved.',
  })
  readonly digest!: string;
}
