import {
  BEGINNING,
  type Commit,
  comparePositions,
  type Position,
  type SubscriptionMessage,
} from '@sluice/event-sourcing';
import {
  type AllStreamResolvedEvent,
  BACKWARDS,
  END,
  type EventStoreDBClient,
  START,
  streamNameFilter,
} from '@eventstore/db-client';
import { CHECKPOINT_STREAMS, isApart, positionOf, toCommit } from './event-codec.ts';
import { allEvents, cancelled, type Streamed } from './stream-reads.ts';

/** So far back the last commit is looked for among other events; further back, that place counts as the head. */
const HEAD_LOOK_BACK_EVENTS_MAX = 100_000;
/** Most often the last event is a commit; a page that is larger than need be carries commits of up to 1 MiB. */
const HEAD_PAGE_EVENTS_MIN = 1;
const HEAD_PAGE_EVENTS_MAX = 512;
const HEAD_PAGE_GROWTH = 8;
/** While catching up, the server looks at so many events between two checkpoints. */
const CATCH_UP_WINDOW_EVENTS = 1000;
/** Live, it tells of every event that the filter left out. */
const LIVE_WINDOW_EVENTS = 1;
/** What the client holds for a reader on each side of its transformation; then it lets the server wait. */
const READ_BUFFER_EVENTS = 16;

/** What a subscription brings, in order. `more` is true when the next is there already. */
type Arrival = { readonly more: boolean } & (
  | { readonly kind: 'event'; readonly position: Position; readonly commit: Commit | undefined }
  | { readonly kind: 'checkpoint'; readonly position: Position }
  | { readonly kind: 'live' }
);

/** Put into the stream of events where the client only calls back, which it does ahead of what it still holds. */
class Mark {
  constructor(readonly position?: Position) {}
}

export interface Following {
  readonly prefixes: readonly string[] | undefined;
  readonly signal: AbortSignal;
  /** All up to here was delivered or is not wanted. Goes forward only; where to go on after a cut. */
  covered: Position;
}

/** $all, as commits. */
export class AllStream {
  private examined = { through: -1n, head: BEGINNING };

  constructor(
    private readonly client: EventStoreDBClient,
    private readonly callMs: number,
  ) {}

  /** The position of the last commit, BEGINNING when there is none. EventStoreDB's own events and checkpoints are none. */
  async head(): Promise<Position> {
    const { through, head } = this.examined;
    let from: bigint | undefined;
    let newest: bigint | undefined;
    let pageEvents = HEAD_PAGE_EVENTS_MIN;
    for (let looked = 0; looked < HEAD_LOOK_BACK_EVENTS_MAX; looked += pageEvents) {
      pageEvents = looked === 0 ? pageEvents : Math.min(pageEvents * HEAD_PAGE_GROWTH, HEAD_PAGE_EVENTS_MAX);
      const page = await this.pageBackwards(from, pageEvents);
      newest ??= page.at(0)?.position;
      for (const { position, isCommit } of page) {
        if (position <= through) return this.examinedThrough(newest, head);
        if (isCommit) return this.examinedThrough(newest, String(position));
      }
      from = page.at(-1)?.position;
      if (from === undefined || page.length < pageEvents) return this.examinedThrough(newest, BEGINNING);
    }
    return this.examinedThrough(newest, String(from));
  }

  /** When the last commit was recorded, undefined when there is none within reach. */
  async lastRecordedAt(): Promise<string | undefined> {
    const signal = AbortSignal.timeout(this.callMs);
    const backwards = { direction: BACKWARDS, fromPosition: END, maxCount: HEAD_LOOK_BACK_EVENTS_MAX, signal } as const;
    for await (const resolved of allEvents(this.client, backwards)) {
      const commit = toCommit(resolved);
      if (commit !== undefined) return commit.recordedAt;
    }
    return undefined;
  }

  /** Commits after a position, to what the present end was when the read began. `covered` tells how far it got. */
  async *catchUp(following: Following): AsyncGenerator<Commit> {
    const head = await this.head();
    if (following.prefixes?.length !== 0 && comparePositions(following.covered, head) < 0) {
      for await (const arrival of this.arrivals(following, catchUpFilter(following.prefixes), CATCH_UP_WINDOW_EVENTS)) {
        if (arrival.kind === 'live') break;
        if (comparePositions(arrival.position, head) > 0) break;
        if (arrival.kind === 'event' && arrival.commit !== undefined) yield arrival.commit;
        following.covered = forwards(following.covered, arrival.position);
        if (arrival.position === head) break;
      }
    }
    following.covered = forwards(following.covered, head);
  }

