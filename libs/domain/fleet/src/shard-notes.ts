import { type Audience, type Platform } from '@sluice/domain-cohorts';

/** Where an event lies in another service's stream. */
export interface NoteSource {
  readonly stream: string;
  readonly revision: number;
  readonly index: number;
}

interface Note {
  readonly type: 'ShardNoted';
  readonly patchId: string;
  readonly source: NoteSource;
}

/** A build of a patch, and the base that it is for. Builds are opaque. */
export interface NotedBuild {
  readonly build: string;
  readonly prerequisiteBuild: string;
}

/** The builds of a patch, as its publication or an amendment has them. */
export interface BuildsNoted extends Note {
  readonly about: 'builds';
  readonly platform: Platform;
  readonly builds: readonly NotedBuild[];
}

export interface PullNoted extends Note {
  readonly about: 'pull';
  readonly mode: 'withdraw' | 'recall';
  readonly recallEpoch: number;
}

/** A rollout that has started, as its plan has it: harm is counted for it. Noted again when the plan was changed. */
export interface RolloutNoted extends Note {
  readonly about: 'rollout';
  readonly rolloutId: string;
  readonly salt: string;
  readonly startedAt: string;
  readonly waves: readonly { readonly ring?: string; readonly audience?: Audience }[];
}

/** Nothing is counted for the rollout any more: it was aborted, or let in the devices that it was held against. */
export interface RolloutEndNoted extends Note {
  readonly about: 'rollout-end';
  readonly rolloutId: string;
}

/**
 * What the counts of a shard need from elsewhere, noted in the shard's own stream when it was heard (design §3.2): from
 * then on it counts, so that restart, take-over, verify and `as of` agree. No public event, and no fact.
 */
export type ShardNoted = BuildsNoted | PullNoted | RolloutNoted | RolloutEndNoted;

/** What the build of a platform is. */
interface Meaning {
  /** The patch whose build it is, and the base below it. */
  runs?: { readonly patchId: string; readonly base: string };
  /** The patches whose base it is. */
  readonly isBaseOf: Set<string>;
}

/** What was noted so far: which build is of which patch, and what was pulled. */
export class ShardNotes {
  private readonly meanings = new Map<string, Meaning>();
  private readonly published = new Map<string, BuildsNoted[]>();
  private readonly pulls = new Map<string, PullNoted>();
  private readonly rollouts = new Map<string, RolloutNoted | RolloutEndNoted>();
  private readonly bases = new Map<string, Set<string>>();

  /** False when all of it was noted before, or a later pull of the patch. */
  add(note: ShardNoted): boolean {
    if (this.has(note)) return false;
    if (note.about === 'pull') {
      this.pulls.set(note.patchId, note);
      return true;
    }
    if (note.about !== 'builds') {
      this.rollouts.set(note.rolloutId, note);
      return true;
    }
    const { patchId, platform, builds } = note;
    this.published.set(patchId, [...(this.published.get(patchId) ?? []), note]);
    for (const { build, prerequisiteBuild: base } of builds) {
      this.meaningOf(platform, build).runs = { patchId, base };
      this.meaningOf(platform, base).isBaseOf.add(patchId);
      this.bases.set(patchId, (this.bases.get(patchId) ?? new Set<string>()).add(base));
    }
    return true;
  }

  /** True when the note would change nothing. */
  has(note: ShardNoted): boolean {
    if (note.about === 'pull') return (this.pulls.get(note.patchId)?.recallEpoch ?? -1) >= note.recallEpoch;
    if (note.about !== 'builds') {
      const known = this.rollouts.get(note.rolloutId)?.source;
      return known !== undefined && known.revision >= note.source.revision;
    }
    const { patchId, platform, builds } = note;
    const isKnown = ({ build, prerequisiteBuild }: NotedBuild) => {
      const runs = this.meanings.get(keyOf(platform, build))?.runs;
      return runs?.patchId === patchId && runs.base === prerequisiteBuild;
    };
    return this.published.has(patchId) && builds.every(isKnown);
  }

  /** True when the builds of the patch were noted. */
  knows(patchId: string): boolean {
    return this.published.has(patchId);
  }

  /** The patch whose build it is, undefined when it is none's. */
  patchOf(platform: Platform, build: string): string | undefined {
    return this.meanings.get(keyOf(platform, build))?.runs?.patchId;
  }

  /** The base of a device that reports the build: the prerequisite of the patch with that build, else the build itself. */
  baseOf(platform: Platform, build: string): string {
    return this.meanings.get(keyOf(platform, build))?.runs?.base ?? build;
  }

  /** The patches that devices with this build may be brought. */
  patchesOn(platform: Platform, build: string): Iterable<string> {
    return this.meanings.get(keyOf(platform, build))?.isBaseOf ?? [];
  }

  /** The rollout while harm is counted for it, undefined when it is not. */
  rolloutOf(rolloutId: string): RolloutNoted | undefined {
    const note = this.rollouts.get(rolloutId);
    return note?.about === 'rollout' ? note : undefined;
  }

  /** Whether the patch has a build for devices on this base. */
  isBaseOf(patchId: string, base: string): boolean {
    return this.bases.get(patchId)?.has(base) ?? false;
  }

  pullOf(patchId: string): PullNoted | undefined {
    return this.pulls.get(patchId);
  }

  /** All notes that count, in the order in which they came: what a shard is restored with. */
  copy(): readonly ShardNoted[] {
    return [...[...this.published.values()].flat(), ...this.pulls.values(), ...this.rollouts.values()];
  }

  private meaningOf(platform: Platform, build: string): Meaning {
    const key = keyOf(platform, build);
    const meaning = this.meanings.get(key) ?? { isBaseOf: new Set() };
    this.meanings.set(key, meaning);
    return meaning;
  }
}

function keyOf(platform: Platform, build: string): string {
  return `${platform}\u001f${build}`;
}
