import { type BucketOf, type HealthBucketClosed, MINUTE_MS } from '@sluice/domain-cohorts';
import {
  announce,
  type BucketClosing,
  closeBucket,
  type FactKind,
  FactPacker,
  FleetShard,
  nothingAnnounced,
  type NotedBuild,
  readPackedFacts,
  type RolloutNoted,
  type Said,
} from '@sluice/domain-fleet';

/** Facts are packed into commits of so many at most. */
const FACTS_MAX = 50_000;
const REPORTING_DEADLINE_MS = 240 * MINUTE_MS;
const LONG_OFFLINE_MS = 72 * 60 * MINUTE_MS;

/** A report, as intake takes it. */
export interface PlayedReport {
  readonly kind: FactKind;
  readonly deviceHash: string;
  /** Needed where the shard has not heard of the device before. */
  readonly deviceId: string | undefined;
  readonly said: Said;
}

/** One shard of telemetry without its store: the real fold of what devices report, and the buckets that it closes. */
export class PlayedShard {
  private readonly state = new FleetShard();
  private readonly packer = new FactPacker();
  private announced = nothingAnnounced;
  private reports = 0;

  constructor(
    private readonly bucketOf: BucketOf,
    private readonly shards = 1,
  ) {}

  noteBuilds(patchId: string, builds: readonly NotedBuild[]): void {
    const source = { stream: `patch-${patchId}`, revision: 0, index: 0 };
    this.state.note({ type: 'ShardNoted', about: 'builds', patchId, platform: 'ios', builds, source });
  }

  noteRollout(rollout: Pick<RolloutNoted, 'rolloutId' | 'patchId' | 'salt' | 'startedAt' | 'waves'>): void {
    const source = { stream: `rollout-${rollout.rolloutId}`, revision: 0, index: 0 };
    this.state.note({ type: 'ShardNoted', about: 'rollout', ...rollout, source });
  }

  /** How many buckets had anything to tell. */
  get buckets(): number {
    return this.announced.buckets;
  }

  /** Takes a report that is received when it happens, in ms since 1970. */
  report({ kind, deviceHash, deviceId, said }: PlayedReport, atMs: number): void {
    if (this.packer.count === FACTS_MAX) this.commit();
    this.reports += 1;
    const ids = { deviceHash, deviceId, reportHash: String(this.reports).padStart(8, '0'), content: 0 };
    this.packer.add({ kind, ...ids, occurredAt: atMs, receivedAt: atMs, clockAhead: false, said });
  }

  /** Folds what was reported. */
  commit(): void {
    if (this.packer.count > 0) this.state.apply(readPackedFacts(this.packer.finish().bytes));
  }

  /** Folds what was reported, and closes the bucket of it; undefined where there is nothing to tell. */
  close(ends: Pick<BucketClosing, 'from' | 'to'>, throughRevision = 0): HealthBucketClosed | undefined {
    this.commit();
    const bucket = closeBucket(this.state, this.announced, {
      ...{ shard: 0, shards: this.shards, throughRevision, ...ends, bucketOf: this.bucketOf },
      ...{ reportingDeadlineMs: REPORTING_DEADLINE_MS, longOfflineMs: LONG_OFFLINE_MS },
    });
    if (bucket !== undefined) this.announced = announce(this.announced, bucket);
    return bucket;
  }
}
