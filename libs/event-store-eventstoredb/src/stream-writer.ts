import { type Append, type Appended, type Commit, RevisionConflict } from '@sluice/event-sourcing';
import { type AppendResult, BACKWARDS, END, NO_STREAM, WrongExpectedVersionError } from '@eventstore/db-client';
import { type Connection } from './connection.ts';
import { type AcceptedAppend } from './append-rounds.ts';
import { toCommit, toEvent } from './event-codec.ts';
import { Retries, retried, unavailable } from './retries.ts';
import { streamEvents } from './stream-reads.ts';
import { LOOK_BACK_COMMITS_MAX, type StreamTails, type Tail } from './stream-tails.ts';

/** When any revision is expected, other writers may come first so many times. */
const ANY_ATTEMPTS_MAX = 32;

export interface Limits {
  /** A call without an answer for so long has failed. */
  readonly callMs: number;
  /** What fails for so long in a row makes the store unavailable. */
  readonly giveUpMs: number;
}

/**
 * Writes commits, one event each. The server is always told which revision to expect, the one that this process has last
 * seen, so a commit that was looked for and not found cannot have come in between.
 */
export class StreamWriter {
  constructor(
    private readonly connection: Connection,
    private readonly tails: StreamTails,
    private readonly limits: Limits,
  ) {}

  /** Throws RevisionConflict, AppendTooLarge or StoreUnavailable. */
  async write({ append, body }: AcceptedAppend, roundAt: string): Promise<Appended> {
    const { stream, expected, commitId } = append;
    let tail = this.tails.get(stream) ?? (await this.look(stream));
    for (let attempt = 1; ; attempt += 1) {
      const done = tail.recent.get(commitId);
      if (done !== undefined) return done;
      if (expected === 'any' || expected === tail.revision) {
        const recordedAt = later(roundAt, [...tail.recent.values()].at(-1)?.recordedAt);
        const result = await this.send(append, toEvent(append, body, recordedAt), tail);
        if (result !== undefined) return this.written(append, tail, { ...result, recordedAt });
      }
      tail = await this.look(stream);
      if (tail.recent.has(commitId) || (expected === 'any' && attempt < ANY_ATTEMPTS_MAX)) continue;
      if (expected === tail.revision && attempt < ANY_ATTEMPTS_MAX) continue;
      return (await this.firstResult(append, tail)) ?? conflict(append, tail);
    }
  }

  private written({ stream, commitId }: Append, tail: Tail, appended: Appended): Appended {
    this.tails.extend(stream, tail, { commitId, ...appended });
    return appended;
  }

  /** Undefined when the stream has gone on. An attempt whose answer was lost is made again with the same event id. */
  private async send(
    { stream }: Append,
    event: ReturnType<typeof toEvent>,
    { revision }: Tail,
  ): Promise<Pick<Appended, 'revision' | 'position'> | undefined> {
    const { client, credentials } = this.connection;
    const expectedRevision: bigint | typeof NO_STREAM = revision === 'no-stream' ? NO_STREAM : BigInt(revision);
    const options = { expectedRevision, credentials, requiresLeader: true, deadline: this.limits.callMs };
    try {
      const result = await this.retried(() => client.appendToStream(stream, event, options));
      return { revision: Number(result.nextExpectedRevision), position: await this.positionOf(stream, result) };
    } catch (error) {
      if (error instanceof WrongExpectedVersionError) return undefined;
      throw error;
    }
  }

  // A repetition that the server has not indexed yet is answered without a position.
  private async positionOf(stream: string, { position, nextExpectedRevision }: AppendResult): Promise<string> {
    if (position !== undefined) return String(position.commit);
    return this.retried(async () => {
      const [commit] = await this.read(stream, { fromRevision: nextExpectedRevision, maxCount: 1 });
      if (commit === undefined) throw new Error(`${stream} has no revision ${nextExpectedRevision} yet`);
      return commit.position;
    });
  }

  /** Of a commit that is further back than the tail reaches, but expects the same as the first time. */
  private async firstResult({ stream, expected, commitId }: Append, tail: Tail): Promise<Appended | undefined> {
    const { revision: last, recent } = tail;
    if (expected === 'any' || last === 'no-stream' || recent.size > last) return undefined;
    const fromRevision = expected === 'no-stream' ? 0n : BigInt(expected) + 1n;
    const [commit] = await this.retried(() => this.read(stream, { fromRevision, maxCount: 1 }));
    if (commit?.commitId !== commitId) return undefined;
    const { revision, position, recordedAt } = commit;
    return { revision, position, recordedAt };
  }

  private async look(stream: string): Promise<Tail> {
    const newestFirst = { direction: BACKWARDS, fromRevision: END, maxCount: LOOK_BACK_COMMITS_MAX } as const;
    const commits = await this.retried(() => this.read(stream, newestFirst));
    return this.tails.set(stream, commits.reverse());
  }

  private async read(stream: string, options: Parameters<typeof streamEvents>[2]): Promise<Commit[]> {
    const commits: Commit[] = [];
    const bounded = { ...options, signal: AbortSignal.timeout(this.limits.callMs) };
    for await (const resolved of streamEvents(this.connection.client, stream, bounded)) {
      const commit = toCommit(resolved);
      if (commit !== undefined) commits.push(commit);
    }
    return commits;
  }

  // What was accepted is finished though the store is being closed, so these attempts do not end with it.
  private async retried<Result>(attempt: () => Promise<Result>): Promise<Result> {
    try {
      return await retried(new Retries(this.limits.giveUpMs, new AbortController().signal), attempt);
    } catch (error) {
      throw error instanceof WrongExpectedVersionError ? error : unavailable(error);
    }
  }
}

function conflict({ stream, expected }: Append, { revision }: Tail): never {
  throw new RevisionConflict(stream, expected, revision);
}

function later(one: string, other: string | undefined): string {
  return other !== undefined && other > one ? other : one;
}
