import { Directive, reasonCodes } from '@sluice/contracts/device-protocol';
import { EXTRA_PATTERN, platforms, SHOWN_VERSION_PATTERN, tracks } from '@sluice/contracts/primitives';
import { wordsOf } from '@sluice/contracts/pattern-words';
import { AsOf, Build, Count, Flag, Id, Json, Label, Model, OneOf, Part, Shape, Text, Time, Words } from './fields.ts';

const PATCHES_MAX = 64;
const MINUTES_MAX = 840;
const VERSION_MAX = 32;

/** The rules in the order in which they are looked at. */
export const ruleCodes = [
  'recalled',
  'policy-stale',
  'no-patch',
  'already-installed',
  'folded-in',
  'superseded',
  'pulled',
  'on-hold',
  'no-rollout',
  'rollout-paused',
  'outside-audience',
  'hold-back',
  'beyond-exposure',
  'removed-by-user',
  'failed-too-often',
  'manual-track',
  'in-wave',
] as const;
type RuleCode = (typeof ruleCodes)[number];

export const ruleOutcomes = ['passed', 'decided', 'unknown', 'not-reached'] as const;
type RuleOutcome = (typeof ruleOutcomes)[number];

/** `superseded` is the reason of a patch that was asked about; no device is told it. */
const explainedReasons = [...(Object.keys(reasonCodes) as (keyof typeof reasonCodes)[]), 'superseded'] as const;
type ExplainedReason = (typeof explainedReasons)[number];

export const changedFields = [
  'device.osBuild',
  'device.installed',
  'device.removed',
  'device.failed',
  'device.removeFailed',
  'device.ring',
  'device.track',
  'policy',
  'patch',
  'hold',
  'recall',
  'recall-share',
  'rollout',
  'wave',
  'hold-back',
  'exposure',
] as const;

export const openFields = ['removed', 'removeFailed', 'removalShare', 'stale', 'device'] as const;
export const deviceSources = ['reports', 'check-in', 'never-reported', 'no-answer'] as const;
type DeviceSource = (typeof deviceSources)[number];

/** The query of GET /v1/explain. */
export class ExplainQuery {
  @Id({ description: 'The device to be explained, by its last reports.' })
  readonly deviceId!: string;

  @Id({ optional: true, description: 'What becomes of this patch on the device; its whole answer if not given.' })
  readonly patchId?: string;

  @AsOf()
  readonly at?: string;
}

/** How often something failed with a patch. */
export class PatchAttempts {
  @Id()
  readonly patchId!: string;

  @Count({ min: 1, max: 1000 })
  readonly attempts!: number;
}

/** The body of POST /v1/explain: a check-in, and what is asked of it. */
export class ExplainBody {
  @Id()
  readonly deviceId!: string;

  @OneOf(platforms, 'Platform')
  readonly platform!: (typeof platforms)[number];

  @Model()
  readonly model!: string;

  @Text({ max: VERSION_MAX, pattern: SHOWN_VERSION_PATTERN, says: wordsOf(SHOWN_VERSION_PATTERN) })
  readonly osVersion!: string;

  @Build()
  readonly osBuild!: string;

  @Build({ optional: true })
  readonly supplementalBuild?: string;

  @Text({ max: VERSION_MAX, pattern: EXTRA_PATTERN, says: wordsOf(EXTRA_PATTERN), optional: true })
  readonly supplementalVersionExtra?: string;

  @Id({ list: { max: PATCHES_MAX } })
  readonly installed!: string[];

  @OneOf(tracks, 'Track')
  readonly track!: (typeof tracks)[number];

  @Label({ optional: true })
  readonly ring?: string;

  @Label({ optional: true })
  readonly region?: string;

  @Count({ min: -MINUTES_MAX, max: MINUTES_MAX, optional: true })
  readonly utcOffsetMinutes?: number;

  @Id({ optional: true, list: { max: PATCHES_MAX } })
  readonly removed?: string[];

  @Part(() => PatchAttempts, { optional: true, list: { max: PATCHES_MAX } })
  readonly failed?: PatchAttempts[];

  @Part(() => PatchAttempts, { optional: true, list: { max: PATCHES_MAX } })
  readonly removeFailed?: PatchAttempts[];

  @Id({ optional: true, description: 'What becomes of this patch on the device; its whole answer if not given.' })
  readonly patchId?: string;

  @AsOf()
  readonly at?: string;
}

/** The device that was explained. */
export class ExplainedDevice {
  @Id()
  readonly deviceId!: string;

  @OneOf(platforms, 'Platform')
  readonly platform!: (typeof platforms)[number];

  @Model()
  readonly model!: string;

  @Words({ optional: true })
  readonly osVersion?: string;

  @Build({ description: "With a patch, the patch's own." })
  readonly osBuild!: string;

