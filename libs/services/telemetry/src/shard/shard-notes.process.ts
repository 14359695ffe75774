import { randomUUID } from 'node:crypto';
import { Injectable, Logger } from '@nestjs/common';
import { type ShardNoted } from '@sluice/domain-fleet';
import { Clock } from '@sluice/event-sourcing';
import { CatalogView } from '../fleet/catalog-view.projection.ts';
import { RolloutsView } from '../fleet/rollouts-view.projection.ts';
import { Fleet } from '../fleet/fleet.ts';
import { COMMIT_BYTES_MAX, type ShardWriter } from './shard-writer.ts';

/**
 * Notes in each shard that is owned here what its counts need from elsewhere, when it is heard (design §3.2). What a
 * shard has noted is in its state, so that nothing is lost, nor noted twice, when this process ends at any point.
 */
@Injectable()
export class ShardNotesProcess {
  private readonly log = new Logger('telemetry');
  /** How many of the notes of each source the shards have. */
  private readonly noted = new Map<Source, WeakMap<ShardWriter, number>>();
  private readonly writing = new Map<ShardWriter, Promise<void>>();
  private stopTicks: (() => void) | undefined;

  constructor(
    private readonly fleet: Fleet,
    private readonly catalog: CatalogView,
    private readonly rollouts: RolloutsView,
    private readonly clock: Clock,
  ) {}

  /** Notes what is heard from now on, and at each tick what could not be noted before. */
  start(): void {
    for (const source of this.sources()) source.onNotes(() => this.noteAll());
    this.stopTicks = this.clock.onTick(() => this.noteAll());
  }

  async stop(): Promise<void> {
    this.stopTicks?.();
    await this.idle();
  }

  /** Resolves when nothing is on its way into a shard. */
  async idle(): Promise<void> {
    while (this.writing.size > 0) await Promise.all(this.writing.values());
  }

  /** True when the shard has noted all that the catalog says. Nothing waits for what is to be heard of rollouts. */
  areComplete(writer: ShardWriter): boolean {
    return this.catalog.follower.caughtUp && this.hasAllOf(this.catalog, writer);
  }

  private sources(): readonly Source[] {
    return [this.catalog, this.rollouts];
  }

  private hasAllOf(source: Source, writer: ShardWriter): boolean {
    return this.countOf(source, writer) === source.notes.length;
  }

  private countOf(source: Source, writer: ShardWriter): number {
    return this.noted.get(source)?.get(writer) ?? 0;
  }

  private noteAll(): void {
    for (const writer of this.fleet.owned()) {
      if (this.writing.has(writer) || this.sources().every((source) => this.hasAllOf(source, writer))) continue;
      const written = this.note(writer).finally(() => this.writing.delete(writer));
      this.writing.set(writer, written);
    }
  }

  private async note(writer: ShardWriter): Promise<void> {
    for (const source of this.sources()) await this.noteFrom(source, writer);
  }

  private async noteFrom(source: Source, writer: ShardWriter): Promise<void> {
    while (!this.hasAllOf(source, writer)) {
      // More may be heard while these are written.
      const through = source.notes.length;
      const missing = source.notes
        .slice(this.countOf(source, writer), through)
        .filter((note) => !writer.state.notes.has(note));
      try {
        for (const part of partsOf(missing))
          await writer.note(part, { actor: 'telemetry', correlationId: randomUUID() });
      } catch (error) {
        this.log.error(`what others say could not be noted in shard ${String(writer.shard)}: ${String(error)}`);
        return;
      }
      const counts = this.noted.get(source) ?? new WeakMap<ShardWriter, number>();
      this.noted.set(source, counts.set(writer, through));
    }
  }
}

/** Whoever has notes for the shards. */
type Source = CatalogView | RolloutsView;

/** The notes in as many commits as they need. */
function partsOf(notes: readonly ShardNoted[]): ShardNoted[][] {
  const parts: ShardNoted[][] = [];
  let bytes = Infinity;
  for (const note of notes) {
    const more = Buffer.byteLength(JSON.stringify(note));
    if (bytes + more > COMMIT_BYTES_MAX) {
      parts.push([]);
      bytes = 0;
    }
    parts.at(-1)?.push(note);
    bytes += more;
  }
  return parts;
}
