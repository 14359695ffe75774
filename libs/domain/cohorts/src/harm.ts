/**
 * Kinds of harm that befall devices with or without the patch, and are judged against devices without it. Devices report them as
 * incidents, but for `silent`: the device has missed its daily status.
 */
export const harmSignals = ['crash', 'boot-failure', 'compatibility', 'connectivity', 'silent'] as const;
export type HarmSignal = (typeof harmSignals)[number];

/**
 * First incidents of one signal, each of another device, since a rollout started: one row for each, indexes into `rollouts`,
 * `slices` of the bucket, and `signals`. `waves`: those of the rollout that the device is in, bit 0 for the first. `place`: its
 * bucket in millionths. `minute`, `received`: when it happened and was received, in minutes since the start of the rollout.
 */
export interface HarmColumns {
  readonly rollouts: readonly string[];
  readonly signals: readonly string[];
  readonly rollout: readonly number[];
  readonly slice: readonly number[];
  readonly waves: readonly number[];
  readonly signal: readonly number[];
  readonly place: readonly number[];
  readonly minute: readonly number[];
  readonly received: readonly number[];
}

/** What one incident says; the rest of its row names rollout, slice and signal. */
export const harmNumbers = ['waves', 'place', 'minute', 'received'] as const;
export type HarmNumbers = Readonly<Record<(typeof harmNumbers)[number], number>>;

/** A place is one of so many. */
export const PLACES = 1_000_000;

/** Waves beyond this many count no harm with control. */
export const HARM_WAVES_MAX = 30;