  /** Catches up, then delivers what comes. Ends only with an error. */
  async *follow(following: Following): AsyncGenerator<SubscriptionMessage> {
    for await (const commit of this.catchUp(following)) yield { kind: 'commit', commit };
    yield { kind: 'caught-up', position: following.covered };
    let received = following.covered;
    let isLive = false;
    let delivered: Position | undefined;
    for await (const arrival of this.arrivals(following, liveFilter(following.prefixes), LIVE_WINDOW_EVENTS)) {
      if (arrival.kind === 'live') isLive = true;
      else if (arrival.kind === 'event') {
        delivered = arrival.position;
        if (arrival.commit !== undefined) {
          yield { kind: 'commit', commit: arrival.commit };
          following.covered = forwards(following.covered, arrival.position);
        }
        // The server tells of each event, also of those it has just delivered; what was not delivered is another's commit.
      } else if (arrival.position !== delivered) following.covered = forwards(following.covered, arrival.position);
      if (!isLive || arrival.more || comparePositions(following.covered, received) <= 0) continue;
      received = following.covered;
      yield { kind: 'caught-up', position: received };
    }
  }

  private async *arrivals(
    { covered, signal }: Following,
    regex: string,
    maxSearchWindow: number,
  ): AsyncGenerator<Arrival> {
    const subscription = this.client.subscribeToAll(
      {
        fromPosition: covered === BEGINNING ? START : { commit: BigInt(covered), prepare: BigInt(covered) },
        requiresLeader: true,
        filter: streamNameFilter({
          regex,
          maxSearchWindow,
          checkpointInterval: 1,
          checkpointReached: (_, { commit }) => void subscription.push(new Mark(String(commit))),
        }),
      },
      { highWaterMark: READ_BUFFER_EVENTS },
    );
    subscription.on('caughtUp', () => void subscription.push(new Mark()));
    const items = subscription as Streamed<AllStreamResolvedEvent | Mark>;
    for await (const item of cancelled(items, () => subscription.unsubscribe(), signal)) {
      const more = subscription.readableLength > 0;
      if (!(item instanceof Mark)) {
        yield { kind: 'event', position: String(positionOf(item)), commit: toCommit(item), more };
      } else if (item.position === undefined) yield { kind: 'live', more };
      else yield { kind: 'checkpoint', position: item.position, more };
    }
    throw new Error('the server has ended the subscription');
  }

  private async pageBackwards(from: bigint | undefined, maxCount: number) {
    const page: { position: bigint; isCommit: boolean }[] = [];
    const fromPosition = from === undefined ? END : { commit: from, prepare: from };
    const signal = AbortSignal.timeout(this.callMs);
    for await (const resolved of allEvents(this.client, { direction: BACKWARDS, fromPosition, maxCount, signal })) {
      const stream = resolved.event?.streamId ?? '';
      page.push({ position: positionOf(resolved), isCommit: !isApart(stream) });
    }
    return page;
  }

  private examinedThrough(newest: bigint | undefined, head: Position): Position {
    if (newest !== undefined && newest > this.examined.through) this.examined = { through: newest, head };
    return head;
  }
}

function forwards(one: Position, other: Position): Position {
  return comparePositions(one, other) < 0 ? other : one;
}

/** Commits of streams with the prefixes. */
function catchUpFilter(prefixes: readonly string[] | undefined): string {
  return prefixes === undefined ? `^(?!\\$|${CHECKPOINT_STREAMS})` : `^(?:${prefixes.map(literally).join('|')})`;
}

/**
 * The same, and all that is no commit. So what the server leaves out is commits of other streams, and only those move
 * `caught-up` forwards: if checkpoints did, whoever saves one for each `caught-up` would never come to rest.
 */
function liveFilter(prefixes: readonly string[] | undefined): string {
  return `^(?:${['\\$', CHECKPOINT_STREAMS, ...(prefixes ?? ['']).map(literally)].join('|')})`;
}

function literally(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