  @OneOf(tracks, 'Track')
  readonly track!: (typeof tracks)[number];

  @Label({ optional: true, description: 'Absent where it named none.' })
  readonly ring?: string;

  @Id({ list: { max: PATCHES_MAX } })
  readonly installed!: readonly string[];

  @Id({ list: { max: PATCHES_MAX }, description: 'What its user removed.' })
  readonly removed!: readonly string[];

  @Part(() => PatchAttempts, { list: { max: PATCHES_MAX } })
  readonly failed!: readonly PatchAttempts[];

  @Part(() => PatchAttempts, { list: { max: PATCHES_MAX }, description: 'Within the last 24 hours.' })
  readonly removeFailed!: readonly PatchAttempts[];

  @Time({ optional: true, description: 'Of a device that is known by its reports.' })
  readonly lastReportAt?: string;

  @Time({ optional: true, description: 'Present when it was retired and has not reported since.' })
  readonly retiredAt?: string;
}

/** One rule for the device: what it looked at, and what came of it. */
export class RuleView {
  @OneOf(ruleCodes, 'RuleCode')
  readonly rule!: RuleCode;

  @OneOf(ruleOutcomes, 'RuleOutcome', { description: '`unknown`: something that it looks at is not known.' })
  readonly outcome!: RuleOutcome;

  @Json({ description: 'By name: texts, numbers, booleans, lists of texts, or null. Empty for a rule not reached.' })
  readonly values!: object;

  @Words()
  readonly words!: string;
}

/** Something that would have to be otherwise for another answer. */
export class ChangeView {
  @OneOf(changedFields, 'ChangedField')
  readonly field!: (typeof changedFields)[number];

  @Words({
    nullable: true,
    description: 'The patch, rollout or hold whose it is; null for the device itself, and for a new one.',
  })
  readonly of!: string | null;

  @Json({ description: 'Percent of an exposure or of a recall, number of a wave; else a word or a value.' })
  readonly to!: unknown;

  @Count({ min: 1, max: Number.MAX_SAFE_INTEGER, optional: true, description: 'Of an exposure: the wave.' })
  readonly wave?: number;

  @Time({ optional: true, description: 'When it comes by itself, if nothing stops it.' })
  readonly at?: string;

  @Words()
  readonly words!: string;
}

/** Something that nobody knows, and the rule that could not be judged for it. */
export class OpenRuleView {
  @OneOf(openFields, 'OpenField')
  readonly field!: (typeof openFields)[number];

  @OneOf(ruleCodes, 'RuleCode')
  readonly rule!: RuleCode;

  @Flag({ description: 'False where the answer is the same whatever it is.' })
  readonly matters!: boolean;

  @Words()
  readonly words!: string;
}

export class OtherPatchView {
  @Id()
  readonly patchId!: string;

  @OneOf(explainedReasons, 'ExplainedReason')
  readonly reason!: ExplainedReason;
}

/** Why a device is told what it is told, or what becomes of one patch on it. */
export class ExplanationView {
  @Id()
  readonly deviceId!: string;

  @Time({ description: 'The instant that is explained.' })
  readonly asOf!: string;

  @Words({ optional: true, nullable: true, description: 'Of the past: where the own streams were read through.' })
  readonly position?: string | null;

  @OneOf(deviceSources, 'DeviceSource', { description: 'How the device is known, or why it is not.' })
  readonly deviceBy!: DeviceSource;

  @Part(() => ExplainedDevice, { nullable: true })
  readonly device!: ExplainedDevice | null;

  @Shape({ Directive }, { nullable: true, description: 'Null where it hangs on something that nobody knows.' })
  readonly directive!: Directive | null;

  @Id({ nullable: true, description: 'The patch that the rules are about.' })
  readonly patchId!: string | null;

  @OneOf(explainedReasons, 'ExplainedReason', { nullable: true })
  readonly reason!: ExplainedReason | null;

  @OneOf(ruleCodes, 'RuleCode', { nullable: true })
  readonly decidedBy!: RuleCode | null;

  @Part(() => RuleView, { list: { max: ruleCodes.length }, description: 'All, in the order of looking.' })
  readonly rules!: readonly RuleView[];

  @Part(() => ChangeView, {
    list: { max: PATCHES_MAX },
    description: 'What would change the answer, all of it together; empty where nothing does.',
  })
  readonly changes!: readonly ChangeView[];

  @Words({ description: 'The answer and what would change it, for people.' })
  readonly words!: string;

  @Part(() => OpenRuleView, { list: { max: PATCHES_MAX }, description: 'What could not be judged.' })
  readonly unknown!: readonly OpenRuleView[];

  @Part(() => OtherPatchView, { list: { max: PATCHES_MAX }, description: 'The other patches for its model and base.' })
  readonly others!: readonly OtherPatchView[];
}
