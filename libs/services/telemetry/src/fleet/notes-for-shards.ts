import { type ShardNoted } from '@sluice/domain-fleet';

/** What was heard of another service, as the notes that each shard takes of it, in the order in which it was heard. */
export class NotesForShards {
  private readonly allNotes: ShardNoted[] = [];
  private changed: () => void = () => undefined;

  /** Only ever grows. */
  get notes(): readonly ShardNoted[] {
    return this.allNotes;
  }

  /** Calls back whenever there is another note. */
  onNotes(changed: () => void): void {
    this.changed = changed;
  }

  protected add(note: ShardNoted | undefined): void {
    if (note === undefined) return;
    this.allNotes.push(note);
    this.changed();
  }
}
