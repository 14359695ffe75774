import { type Platform } from '@sluice/domain-cohorts';
import { type Commit } from '@sluice/event-sourcing';
import { isSameBase, type KnownPatch, type Patch, patchDecider, type PatchEvent } from '@sluice/domain-catalog';

/** All patches as their events say, whose each build is, and who is for it as a base. Pure memory: the live read model, a replay and a dry run share it. */
export class PatchTable {
  private readonly patches = new Map<string, KnownPatch>();
  private readonly owners = new Map<string, string>();
  /** By base build, the ids of the patches that are for it. */
  private readonly bases = new Map<string, ReadonlySet<string>>();

  apply(event: PatchEvent): void {
    const next = patchDecider.evolve(this.stateOf(event.patchId), event);
    if (next.status === 'absent') return;
    this.patches.set(next.patchId, next);
    const { platform, variants } = next.content;
    for (const { build, prerequisiteBuild } of variants) {
      this.owners.set(buildKey(platform, build), next.patchId);
      const base = buildKey(platform, prerequisiteBuild);
      this.bases.set(base, new Set(this.bases.get(base)).add(next.patchId));
    }
  }

  stateOf(patchId: string): Patch {
    return this.patches.get(patchId) ?? patchDecider.initialState;
  }

  find(patchId: string): KnownPatch | undefined {
    return this.patches.get(patchId);
  }

  ownerOf(platform: Platform, build: string): string | undefined {
    return this.owners.get(buildKey(platform, build));
  }

  /** The patches whose prerequisite is this build. */
  patchesFor(platform: Platform, base: string): KnownPatch[] {
    return [...(this.bases.get(buildKey(platform, base)) ?? [])].flatMap((patchId) => this.find(patchId) ?? []);
  }

  all(): KnownPatch[] {
    return [...this.patches.values()];
  }

  /** The patches of the same platform and base version, this one among them. */
  siblingsOf(patch: KnownPatch): KnownPatch[] {
    return this.all().filter(({ content }) => isSameBase(content, patch.content));
  }

  /** Every state by patch id; states never change, so that this is as of now for good. */
  snapshot(): Record<string, KnownPatch> {
    return Object.fromEntries(this.patches);
  }

  copy(): PatchTable {
    const copy = new PatchTable();
    for (const [patchId, patch] of this.patches) copy.patches.set(patchId, patch);
    for (const [key, patchId] of this.owners) copy.owners.set(key, patchId);
    for (const [key, patchIds] of this.bases) copy.bases.set(key, patchIds);
    return copy;
  }
}

/** The patch events of a commit; none for what is no commit of a patch stream. */
export function patchEventsOf({ body }: Commit): readonly PatchEvent[] {
  return body.kind === 'events' ? (body.events as readonly PatchEvent[]) : [];
}

function buildKey(platform: Platform, build: string): string {
  return `${platform} ${build}`;
}

/** The stream of a patch. */
export function patchStream(patchId: string): string {
  return `patch-${patchId}`;
}
