/** Why a device counts as a holder of a patch. `report`: it said so, and has yet to restart into the build. */
export const heldBy = ['build', 'report'] as const;
export type HeldBy = (typeof heldBy)[number];

/** What the build that a device last showed means, in the words of patches: ids, numbers or objects. */
export interface ShownBuild<Patch> {
  /** The patch whose build it is. */
  readonly runs: Patch | undefined;
  /** True when it is the base of that patch. */
  readonly isBaseOf: (patch: Patch) => boolean;
}

/**
 * The one rule of who holds a patch (design §2): the device that runs its build; or the device that says so while its
 * build proves nothing, which is the base of that patch and the build of none. What is observed beats what is said.
 */
export function holds<Patch>(patch: Patch, { runs, isBaseOf }: ShownBuild<Patch>, says: boolean): HeldBy | undefined {
  if (runs !== undefined) return runs === patch ? 'build' : undefined;
  return says && isBaseOf(patch) ? 'report' : undefined;
}
