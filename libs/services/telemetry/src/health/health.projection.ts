import {
  type HealthBucketClosed,
  type HealthCell,
  type HolderCount,
  type Slice,
  sliceKey,
  sum,
} from '@sluice/domain-cohorts';
import { Injectable } from '@nestjs/common';
import { type Commit, EventStore, type Follower, followStore } from '@sluice/event-sourcing';
import { HEALTH_STREAMS } from '../publications.ts';

/** The health of one patch over all shards and buckets so far. */
export interface PatchHealth {
  readonly patchId: string;
  /** The end of the latest bucket that told of the patch, absent while none has. */
  readonly through?: string;
  readonly cells: readonly HealthCell[];
  readonly holders: Pick<HolderCount, 'holders' | 'removed' | 'removalsFailed'>;
}

interface CellTotals {
  readonly slice: Slice;
  trials: number;
  failures: number;
  fine: number;
  /** Absolute, as each shard told it last. */
  readonly pending: Map<number, number>;
}

interface Totals {
  through: string;
  readonly cells: Map<string, CellTotals>;
  /** The last line of each shard, which is absolute. */
  readonly holders: Map<number, HolderCount>;
  removed: number;
  removalsFailed: number;
}

const nothing = { holders: 0, removed: 0, removalsFailed: 0 };

/** Adds up the health buckets of all shards per patch, for queries; whoever wrote them, any instance knows the same. */
@Injectable()
export class HealthTotals {
  readonly follower: Follower<Commit>;
  private readonly patches = new Map<string, Totals>();

  constructor(store: EventStore) {
    this.follower = followStore(store, {
      kind: 'projection',
      name: 'telemetry-health',
      streams: HEALTH_STREAMS,
      apply: ({ body }) => {
        for (const bucket of body.kind === 'events' ? (body.events as readonly HealthBucketClosed[]) : []) {
          this.apply(bucket);
        }
      },
    });
  }

  of(patchId: string): PatchHealth {
    const totals = this.patches.get(patchId);
    if (totals === undefined) return { patchId, cells: [], holders: nothing };
    const { through, cells, holders, removed, removalsFailed } = totals;
    const held = sum([...holders.values()].map((line) => line.holders));
    return {
      patchId,
      through,
      cells: [...cells.values()].map((cell) => cellOf(patchId, cell)),
      holders: { holders: held, removed, removalsFailed },
    };
  }

  private apply(bucket: HealthBucketClosed): void {
    for (const cell of bucket.cells) addCell(this.totalsOf(cell.patchId, bucket), cell, bucket.shard);
    for (const line of bucket.holders) {
      const totals = this.totalsOf(line.patchId, bucket);
      totals.holders.set(bucket.shard, line);
      totals.removed += line.removed;
      totals.removalsFailed += line.removalsFailed;
    }
  }

  private totalsOf(patchId: string, { to }: HealthBucketClosed): Totals {
    let totals = this.patches.get(patchId);
    if (totals === undefined) {
      totals = { through: to, cells: new Map(), holders: new Map(), removed: 0, removalsFailed: 0 };
      this.patches.set(patchId, totals);
    }
    if (to > totals.through) totals.through = to;
    return totals;
  }
}

function addCell({ cells }: Totals, cell: HealthCell, shard: number): void {
  const { platform, model, base, trials, failures, fine = 0, pending } = cell;
  const slice = { platform, model, base };
  const total = cells.get(sliceKey(slice)) ?? {
    slice,
    trials: 0,
    failures: 0,
    fine: 0,
    pending: new Map<number, number>(),
  };
  cells.set(sliceKey(slice), total);
  total.trials += trials;
  total.failures += failures;
  total.fine += fine;
  if (pending !== undefined) total.pending.set(shard, pending);
}

function cellOf(patchId: string, { slice, trials, failures, fine, pending }: CellTotals): HealthCell {
  return { patchId, ...slice, trials, failures, fine, pending: sum([...pending.values()]) };
}
