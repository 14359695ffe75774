import { randomUUID } from 'node:crypto';
import { Injectable, Logger } from '@nestjs/common';
import { type ShardNoted } from '@sluice/domain-fleet';
import { Clock } from '@sluice/event-sourcing';
import { CatalogView } from '../fleet/catalog-view.projection.ts';
import { Fleet } from '../fleet/fleet.ts';
import { COMMIT_BYTES_MAX, type ShardWriter } from './shard-writer.ts';

/**
 * Notes in each shard that is owned here what its counts need from the catalog, when it is heard (design §3.2). What a
 * shard has noted is in its state, so that nothing is lost, nor noted twice, when this process ends at any point.
 */
@Injectable()
export class ShardNotesProcess {
  private readonly log = new Logger('telemetry');
  /** How many of the catalog's notes each shard has. */
  private readonly noted = new WeakMap<ShardWriter, number>();
  private readonly writing = new Map<ShardWriter, Promise<void>>();
  private stopTicks: (() => void) | undefined;

  constructor(
    private readonly fleet: Fleet,
    private readonly catalog: CatalogView,
    private readonly clock: Clock,
  ) {}

  /** Notes what is heard from now on, and at each tick what could not be noted before. */
  start(): void {
    this.catalog.onNotes(() => this.noteAll());
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

  /** True when the shard has noted all that the catalog says. */
  areComplete(writer: ShardWriter): boolean {
    return this.catalog.follower.caughtUp && (this.noted.get(writer) ?? 0) === this.catalog.notes.length;
  }

  private noteAll(): void {
    for (const writer of this.fleet.owned()) {
      if (this.writing.has(writer) || (this.noted.get(writer) ?? 0) === this.catalog.notes.length) continue;
      const written = this.note(writer).finally(() => this.writing.delete(writer));
      this.writing.set(writer, written);
    }
  }

  private async note(writer: ShardWriter): Promise<void> {
    for (let from = this.noted.get(writer) ?? 0; from < this.catalog.notes.length; from = this.noted.get(writer) ?? 0) {
      // More may be heard while these are written.
      const through = this.catalog.notes.length;
      const missing = this.catalog.notes.slice(from, through).filter((note) => !writer.state.notes.has(note));
      try {
        for (const part of partsOf(missing))
          await writer.note(part, { actor: 'telemetry', correlationId: randomUUID() });
      } catch (error) {
        this.log.error(`what the catalog says could not be noted in shard ${String(writer.shard)}: ${String(error)}`);
        return;
      }
      this.noted.set(writer, through);
    }
  }
}

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
