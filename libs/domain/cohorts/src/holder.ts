import { type Platform, type Track } from './model.ts';

/** Why a device counts as a holder of a patch. `report`: it said so, and has yet to restart into the build. */
export type HeldBy = 'build' | 'report';

/** What the build that a device last showed is, seen from one patch. `base`: the patch is for it, and it is no patch's build. */
export type ShownBuild = 'its-build' | 'base' | 'another';

/**
 * The one rule of who holds a patch (design §2): the device that runs its build; or the device that says so while its
 * build proves nothing. What is observed beats what is said.
 */
export function holds(shown: ShownBuild, saysSo: boolean): HeldBy | undefined {
  if (shown === 'its-build') return 'build';
  return shown === 'base' && saysSo ? 'report' : undefined;
}

/** Known devices that look alike and hold a patch, by when they were last heard of: within a day, within a week, longer ago. */
export interface HolderKind {
  readonly platform: Platform;
  readonly model: string;
  readonly base: string;
  readonly track: Track;
  readonly ring?: string;
  readonly withinDay: number;
  readonly withinWeek: number;
  readonly longer: number;
}
