import { type Platform, type Track } from './model.ts';

/** Where harm is looked for: devices of one model on one base build. */
export interface Slice {
  readonly platform: Platform;
  readonly model: string;
  readonly base: string;
}

/**
 * Devices that are alike in all that a rollout asks of them. `devices`: how many are known; `awake`: those of them that were
 * heard of in the last AWAKE_HOURS, to two in a hundred of the devices; absent in buckets from before it was counted.
 */
export interface Population extends Slice {
  readonly track: Track;
  readonly ring?: string;
  readonly devices: number;
  readonly awake?: number;
}

/** Who was not heard of for longer is asleep: nothing is expected of it. */
export const AWAKE_HOURS = 36;

/** The same for the same slice only, whatever its words contain. */
export function sliceKey({ platform, model, base }: Slice): string {
  return JSON.stringify([platform, model, base]);
}

/** The same for populations that differ in their number only. */
export function populationKey({ platform, model, base, track, ring }: Population): string {
  return JSON.stringify([platform, model, base, track, ring ?? null]);
}
