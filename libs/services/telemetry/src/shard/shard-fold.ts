import { type HealthBucketClosed } from '@sluice/domain-cohorts';
import {
  deadlinesAt,
  FleetShard,
  nothingAnnounced,
  type PackedFacts,
  readPackedFacts,
  RecentReports,
  announce,
  type AnnouncedHealth,
  type ShardNoted,
} from '@sluice/domain-fleet';
import { BEGINNING, type Commit, type EventStore } from '@sluice/event-sourcing';
import { fleetStream, healthStream } from '../publications.ts';

/** The same report within this time is accepted once. */
export const REPORTS_REMEMBERED_DAYS = 7;

/** A commit of a shard's stream, as far as it matters which one it is. */
export type FoldedCommit = Pick<Commit, 'revision' | 'position' | 'commitId'>;

const NOTHING_FOLDED: FoldedCommit = { revision: -1, position: BEGINNING, commitId: '' };

/** The fold over the stream of one shard, up to its last commit. */
export class ShardFold {
  constructor(
    readonly state = new FleetShard(),
    readonly recent = new RecentReports(REPORTS_REMEMBERED_DAYS),
    public last: FoldedCommit = NOTHING_FOLDED,
  ) {}

  replay({ body, revision, position, commitId }: Commit): void {
    const commit = { revision, position, commitId };
    if (body.kind === 'packed') this.apply(readPackedFacts(body.bytes), commit);
    else this.note(body.events, commit);
  }

  apply(facts: PackedFacts, commit: FoldedCommit): void {
    this.state.apply(facts);
    const { count, reports, contents } = facts;
    for (let index = 0; index < count; index += 1) {
      this.recent.add(reports[index * 2] ?? 0, reports[index * 2 + 1] ?? 0, {
        content: contents[index] ?? 0,
        receivedAt: facts.receivedAt[index] ?? 0,
      });
    }
    this.last = commit;
  }

  note(events: readonly unknown[], commit: FoldedCommit): void {
    foldNotes(this.state, events);
    this.last = commit;
  }
}

/** Takes the notes of a commit into a shard. */
export function foldNotes(state: FleetShard, events: readonly unknown[]): void {
  for (const event of events as readonly ShardNoted[]) state.note(event);
}

/** A shard that is folded, and what health buckets have told of it: its counts are those that no bucket has told. */
export interface ShardAsOf {
  readonly fold: ShardFold;
  readonly announced: AnnouncedHealth;
}

/** A shard of which nothing was read yet. */
export function unread(): ShardAsOf {
  return { fold: new ShardFold(), announced: nothingAnnounced };
}

interface CatchUp {
  readonly from: ShardAsOf;
  readonly reportingDeadlineMs: number;
  /** Told, commit by commit, how many facts are folded. */
  readonly onFacts: (facts: number) => void;
}

/** The shard as its streams say now, going on from an earlier state of it; a text when that cannot be gone on from. */
export async function catchUp(
  store: EventStore,
  shard: number,
  { from, reportingDeadlineMs, onFacts }: CatchUp,
): Promise<ShardAsOf | string> {
  const { fold } = from;
  const announced = await readAnnounced(store, shard, from.announced);
  if (announced === undefined) return 'its health is not what the store says';
  const isNew = announced.buckets > from.announced.buckets;
  // Its counts are one sum, of which an earlier part can no longer be told.
  if (isNew && announced.throughRevision < fold.last.revision) return 'health was told in its midst';
  // What these commits gave was told, but for outcomes whose deadline the bucket did not reach.
  const apply = () => isNew && fold.state.drainHealth(deadlinesAt(announced.to, reportingDeadlineMs));
  if (announced.throughRevision === fold.last.revision) apply();
  const first = fold.last;
  let found = first.revision === -1;
  for await (const commit of store.readStream(fleetStream(shard), Math.max(first.revision, 0))) {
    if (!found) {
      if (commit.revision !== first.revision || commit.commitId !== first.commitId) break;
      found = true;
      continue;
    }
    fold.replay(commit);
    onFacts(fold.state.facts);
    if (commit.revision === announced.throughRevision) apply();
  }
  return found ? { fold, announced } : 'its last commit is not in the store';
}

/** What buckets have told by now; undefined when those that told before are not there. */
async function readAnnounced(
  store: EventStore,
  shard: number,
  before: AnnouncedHealth,
): Promise<AnnouncedHealth | undefined> {
  let announced = before;
  let found = before.buckets === 0;
  for await (const { body } of store.readStream(healthStream(shard), Math.max(before.buckets - 1, 0))) {
    for (const bucket of body.kind === 'events' ? (body.events as readonly HealthBucketClosed[]) : []) {
      if (found) announced = announce(announced, bucket);
      else if (bucket.throughRevision === before.throughRevision && Date.parse(bucket.to) === before.to) found = true;
      else return undefined;
    }
  }
  return found ? announced : undefined;
}
