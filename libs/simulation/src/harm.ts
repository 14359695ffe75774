import { type Device } from './fleet.ts';
import { type Random } from './random.ts';

/** From least to most, both possible, each minute between them as likely. */
type Span = readonly [leastMinutes: number, mostMinutes: number];

/** Harm to a share of the installs, so long after their start or end. */
interface LateHarm<Kind extends string> {
  readonly kind: Kind;
  readonly share: number;
  readonly after: Span;
}

/**
 * One way in which a patch harms devices, made up by a scenario. Where models are given, it harms only those; a share is of the
 * installs there.
 */
export type Harm = { readonly models?: readonly string[] } & (
  | /** The install ends with a failure, so long after its start. */ LateHarm<'fails'>
  | /** The device goes back to its base by itself, so long after the install, and says so. */ LateHarm<'falls-back'>
  | /** Its user takes the patch off, so long after the install. */ LateHarm<'removed-by-user'>
    /** The device begins to install, and is never heard of again. */
  | { readonly kind: 'boot-loops'; readonly share: number }
  /** As long as it has the patch, the device crashes so many times as often as it did before: ten times at most. */
  | { readonly kind: 'crashes'; readonly factor: number }
);

/** A patch that harms, and how. */
export interface Fault {
  readonly patchId: string;
  readonly harms: readonly Harm[];
}

type KindOfHarm = Harm['kind'];

export const CRASH_FACTOR_MAX = 10;
/** In the afternoon a device crashes half as often again as on average, at night half as often. */
const DAILY_SWING = 0.5;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** How the fault harms devices of this model in this way; undefined when it does not. */
export function harmOf<Kind extends KindOfHarm>(
  fault: Fault | undefined,
  kind: Kind,
  { model }: Pick<Device, 'model'>,
): Extract<Harm, { kind: Kind }> | undefined {
  return fault?.harms.find(
    (harm): harm is Extract<Harm, { kind: Kind }> =>
      harm.kind === kind && (harm.models === undefined || harm.models.includes(model)),
  );
}

/** When the device may crash next: `crashesNow` says whether it does. Undefined for a device that never crashes. */
export function nextCrash({ crashesPerDay }: Device, atMs: number, random: Random): number | undefined {
  const most = crashesPerDay * (1 + DAILY_SWING) * CRASH_FACTOR_MAX;
  return most === 0 ? undefined : atMs + Math.ceil((-Math.log(1 - random.fraction()) / most) * DAY);
}

/** Candidates come as often as a device crashes at most, and this one in so many of them counts. */
export function crashesNow(
  device: Device,
  atMs: number,
  { fault, random }: { fault: Fault | undefined; random: Random },
) {
  const factor = device.held === undefined ? 1 : (harmOf(fault, 'crashes', device)?.factor ?? 1);
  const swing = 1 + DAILY_SWING * Math.sin((2 * Math.PI * (atMs % DAY)) / DAY);
  return random.chance((swing * factor) / ((1 + DAILY_SWING) * CRASH_FACTOR_MAX));
}
