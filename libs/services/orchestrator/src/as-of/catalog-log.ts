import { type FeedEvent } from '@sluice/event-feed';

/**
 * The catalog's events as this orchestrator has applied them, each once, in the order in which they came: another process may
 * have them, and nowhere else are they kept here. By the time at which the catalog recorded them; how much later one
 * came is recorded nowhere. As texts, because these go to another thread at the cost of copying them.
 */
export class CatalogLog {
  private readonly entries: { readonly time: string; readonly text: string }[] = [];

  add({ time, data }: FeedEvent): void {
    this.entries.push({ time, text: JSON.stringify(data) });
  }

  /** What was recorded by an instant (RFC 3339 in UTC), a line of JSON each. */
  until(instant: string): string {
    const known = this.entries.filter(({ time }) => time <= instant);
    return known.map(({ text }) => text).join('\n');
  }

  /** When the first of them was recorded; undefined while there is none. */
  get firstAt(): string | undefined {
    return this.entries[0]?.time;
  }
}
