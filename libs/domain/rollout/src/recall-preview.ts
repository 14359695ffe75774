import { type HolderKind, sum } from '@sluice/domain-cohorts';
import { type AskingDevice, decide, replacementsOf } from './decide.ts';
import { type Candidate, type Policy, type PolicyPatch } from './policy.ts';

/** Whom a recall of a patch hits. Models in the order of their holders, the most first. */
export interface WhoIsHit {
  readonly holders: number;
  readonly byModel: readonly { readonly model: string; readonly devices: number }[];
  readonly byTrack: { readonly automatic: number; readonly manual: number };
  readonly byLastReport: { readonly withinDay: number; readonly withinWeek: number; readonly longer: number };
  /**
   * `atMost`: holders for whose base and model there is a replacement that was not pulled. `expected`: so many of them lie inside the
   * exposure of one now, as their buckets were drawn by lot; null while it is not known what is offered, or they are of too many kinds.
   */
  readonly replacement: { readonly atMost: number; readonly expected: number | null };
  /** Holders for whom there is no replacement at all: once they are back on their base, nothing protects them. */
  readonly withoutReplacement: number;
}

/** The recall that is looked at; `named` is the replacement that it would name, where that is not the one of the pull. */
interface Recalled {
  readonly patch: PolicyPatch;
  readonly named?: string | undefined;
  readonly policy: Policy;
  readonly nowMs: number;
}

/** So many kinds of holders take some ten milliseconds; for more, what they are offered is not looked at. */
const KINDS_MAX = 1_000;

/** Costs the same for every size of the fleet: it looks at kinds of holders, not at devices. */
export function whoIsHit(kinds: readonly HolderKind[], recalled: Recalled): WhoIsHit {
  const counted = kinds.map((kind) => {
    const devices = kind.withinDay + kind.withinWeek + kind.longer;
    return { ...kind, devices, possible: possibleReplacements(kind, recalled) };
  });
  const total = (each: (kind: (typeof counted)[number]) => number) => sum(counted.map(each));
  const suited = counted.filter(({ possible }) => possible.length > 0);
  const holders = total(({ devices }) => devices);
  const atMost = sum(suited.map(({ devices }) => devices));
  const automatic = total(({ track, devices }) => (track === 'automatic' ? devices : 0));
  return {
    holders,
    byModel: byModel(counted),
    byTrack: { automatic, manual: holders - automatic },
    byLastReport: {
      withinDay: total(({ withinDay }) => withinDay),
      withinWeek: total(({ withinWeek }) => withinWeek),
      longer: total(({ longer }) => longer),
    },
    replacement: { atMost, expected: expectedIn(suited, recalled) },
    withoutReplacement: holders - atMost,
  };
}

function expectedIn(
  suited: readonly (HolderKind & { readonly devices: number; readonly possible: readonly Candidate[] })[],
  recalled: Recalled,
): number | null {
  const shares = new Map<string, number>();
  // Devices on either track are offered the same.
  const keyOf = ({ platform, model, base, ring }: HolderKind) => JSON.stringify([platform, model, base, ring]);
  if (recalled.policy.stale || new Set(suited.map(keyOf)).size > KINDS_MAX) return null;
  const shareOf = (kind: (typeof suited)[number]) => {
    const share = shares.get(keyOf(kind)) ?? shareOffered(kind, kind.possible, recalled);
    shares.set(keyOf(kind), share);
    return share;
  };
  return Math.round(sum(suited.map((kind) => kind.devices * shareOf(kind))));
}

function byModel(counted: readonly { readonly model: string; readonly devices: number }[]) {
  const models = new Map<string, number>();
  for (const { model, devices } of counted) models.set(model, (models.get(model) ?? 0) + devices);
  return [...models]
    .map(([model, devices]) => ({ model, devices }))
    .sort((left, right) => right.devices - left.devices || (left.model < right.model ? -1 : 1));
}

/** What may replace the patch on such devices, and was not pulled. */
function possibleReplacements({ platform, base, model }: HolderKind, { patch, named, policy }: Recalled): Candidate[] {
  const candidates = policy.platforms.get(platform)?.candidates.get(base)?.get(model) ?? [];
  const pull = named === undefined ? patch.pull : { mode: 'recall' as const, reason: '', at: '', replacement: named };
  return replacementsOf({ ...patch, pull }, candidates).filter((each) => each.patch.pull === undefined);
}

const HALVINGS = 20;

/**
 * The share of such devices that would be brought one of the patches if they were back on their base now, as `decide` answers.
 * What is inside an exposure is inside with every lower bucket, so that the border is found by halving.
 */
function shareOffered(
  { platform, model, base, track, ring }: HolderKind,
  possible: readonly Candidate[],
  { policy, nowMs }: Recalled,
): number {
  const wanted = new Set(possible.map(({ patch }) => patch.patchId));
  const looks = { deviceId: '', platform, model, osBuild: base, track, installed: [] };
  const device: AskingDevice = { ...looks, ...(ring !== undefined && { ring }) };
  const isOffered = (bucket: number) => {
    const { directive, patchId } = decide(device, policy, nowMs, () => bucket);
    return (directive === 'install' || directive === 'offer') && patchId !== undefined && wanted.has(patchId);
  };
  if (!isOffered(0)) return 0;
  if (isOffered(1 - 2 ** -HALVINGS)) return 1;
  let [inside, outside] = [0, 1];
  for (let halving = 0; halving < HALVINGS; halving += 1) {
    const middle = (inside + outside) / 2;
    if (isOffered(middle)) inside = middle;
    else outside = middle;
  }
  return outside;
}
