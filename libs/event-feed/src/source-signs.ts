/** Up to when the health of one shard is counted, and with which revision of `health-<shard>`. */
export interface ShardThrough {
  readonly shard: number;
  /** How many shards the fleet has. */
  readonly shards: number;
  /** Domain time, milliseconds since 1970. */
  readonly throughMs: number;
  /** -1 while the shard has no bucket. */
  readonly revision: number;
}

/** A stop that is in force in the memory of its source, but not stored yet. */
export interface UnstoredStop {
  readonly patchId: string;
  readonly mode: 'withdraw' | 'recall';
  readonly reason: string;
  /** RFC 3339, when the stop was ordered. */
  readonly at: string;
}

/** What a source says of itself beside its events: the latest values, which are not history. */
export interface SourceSigns {
  /** False from the moment that the source fails to write to its store until it succeeds again. */
  readonly writable: boolean;
  /** Ordered by shard; a shard of which nothing is known is absent. */
  readonly through: readonly ShardThrough[];
  readonly stops: readonly UnstoredStop[];
}

const noSigns: SourceSigns = { writable: true, through: [], stops: [] };

/**
 * What this process says of itself: its services write here, and the feed carries it to consumers. One object a process;
 * where several services share the process and its store, they share it too.
 */
export class OwnSigns {
  private signs = noSigns;
  private readonly listeners = new Set<() => void>();

  current(): SourceSigns {
    return this.signs;
  }

  setWritable(writable: boolean): void {
    if (writable !== this.signs.writable) this.change({ writable });
  }

  /**
   * The latest of some shards; the others keep what they have, also those that this process no longer owns. What lies
   * before the present value of a shard is dropped.
   */
  setThrough(through: readonly ShardThrough[]): void {
    const merged = mergeThrough(this.signs.through, through);
    if (merged !== this.signs.through) this.change({ through: merged });
  }

  /** All stops that wait for the store, in place of those before. */
  setStops(stops: readonly UnstoredStop[]): void {
    if (stops.length > 0 || this.signs.stops.length > 0) this.change({ stops: [...stops] });
  }

  /** Calls the listener after each change. Returns how to end that. */
  onChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private change(changed: Partial<SourceSigns>): void {
    this.signs = { ...this.signs, ...changed };
    for (const listener of this.listeners) listener();
  }
}

/**
 * The later of what is known of each shard, by revision and then by time: a late answer of a former owner changes nothing.
 * Returns `known` itself when nothing in `received` is later.
 */
export function mergeThrough(
  known: readonly ShardThrough[],
  received: readonly ShardThrough[],
): readonly ShardThrough[] {
  const merged = new Map(known.map((each) => [each.shard, each]));
  let isChanged = false;
  for (const each of received) {
    const before = merged.get(each.shard);
    if (before !== undefined && !isLater(each, before)) continue;
    merged.set(each.shard, each);
    isChanged = true;
  }
  return isChanged ? [...merged.values()].sort((one, other) => one.shard - other.shard) : known;
}

function isLater(one: ShardThrough, other: ShardThrough): boolean {
  return one.revision === other.revision ? one.throughMs > other.throughMs : one.revision > other.revision;
}
