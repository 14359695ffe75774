import { type ShardThrough } from '@sluice/event-feed';
import { toTimeText } from '@sluice/event-sourcing';
import { type GatesView } from '../gates/gates.projection.ts';

/**
 * Health may be two buckets old and a minute, or ten seconds of the wall's time, whichever is longer (design §3.4); the latter
 * is longer on an accelerated clock only.
 */
const SLACK_MS = 60_000;
const WALL_AGE_MS_MAX = 10_000;
const BUCKETS_MAX = 2;
/** Ticks that are remembered, to know what domain time it was ten seconds ago. */
const TICKS_MAX = 1_000;

/** Up to when the health of the fleet is known, and whether that is recent enough to widen. */
export interface FleetHealth {
  /** The smallest instant over all shards; undefined while some shard has said nothing that is applied. */
  readonly throughMs: number | undefined;
  readonly isCurrent: boolean;
  readonly words: string;
}

/**
 * Puts together what the shards say: a sign counts once the revision of `health-<shard>` that it names is applied; until
 * then the one before it does.
 */
export class HealthThrough {
  private readonly ageMsMax: number;
  private readonly counted = new Map<number, ShardThrough>();
  private readonly ticks: { readonly domainMs: number; readonly monotonicMs: number }[] = [];
  private tenSecondsAgoMs = Infinity;

  constructor(bucketMs: number) {
    this.ageMsMax = BUCKETS_MAX * bucketMs + SLACK_MS;
  }

  /** For clocks that run faster than the wall's. */
  tick(domainMs: number, monotonicMs: number): void {
    this.ticks.push({ domainMs, monotonicMs });
    while (
      this.ticks.length > TICKS_MAX ||
      (this.ticks[1] && monotonicMs - this.ticks[1].monotonicMs > WALL_AGE_MS_MAX)
    ) {
      this.ticks.shift();
    }
    const [oldest] = this.ticks;
    this.tenSecondsAgoMs = oldest?.domainMs ?? Infinity;
  }

  of(signs: readonly ShardThrough[], gates: GatesView, nowMs: number): FleetHealth {
    let [shards, known, throughMs] = [0, 0, Infinity];
    for (const sign of signs) {
      shards = Math.max(shards, sign.shards);
      if (gates.appliedRevision(sign.shard) >= sign.revision) this.counted.set(sign.shard, sign);
      const counted = this.counted.get(sign.shard);
      if (counted === undefined) continue;
      known += 1;
      throughMs = Math.min(throughMs, counted.throughMs);
    }
    if (shards === 0) return unknown('telemetry has not said up to when the health is known');
    if (known < shards) {
      return unknown(`the health of ${String(shards - known)} of ${String(shards)} shards is not known`);
    }
    const isCurrent = throughMs >= Math.min(nowMs - this.ageMsMax, this.tenSecondsAgoMs);
    return { throughMs, isCurrent, words: `the health of the fleet is known up to ${toTimeText(throughMs)} only` };
  }
}

function unknown(words: string): FleetHealth {
  return { throughMs: undefined, isCurrent: false, words };
}
