import { randomUUID } from 'node:crypto';
import { Injectable, Logger } from '@nestjs/common';
import { type HealthEvent } from '@sluice/contracts';
import { closeBucket, type HealthBucketClosed, tellHealth, type ToldHealth } from '@sluice/domain-fleet';
import { Clock, EventStore } from '@sluice/event-sourcing';
import { Settings } from '@sluice/platform';
import { Fleet } from './fleet.ts';
import { HealthTotals } from './health.projection.ts';
import { healthStream } from './publications.ts';
import { type ShardWriter } from './shard-writer.ts';

const SECOND_MS = 1000;
const HOUR_MS = 3600 * SECOND_MS;

interface OpenBucket {
  from: number;
  told: ToldHealth;
  /** A bucket that is closed but not in the store, because the store could not take it. */
  unwritten: HealthBucketClosed | undefined;
}

/**
 * Tells the health of each shard, a bucket at a time. Each fact is counted in one bucket, also over restarts: a bucket
 * says through which revision of the shard it counted, and what comes after belongs to the next.
 */
@Injectable()
export class HealthBuckets {
  /** What all buckets together tell, those of this process included. */
  readonly totals = new HealthTotals();
  private readonly widthMs: number;
  private readonly longOfflineMs: number;
  private readonly log = new Logger('telemetry');
  private open: readonly OpenBucket[] = [];
  private stopTicks: (() => void) | undefined;
  private tick: Promise<void> = Promise.resolve();

  constructor(
    private readonly store: EventStore,
    private readonly clock: Clock,
    private readonly fleet: Fleet,
    settings: Settings,
  ) {
    this.widthMs = settings.values.healthBucketSeconds * SECOND_MS;
    this.longOfflineMs = settings.values.longOfflineHours * HOUR_MS;
  }

  /** Goes on from what the buckets of each shard have told. */
  start(told: readonly ToldHealth[]): void {
    const now = this.clock.now();
    this.open = told.map((each) => ({
      from: each.buckets === 0 ? now : each.to,
      told: each,
      unwritten: undefined,
    }));
    this.stopTicks = this.clock.onTick((at) => (this.tick = this.closeDue(at)));
  }

  async stop(): Promise<void> {
    this.stopTicks?.();
    await this.tick;
  }

  private async closeDue(now: number): Promise<void> {
    // Until the catalog was heard, a patched device would be counted under the build of its patch.
    if (!this.fleet.catalog.follower.caughtUp) return;
    for (const writer of this.fleet.writers) {
      const bucket = this.open[writer.shard];
      if (bucket === undefined || now - bucket.from < this.widthMs) continue;
      bucket.unwritten ??= this.close(writer, bucket, now);
      if (bucket.unwritten === undefined) bucket.from = now;
      else await this.write(writer.shard, bucket, bucket.unwritten);
    }
  }

  private close(writer: ShardWriter, { from, told }: OpenBucket, to: number): HealthBucketClosed | undefined {
    const { writers, catalog, reportingDeadlineMs } = this.fleet;
    return closeBucket(writer.state, told, {
      shard: writer.shard,
      shards: writers.length,
      from,
      to,
      throughRevision: writer.revision,
      reportingDeadlineMs,
      longOfflineMs: this.longOfflineMs,
      baseOf: catalog.baseOf,
      recallEpochs: catalog.recallEpochs,
    });
  }

  private async write(shard: number, bucket: OpenBucket, event: HealthBucketClosed): Promise<void> {
    const commitId = randomUUID();
    // It is published as it is: the type says that the domain's bucket is the public one.
    const published: HealthEvent = event;
    try {
      await this.store.append({
        stream: healthStream(shard),
        expected: bucket.told.buckets === 0 ? 'no-stream' : bucket.told.buckets - 1,
        commitId,
        metadata: { actor: 'telemetry', correlationId: commitId },
        body: { kind: 'events', events: [published] },
      });
    } catch (error) {
      // Its counts are taken from the shard, so the bucket is kept and written at the next tick.
      this.log.error(`the health of shard ${String(shard)} could not be written: ${String(error)}`);
      return;
    }
    bucket.unwritten = undefined;
    bucket.told = tellHealth(bucket.told, event);
    bucket.from = bucket.told.to;
    this.totals.apply(event);
  }
}
