import { Injectable, Logger } from '@nestjs/common';
import { type ShardKeeper } from '@sluice/event-feed';
import { EventStore } from '@sluice/event-sourcing';
import { ProblemError } from '@sluice/platform';
import { DeviceNames } from './device-names.ts';
import { Fleet } from '../fleet/fleet.ts';
import { HealthBuckets } from '../health/health-buckets.process.ts';
import { Peers } from './peers.ts';
import { catchUp, type ShardAsOf, unread } from './shard-fold.ts';
import { type PackedSnapshot, packSnapshot, readSnapshot } from './shard-snapshot.ts';
import { type ShardWriter } from './shard-writer.ts';

/** A shard that was given up is kept as it was for this long, for whoever takes it over. */
const SNAPSHOT_KEPT_MS = 10 * 60_000;
/** Shards that are taken over at the same time: each may need as much memory for its snapshot as for itself. */
const TAKEOVERS_AT_ONCE_MAX = 2;
const PROGRESS_EVERY_MS = 2_000;

interface Kept extends ShardAsOf {
  readonly expiry: NodeJS.Timeout;
}

/** How shards come to this instance and go: by snapshot and catch-up where there is one, else by the whole stream. */
@Injectable()
export class ShardTakeover implements ShardKeeper {
  private readonly log = new Logger('telemetry');
  private readonly kept = new Map<number, Kept>();
  private readonly leaving = new Map<number, Promise<void>>();
  private readonly waiting: (() => void)[] = [];
  private running = 0;

  constructor(
    private readonly store: EventStore,
    readonly fleet: Fleet,
    private readonly health: HealthBuckets,
    private readonly peers: Peers,
    private readonly names: DeviceNames,
  ) {}

  /** Resolves when this instance takes part; whether it has its shards by then is up to the ownership. */
  async start(): Promise<void> {
    await this.fleet.ownership.start(this.fleet.shards, this);
    this.health.start();
  }

  async stop(): Promise<void> {
    await this.health.stop();
    await this.fleet.ownership.stop();
  }

  async gain(shard: number, isWanted: () => boolean): Promise<void> {
    if (this.running >= TAKEOVERS_AT_ONCE_MAX) await new Promise<void>((resolve) => this.waiting.push(resolve));
    else this.running += 1;
    try {
      if (!isWanted()) throw new Error(`shard ${String(shard)} is no longer wanted`);
      if (this.fleet.writer(shard) === undefined) await this.takeOver(shard);
    } finally {
      const next = this.waiting.shift();
      // Whoever waits takes over the place of this one.
      if (next === undefined) this.running -= 1;
      else next();
    }
  }

  async lose(shard: number): Promise<void> {
    const writer = this.fleet.close(shard);
    if (writer === undefined) return;
    const left = this.leave(writer).finally(() => this.leaving.delete(shard));
    this.leaving.set(shard, left);
    await left;
  }

  /** The shard for its next owner, as of the last commit here. Throws 'shard-without-owner' when it is not known here. */
  async snapshot(shard: number): Promise<PackedSnapshot> {
    await this.leaving.get(shard);
    const writer = this.fleet.writer(shard);
    const announced = this.health.announcedOf(shard);
    const found =
      writer !== undefined && announced !== undefined ? { fold: writer.fold, announced } : this.kept.get(shard);
    if (found === undefined)
      throw new ProblemError('shard-without-owner', `no snapshot of shard ${String(shard)} here`);
    return packSnapshot(shard, found);
  }

  /** Lets go of everything: the process ends, or at least this service in it. */
  forget(): void {
    for (const shard of [...this.kept.keys()]) this.takeKept(shard);
    for (const { state } of this.fleet.owned()) this.names.remove(state);
  }

  private async takeOver(shard: number): Promise<void> {
    const kept = this.takeKept(shard);
    const taken =
      (kept && (await this.goOn(shard, kept, 'the snapshot kept here'))) ??
      (await this.goOnFromFormerOwner(shard)) ??
      (await this.goOn(shard, unread(), 'nothing'));
    if (taken === undefined) throw new Error(`the streams of shard ${String(shard)} do not fit together`);
    const writer = this.fleet.open(shard, taken.fold);
    this.health.open(writer, taken.announced);
    this.names.add(writer.state);
  }

  private async leave(writer: ShardWriter): Promise<void> {
    const { shard, fold } = writer;
    await writer.close();
    const announced = await this.health.close(shard);
    if (announced === undefined) {
      this.names.remove(fold.state);
      return;
    }
    const expiry = setTimeout(() => this.takeKept(shard), SNAPSHOT_KEPT_MS).unref();
    this.kept.set(shard, { fold, announced, expiry });
  }

  private takeKept(shard: number): ShardAsOf | undefined {
    const kept = this.kept.get(shard);
    if (kept === undefined) return undefined;
    clearTimeout(kept.expiry);
    this.kept.delete(shard);
    this.names.remove(kept.fold.state);
    return kept;
  }

  private async goOnFromFormerOwner(shard: number): Promise<ShardAsOf | undefined> {
    const owner = this.fleet.ownership.ownerOf(shard);
    if (owner === undefined || owner.isSelf) return undefined;
    try {
      const bytes = await this.peers.snapshot(owner, shard);
      if (bytes === undefined) return undefined;
      return await this.goOn(shard, readSnapshot(shard, bytes), `the snapshot of ${owner.instance}`);
    } catch (error) {
      this.log.warn(`the snapshot of shard ${String(shard)} at ${owner.instance} is not used: ${String(error)}`);
      return undefined;
    }
  }

  private async goOn(shard: number, from: ShardAsOf, what: string): Promise<ShardAsOf | undefined> {
    const { reportingDeadlineMs } = this.fleet;
    const before = from.fold.last.revision;
    let said = performance.now();
    const onFacts = (facts: number) => {
      if (performance.now() - said < PROGRESS_EVERY_MS) return;
      said = performance.now();
      this.log.warn(`building shard ${String(shard)} from the store: ${String(facts)} facts so far`);
    };
    const found = await catchUp(this.store, shard, { from, reportingDeadlineMs, onFacts });
    if (typeof found === 'string') {
      this.log.warn(`${what} of shard ${String(shard)} is thrown away: ${found}`);
      return undefined;
    }
    this.log.log(
      `shard ${String(shard)} goes on from ${what}, with ${String(found.fold.last.revision - before)} commits since`,
    );
    return found;
  }
}
