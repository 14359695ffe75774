import { bucketBy, type HealthBucketClosed } from '@sluice/domain-cohorts';
import { hash, randomUUID } from 'node:crypto';
import { Injectable, Logger } from '@nestjs/common';
import { type HealthEvent } from '@sluice/contracts/events';
import { type Immutable } from '@sluice/contracts/primitives';
import { closeBucket, announce, type AnnouncedHealth } from '@sluice/domain-fleet';
import { type ShardThrough } from '@sluice/event-feed';
import { Clock, EventStore, RevisionConflict } from '@sluice/event-sourcing';
import { Settings } from '@sluice/platform';
import { partsOf } from './bucket-parts.ts';
import { endOfCount, HealthThrough, throughOf } from './health-through.ts';
import { Fleet } from '../fleet/fleet.ts';
import { healthStream } from '../publications.ts';
import { ShardNotesProcess } from '../shard/shard-notes.process.ts';
import { type ShardWriter } from '../shard/shard-writer.ts';
import { telemetrySettings } from '../settings.ts';

const SECOND_MS = 1000;
const HOUR_MS = 3600 * SECOND_MS;
/** Of one event: what Kafka's default limit takes four times over. */
const PART_BYTES_MAX = 256 * 1024;

const bucketOf = bucketBy((text) => hash('sha256', text, 'binary'));

/** A bucket, or a part of one, that is closed but perhaps not in the store. Sent again under the same commit id, it is written once. */
interface ClosedBucket {
  readonly event: HealthBucketClosed;
  readonly commitId: string;
}

interface OpenBucket {
  readonly writer: ShardWriter;
  from: number;
  announced: AnnouncedHealth;
  /** Up to when all is counted, once `unwritten` is written. */
  countedMs: number;
  /** In the order in which they are written. */
  unwritten: readonly ClosedBucket[];
  writing: Promise<void>;
}

/**
 * Tells the health of each shard that is owned here, a bucket at a time. Each fact is counted in one bucket, also over
 * restarts and from owner to owner: a bucket says through which revision of the shard it counted, what comes after belongs
 * to the next, and of two owners the store takes one's next bucket only.
 */
@Injectable()
export class HealthBuckets {
  private readonly widthMs: number;
  private readonly longOfflineMs: number;
  private readonly log = new Logger('telemetry');
  private readonly buckets = new Map<number, OpenBucket>();
  private stopTicks: (() => void) | undefined;
  private tick: Promise<void> = Promise.resolve();

  constructor(
    private readonly store: EventStore,
    private readonly clock: Clock,
    private readonly fleet: Fleet,
    private readonly through: HealthThrough,
    private readonly notes: ShardNotesProcess,
    settings: Settings,
  ) {
    const own = settings.of(telemetrySettings);
    this.widthMs = own.healthBucketSeconds * SECOND_MS;
    this.longOfflineMs = own.longOfflineHours * HOUR_MS;
  }

  /** Goes on, in a shard, from what its buckets have told. */
  open(writer: ShardWriter, announced: AnnouncedHealth): void {
    const from = this.through.startOf(announced);
    const { shard } = writer;
    this.buckets.set(shard, { writer, from, announced, countedMs: from, unwritten: [], writing: Promise.resolve() });
    this.through.opened(shard, this.fleet.shards, announced);
  }

  /** Tells no more of a shard. Resolves with what its buckets have told; undefined when counts were taken but not told. */
  async close(shard: number): Promise<AnnouncedHealth | undefined> {
    const bucket = this.buckets.get(shard);
    this.buckets.delete(shard);
    await bucket?.writing;
    return bucket?.unwritten.length === 0 ? bucket.announced : undefined;
  }

  start(): void {
    this.stopTicks = this.clock.onTick((nowMs) => (this.tick = this.closeDue(nowMs)));
  }

  async stop(): Promise<void> {
    this.stopTicks?.();
    await this.tick;
  }

  /** What the buckets of an open shard have told; undefined when counts were taken but not told. */
  announcedOf(shard: number): AnnouncedHealth | undefined {
    const bucket = this.buckets.get(shard);
    return bucket?.unwritten.length === 0 ? bucket.announced : undefined;
  }

  private async closeDue(now: number): Promise<void> {
    const through: ShardThrough[] = [];
    for (const [shard, bucket] of [...this.buckets]) {
      // While one shard is written, another may go.
      if (this.buckets.get(shard) !== bucket || now - bucket.from < this.widthMs) continue;
      // Until what the catalog says is noted, a patched device would be counted under the build of its patch.
      if (!this.notes.areComplete(bucket.writer)) continue;
      if (bucket.unwritten.length === 0) bucket.unwritten = this.closeBucket(bucket, now);
      if (bucket.unwritten.length === 0) bucket.from = now;
      else await (bucket.writing = this.writeAll(shard, bucket));
      // Of a bucket in parts, the last one counts.
      if (bucket.unwritten.length === 0)
        through.push(throughOf(shard, this.fleet.shards, bucket.announced, bucket.countedMs));
    }
    this.through.counted(through);
  }

  private closeBucket(bucket: OpenBucket, to: number): ClosedBucket[] {
    const { writer, from, announced } = bucket;
    bucket.countedMs = endOfCount(writer, to);
    const { shards, reportingDeadlineMs } = this.fleet;
    const event = closeBucket(writer.state, announced, {
      shard: writer.shard,
      shards,
      from,
      to,
      throughRevision: writer.revision,
      reportingDeadlineMs,
      longOfflineMs: this.longOfflineMs,
      bucketOf,
    });
    const parts = event === undefined ? [] : partsOf(event, PART_BYTES_MAX);
    return parts.map((part) => ({ event: part, commitId: randomUUID() }));
  }

  private async writeAll(shard: number, bucket: OpenBucket): Promise<void> {
    for (const part of bucket.unwritten) {
      if (!(await this.write(shard, bucket, part))) return;
      bucket.unwritten = bucket.unwritten.slice(1);
    }
    bucket.from = bucket.announced.to;
  }

  /** False when it could not be written. */
  private async write(shard: number, bucket: OpenBucket, { event, commitId }: ClosedBucket): Promise<boolean> {
    // It is published as it is: the type says that the domain's bucket is the public one.
    const published: Immutable<HealthEvent> = event;
    try {
      await this.store.append({
        stream: healthStream(shard),
        expected: bucket.announced.buckets === 0 ? 'no-stream' : bucket.announced.buckets - 1,
        commitId,
        metadata: { actor: 'telemetry', correlationId: commitId },
        body: { kind: 'events', events: [published] },
      });
    } catch (error) {
      // Its counts are taken from the shard, so the bucket is kept and written at the next tick.
      this.log.error(`the health of shard ${String(shard)} could not be written: ${String(error)}`);
      if (error instanceof RevisionConflict && this.buckets.get(shard) === bucket) this.fleet.giveBack(shard);
      return false;
    }
    bucket.announced = announce(bucket.announced, event);
    return true;
  }
}
