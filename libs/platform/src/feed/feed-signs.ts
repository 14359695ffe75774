import { Injectable } from '@nestjs/common';
import { OwnSigns, sendChanges, type SourceSigns } from '@sluice/event-feed';
import { Clock, EventStore, type Position, toEdge } from '@sluice/event-sourcing';
import { wallSleep } from '../observe/store-proof.ts';

/** Readers are told of a change at most so often, where domain time is the wall's. Other clocks may be fast. */
const CHANGES_EVERY_MS = 1_000;

/** What this process says of itself, on its way to the readers of its feed. */
@Injectable()
export class FeedSigns {
  private readonly everyMs: number;

  constructor(
    private readonly signs: OwnSigns,
    private readonly store: EventStore,
    clock: Clock,
  ) {
    this.everyMs = clock.kind === 'wall' ? CHANGES_EVERY_MS : 0;
  }

  current(): SourceSigns {
    return this.signs.current();
  }

  /** `isBehind`: the reader may not have all that is in the store, so that the frame is no sign that it hears the owner. */
  progressFrame(covered: Position, { isBehind = false }: { readonly isBehind?: boolean } = {}): string {
    const position = toEdge(this.store.lineage, covered);
    const data = { position, ...(isBehind && { isBehind }), signs: this.current() };
    return `id: ${position}\nevent: progress\ndata: ${JSON.stringify(data)}\n\n`;
  }

  /** Calls `send` after changes until the signal aborts. */
  async follow(signal: AbortSignal, send: () => void | Promise<void>): Promise<void> {
    await sendChanges(this.signs, { send, pause: () => wallSleep(this.everyMs, signal), signal });
  }
}
