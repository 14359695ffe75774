import { createHash } from 'node:crypto';
import { type NotRecomputable, type ReceiptDifference, type ReceiptsReport } from '@sluice/api';
import { stamp } from '@sluice/contracts/stored-events';
import {
  type Commit,
  comparePositions,
  type DomainEvent,
  type NamedReceipt,
  type Position,
  type Receipted,
  receiptOf,
  type Seal,
  sealed,
} from '@sluice/event-sourcing';
import { type FoldStore } from './folds.ts';

/** Puts receipts on events as they are stored: with the version of their type. */
export const seal: Seal = (stream, events, last) =>
  sealed(
    { stream, last },
    events.map((event) => stamp(event)),
    sha256,
  );

/** A receipt that an event names as its cause: `by` is the place of that event. */
export interface NamedBy extends NamedReceipt {
  readonly by: string;
}

/** What to check: the streams that start so, up to a position, and receipts that events of other services name. */
export interface ReceiptsInput {
  readonly prefixes: readonly string[];
  readonly through: Position;
  readonly named: readonly NamedBy[];
}

/** What the counts of an event say of the verdict that it carries; `none` where it carries no verdict. */
export type Recheck = (
  event: DomainEvent,
) => 'none' | 'agrees' | { readonly notRecomputable: keyof NotRecomputable } | { readonly differs: string };

/** What was found but the name of the part that was checked. */
export type ReceiptsFound = Omit<ReceiptsReport, 'name'>;

/** So many differences are listed; all are counted. */
const LISTED_MAX = 20;
/** Receipts that events name, kept until the end of the check; more are a fault of the history. */
const NAMED_MAX = 100_000;
/** Of those in the stores of other services, so many are listed for whoever asks these. */
export const ELSEWHERE_MAX = 1_000;
const EVENTS_PER_PROGRESS = 2_000;

/**
 * Computes each receipt of the streams again from the events as they are stored, looks for the receipts that events name, and
 * computes each verdict again by its counts. `progress` is called with the number of events checked so far.
 */
export async function checkReceipts(
  store: FoldStore,
  { prefixes, through, named }: ReceiptsInput,
  recheck: Recheck,
  progress: (events: number) => void = () => undefined,
): Promise<ReceiptsFound> {
  // An upcaster changes events, and what a later version wrote is part of the chain, too.
  const stored = store.asStored ?? store;
  const check = new ReceiptsCheck(recheck);
  for await (const commit of stored.readAll({ prefixes })) {
    if (comparePositions(commit.position, through) > 0) break;
    check.add(commit, progress);
  }
  await check.lookFor([...named, ...check.causes], stored);
  return check.found();
}

class ReceiptsCheck {
  readonly causes: NamedBy[] = [];
  private readonly lastOf = new Map<string, string | undefined>();
  private readonly differences: ReceiptDifference[] = [];
  private readonly elsewhere: NamedBy[] = [];
  private events = 0;
  private withoutReceipt = 0;
  private differing = 0;
  private causesFound = 0;
  private agreeing = 0;
  private readonly notRecomputable = { anotherRule: 0, countsNotKept: 0, notAllListed: 0 };

  constructor(private readonly recheck: Recheck) {}

  add(commit: Commit, progress: (events: number) => void): void {
    if (commit.body.kind !== 'events') return;
    for (const event of commit.body.events) {
      this.checkReceipt(commit, event);
      this.checkVerdict(commit, event);
      this.keepCause(commit, event);
      this.events += 1;
      if (this.events % EVENTS_PER_PROGRESS === 0) progress(this.events);
    }
  }

  /** Looks for receipts that are named, each in the stream that it is said to be of. */
  async lookFor(named: readonly NamedBy[], store: FoldStore): Promise<void> {
    const byStream = Map.groupBy(named, ({ stream }) => stream);
    for (const [stream, wanted] of byStream) {
      const there = new Set<string | undefined>();
      let isHere = false;
      for await (const { body } of store.readStream(stream)) {
        isHere = true;
        if (body.kind === 'events') for (const event of body.events) there.add((event as Receipted).receipt);
      }
      for (const each of wanted) {
        if (there.has(each.receipt)) this.causesFound += 1;
        else if (isHere)
          this.differ({ stream, what: 'cause', detail: `${each.by} names ${each.receipt}, which is no receipt of it` });
        else this.elsewhere.push(each);
      }
    }
  }

  found(): ReceiptsFound {
    return {
      events: this.events,
      streams: this.lastOf.size,
      withoutReceipt: this.withoutReceipt,
      verdicts: this.agreeing,
      notRecomputable: this.notRecomputable,
      causes: this.causesFound,
      causesElsewhere: this.elsewhere.length,
      elsewhere: this.elsewhere.slice(0, ELSEWHERE_MAX),
      differing: this.differing,
      differences: this.differences,
    };
  }

  private checkReceipt(commit: Commit, event: DomainEvent & Receipted): void {
    const { stream } = commit;
    const { receipt } = event;
    const last = this.lastOf.get(stream);
    if (receipt === undefined) {
      // A chain that has begun goes on to the end of its stream.
      if (last === undefined) this.withoutReceipt += 1;
      else this.differAt(commit, event, 'receipt-missing', 'it has no receipt, and events before it have');
      this.lastOf.set(stream, last);
      return;
    }
    if (receiptOf(last ?? stream, event, sha256) !== receipt)
      this.differAt(commit, event, 'receipt', 'the event, or what came before it, is not what its receipt was made of');
    // What follows is checked against what is there, so that one change is told once.
    this.lastOf.set(stream, receipt);
  }

  private checkVerdict(commit: Commit, event: DomainEvent): void {
    const found = this.recheckSafely(event);
    if (found === 'none') return;
    if (found === 'agrees') this.agreeing += 1;
    else if ('notRecomputable' in found) this.notRecomputable[found.notRecomputable] += 1;
    else this.differAt(commit, event, 'verdict', found.differs);
  }

  private recheckSafely(event: DomainEvent): ReturnType<Recheck> {
    try {
      return this.recheck(event);
    } catch (error) {
      return { differs: `its evidence cannot be read: ${error instanceof Error ? error.message : String(error)}` };
    }
  }

  private keepCause(commit: Commit, event: DomainEvent & { readonly cause?: unknown }): void {
    const { cause } = event;
    if (cause === undefined) return;
    if (!isNamedReceipt(cause))
      return this.differAt(commit, event, 'cause', 'what it names as its cause is no receipt');
    if (this.causes.length >= NAMED_MAX) throw new Error(`more than ${String(NAMED_MAX)} events name a cause`);
    const { stream, receipt } = cause;
    this.causes.push({ stream, receipt, by: `${commit.stream}/${String(commit.revision)}` });
  }

  private differAt(
    { stream, revision, recordedAt }: Commit,
    event: DomainEvent,
    what: ReceiptDifference['what'],
    detail: string,
  ) {
    this.differ({ stream, revision, type: event.type, recordedAt, what, detail });
  }

  private differ(difference: ReceiptDifference): void {
    this.differing += 1;
    if (this.differences.length < LISTED_MAX) this.differences.push(difference);
  }
}

function isNamedReceipt(value: unknown): value is NamedReceipt {
  if (typeof value !== 'object' || value === null) return false;
  const { stream, receipt } = value as Partial<Record<keyof NamedReceipt, unknown>>;
  return typeof stream === 'string' && typeof receipt === 'string';
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
