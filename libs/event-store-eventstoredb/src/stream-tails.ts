import { type Appended, type Commit } from '@sluice/event-sourcing';

/** So many of the last commits of a stream are searched for one that is appended again. */
export const LOOK_BACK_COMMITS_MAX = 128;
const TAILS_MAX = 1000;

/** The end of a stream as this process has last seen it; others may have gone on since. */
export interface Tail {
  readonly revision: number | 'no-stream';
  /** Results of the last commits, by commit id. */
  readonly recent: Map<string, Appended>;
}

type Seen = Pick<Commit, 'commitId' | 'revision' | 'position' | 'recordedAt'>;

/** The ends of the streams that were used last. */
export class StreamTails {
  private readonly tails = new Map<string, Tail>();

  get(stream: string): Tail | undefined {
    return this.tails.get(stream);
  }

  /** The last commits of a stream, oldest first; none when there is no stream. */
  set(stream: string, commits: readonly Seen[]): Tail {
    const recent = new Map(
      commits.slice(-LOOK_BACK_COMMITS_MAX).map((commit) => [commit.commitId, appendedOf(commit)]),
    );
    const tail = { revision: commits.at(-1)?.revision ?? ('no-stream' as const), recent };
    const known = this.tails.get(stream);
    if (known !== undefined && revisionNumber(known) > revisionNumber(tail)) return known;
    this.tails.delete(stream);
    this.tails.set(stream, tail);
    const [oldest] = this.tails.keys();
    if (this.tails.size > TAILS_MAX && oldest !== undefined) this.tails.delete(oldest);
    return tail;
  }

  /** This process has appended right behind the tail. */
  extend(stream: string, { recent }: Tail, commit: Seen): void {
    recent.set(commit.commitId, appendedOf(commit));
    const [oldest] = recent.keys();
    if (recent.size > LOOK_BACK_COMMITS_MAX && oldest !== undefined) recent.delete(oldest);
    this.tails.delete(stream);
    this.tails.set(stream, { revision: commit.revision, recent });
  }
}

function revisionNumber({ revision }: Tail): number {
  return revision === 'no-stream' ? -1 : revision;
}

function appendedOf({ revision, position, recordedAt }: Seen): Appended {
  return { revision, position, recordedAt };
}
