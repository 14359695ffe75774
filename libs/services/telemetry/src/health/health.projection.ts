import { type HealthCell, type PatchHealth } from '@sluice/api';
import { type HealthBucketClosed, type HolderCount, rowsOf, type Slice, sliceKey, sum } from '@sluice/domain-cohorts';
import { Injectable } from '@nestjs/common';
import { type Commit, EventStore, type Follower, followStore } from '@sluice/event-sourcing';
import { ProblemError } from '@sluice/platform';
import { HEALTH_STREAMS } from '../publications.ts';
import { PatchSeries } from './patch-series.ts';

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
  readonly series: PatchSeries;
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

  /** How the counts of the patch came about, undefined while no bucket has told of it. Throws 'not-ready'. */
  seriesOf(patchId: string): { readonly through: string; readonly series: PatchSeries } | undefined {
    return this.known.get(patchId);
  }

  of(patchId: string): PatchHealth {
    const totals = this.known.get(patchId);
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

  /** Half of the history would look like all of it. */
  private get known(): ReadonlyMap<string, Totals> {
    const { caughtUp, failedBecause } = this.follower;
    if (!caughtUp || failedBecause !== undefined) throw new ProblemError('not-ready', 'the health is not all read yet');
    return this.patches;
  }

  private apply(bucket: HealthBucketClosed): void {
    const { installs, pending } = rowsOf(bucket);
    const at = Date.parse(bucket.to);
    for (const { patchId, slice, started, failed, fine } of installs) {
      const totals = this.totalsOf(patchId, bucket);
      totals.series.add(at, { started, failed, fine });
      const total = cellIn(totals, slice);
      total.trials += started;
      total.failures += failed;
      total.fine += fine;
    }
    for (const { patchId, slice, count } of pending)
      cellIn(this.totalsOf(patchId, bucket), slice).pending.set(bucket.shard, count);
    for (const line of bucket.holders) {
      const totals = this.totalsOf(line.patchId, bucket);
      const { removed, removalsFailed } = line;
      const before = totals.holders.get(bucket.shard)?.holders ?? 0;
      totals.series.add(at, { holders: line.holders - before, removed, removalsFailed });
      totals.holders.set(bucket.shard, line);
      totals.removed += line.removed;
      totals.removalsFailed += line.removalsFailed;
    }
  }

  private totalsOf(patchId: string, { to }: HealthBucketClosed): Totals {
    let totals = this.patches.get(patchId);
    if (totals === undefined) {
      const series = new PatchSeries();
      totals = { through: to, cells: new Map(), holders: new Map(), removed: 0, removalsFailed: 0, series };
      this.patches.set(patchId, totals);
    }
    if (to > totals.through) totals.through = to;
    return totals;
  }
}

function cellIn({ cells }: Totals, slice: Slice): CellTotals {
  const key = sliceKey(slice);
  const total = cells.get(key) ?? { slice, trials: 0, failures: 0, fine: 0, pending: new Map<number, number>() };
  cells.set(key, total);
  return total;
}

function cellOf(patchId: string, { slice, trials, failures, fine, pending }: CellTotals): HealthCell {
  return { patchId, ...slice, trials, failures, fine, pending: sum([...pending.values()]) };
}
