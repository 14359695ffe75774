import { columnsOf, type HealthBucketClosed, rowsOf, sliceKey, type Slice } from '@sluice/domain-cohorts';
import {
  devicesIn,
  emptyCensus,
  emptyGateLedger,
  emptyRemovalLedger,
  foldCensus,
  foldGateLedger,
  foldRemovalLedger,
  type GateEvent,
  type GateVerdict,
  outageFor,
  type RemovalVerdict,
  removalVerdictOn,
  restartDue,
  type Rollout,
  rolloutDecider,
  verdictOn,
} from '@sluice/domain-rollout';
import { Random } from '@sluice/simulation';
import { isDeepStrictEqual } from 'node:util';

/** What a verdict is asked on: a rollout, or the recall of a patch. */
type Asked = { readonly rolloutId: string } | { readonly patchId: string };
type Outage = ReturnType<typeof outageFor>;
/** What was found: a verdict, and the outage of the package server, where there is one. */
type Found = readonly [verdict: GateVerdict | RemovalVerdict | undefined, outage: Outage];
type Entry = { readonly event: GateEvent } | { readonly asked: Asked; readonly found: Found };

/** What the gates folded in one played history, and each verdict that they gave meanwhile. */
export class Tape {
  readonly entries: Entry[] = [];

  fold(event: GateEvent): void {
    this.entries.push({ event });
  }

  found(asked: Asked, verdict: GateVerdict | RemovalVerdict, outage?: Outage): void {
    this.entries.push({ asked, found: [verdict, outage] });
  }
}

/** The shards over which a bucket is spread to try another order of them. */
const SHARDS = 4;
/** `stored`: from JSON as a store keeps it. `spread`: over shards as well, whose buckets come in another order each time. */
const ways = ['stored', 'spread'] as const;

/**
 * How a history was folded when its verdicts came out otherwise, and at which verdict, or that it has none; undefined when all are
 * the same to the bit.
 */
export function replayDifference({ entries }: Tape, seed: number): string | undefined {
  if (!entries.some((entry) => 'asked' in entry)) return 'no verdict was asked';
  for (const way of ways) {
    const [replay, random] = [new Replay(), Random.seeded(seed)];
    let verdicts = 0;
    for (const entry of entries) {
      if ('event' in entry) {
        const event = JSON.parse(JSON.stringify(entry.event)) as GateEvent;
        for (const part of partsOf(event, way, random)) replay.fold(part);
        continue;
      }
      verdicts += 1;
      if (!isDeepStrictEqual(replay.find(entry.asked), entry.found)) return `${way}: verdict ${String(verdicts)}`;
    }
  }
  return undefined;
}

class Replay {
  private readonly gates = emptyGateLedger();
  private readonly removals = emptyRemovalLedger();
  private readonly census = emptyCensus();
  private readonly rollouts = new Map<string, Rollout>();

  fold(event: GateEvent): void {
    foldGateLedger(this.gates, event);
    if (event.type === 'HealthBucketClosed') foldCensus(this.census, event);
    if (event.type === 'HealthBucketClosed' || 'recallEpoch' in event) foldRemovalLedger(this.removals, event);
    if (!('rolloutId' in event)) return;
    const state = this.rollouts.get(event.rolloutId) ?? rolloutDecider.initialState;
    this.rollouts.set(event.rolloutId, rolloutDecider.evolve(state, event));
  }

  find(asked: Asked): Found {
    if ('patchId' in asked) return [removalVerdictOn(this.removals, asked.patchId), undefined];
    const rollout = this.rollouts.get(asked.rolloutId);
    if (rollout === undefined || !('exposure' in rollout)) return [undefined, undefined];
    restartDue(this.gates);
    const devicesOf = (slice: Slice) => devicesIn(this.census, slice);
    return [verdictOn(this.gates, rollout, { devicesOf }), outageFor(this.gates, rollout.plan.patchId)];
  }
}

function partsOf(event: GateEvent, way: (typeof ways)[number], random: Random): GateEvent[] {
  if (event.type !== 'HealthBucketClosed' || way === 'stored') return [event];
  const parts = Array.from({ length: SHARDS }, (_, shard) => partOf(event, shard));
  return shuffled(parts, random);
}

/** What one of the shards would have counted of a bucket. What is told as it is, and not as it changed, keeps its shard. */
function partOf(bucket: HealthBucketClosed, shard: number): HealthBucketClosed {
  const { installs, pending, unreached, harm, removals } = rowsOf(bucket);
  const isMine = (_: unknown, row: number) => row % SHARDS === shard;
  const isAlways = (slice: Slice) => sliceKey(slice).length % SHARDS === shard;
  const rows = {
    installs: installs.filter(isMine),
    pending: pending.filter(({ slice }) => isAlways(slice)),
    unreached: unreached.filter(isMine),
    harm: harm.filter(isMine),
    removals: removals.filter(isMine),
  };
  const populations = bucket.populations.filter((population) => isAlways(population));
  const { harm: _harm, removals: _removals, ...others } = bucket;
  return { ...others, ...columnsOf(rows), shard, shards: SHARDS, populations };
}

function shuffled<Item>(items: readonly Item[], random: Random): Item[] {
  const places = items.map((item) => ({ item, place: random.fraction() }));
  return places.sort((left, right) => left.place - right.place).map(({ item }) => item);
}
