import { type Platform, platforms, type Track, tracks } from '@sluice/domain-cohorts';
/** What a device said, in the words of the public events; the index of a kind is its code in a packed commit. */
export const factKinds = [
  'DeviceObserved',
  'DeviceRetired',
  'InstallStarted',
  'PatchInstalled',
  'PatchInstallFailed',
  'PatchRolledBack',
  'PatchRemoveFailed',
  'IncidentReported',
  'PatchRemoveStarted',
] as const;
export type FactKind = (typeof factKinds)[number];

export const kindCodes = Object.fromEntries(factKinds.map((kind, code) => [kind, code])) as Record<FactKind, number>;

export const removalCauses = ['recall', 'user', 'failure'] as const;
export type RemovalCause = (typeof removalCauses)[number];

/** What a device is at the moment of a report. Builds are opaque. */
export interface Profile {
  readonly platform: Platform;
  readonly model: string;
  readonly osVersion: string;
  readonly osBuild: string;
  readonly track: Track;
  readonly ring?: string;
  readonly region?: string;
}

/** What may come with failures and incidents. */
export interface FailureDetails {
  readonly signal?: string;
  readonly failureCode?: string;
  readonly detail?: string;
}

/** What may come with a status. */
export interface StatusDetails {
  /** How often the device reports it by itself; 24 where it is not said. */
  readonly statusEveryHours?: number;
}

/** Everything that a report says beside who, what and when. */
export interface Said extends Profile, FailureDetails, StatusDetails {
  readonly patchId?: string;
  readonly rolloutId?: string;
  readonly cause?: RemovalCause;
}

interface Observation extends Profile {
  readonly deviceId: string;
  readonly occurredAt: string;
  readonly receivedAt: string;
  readonly clockAhead?: boolean;
}

interface PatchObservation extends Observation {
  readonly patchId: string;
  readonly rolloutId?: string;
}

/** Fleet facts as the world sees them; in the store they are packed. */
export type FleetEvent =
  | ({ readonly type: 'DeviceObserved' } & Observation & StatusDetails)
  | {
      readonly type: 'DeviceRetired';
      readonly deviceId: string;
      readonly occurredAt: string;
      readonly receivedAt: string;
    }
  | ({ readonly type: 'InstallStarted' | 'PatchInstalled' | 'PatchRemoveStarted' } & PatchObservation)
  | ({ readonly type: 'PatchInstallFailed' | 'PatchRemoveFailed' } & PatchObservation & FailureDetails)
  | ({ readonly type: 'PatchRolledBack'; readonly cause: RemovalCause } & PatchObservation)
  | ({ readonly type: 'IncidentReported'; readonly patchId?: string } & Observation & FailureDetails);

/** Separates the fields of a profile and of a target; no id, build, model or label may contain it. */
const FIELD_SEPARATOR = '\u001f';

/** A profile as one line of a dictionary. */
export function profileText(profile: Profile): string {
  const { platform, model, osVersion, osBuild, track, ring, region } = profile;
  return `${platform}\u001f${model}\u001f${osVersion}\u001f${osBuild}\u001f${track}\u001f${ring ?? ''}\u001f${region ?? ''}`;
}

/** The profile of a dictionary's line, undefined when it is none. */
export function parseProfile(text: string): Profile | undefined {
  const [platformText, model, osVersion, osBuild, trackText, ring, region, ...rest] = text.split(FIELD_SEPARATOR);
  const platform = platforms.find((each) => each === platformText);
  const track = tracks.find((each) => each === trackText);
  if (platform === undefined || track === undefined || rest.length > 0) return undefined;
  if (!model || !osVersion || !osBuild || ring === undefined || region === undefined) return undefined;
  return { platform, model, osVersion, osBuild, track, ...(ring && { ring }), ...(region && { region }) };
}

/** A patch and the rollout that brought it, as one line of a dictionary. */
export function targetText(patchId: string, rolloutId: string | undefined): string {
  return rolloutId === undefined ? patchId : `${patchId}\u001f${rolloutId}`;
}

export function parseTarget(text: string): { readonly patchId: string; readonly rolloutId?: string } {
  const cut = text.indexOf(FIELD_SEPARATOR);
  return cut < 0 ? { patchId: text } : { patchId: text.slice(0, cut), rolloutId: text.slice(cut + 1) };
}
