import { type AttentionItem, type AttentionKind } from '@sluice/api';
import { type Commit, type EventStore, type Position, RevisionConflict } from '@sluice/event-sourcing';
import { type Attention } from '../attention/attention.ts';
import { type Timers } from '../time/timers.ts';
import { ended, type Notice, type NoticeSource } from './notice.ts';

/** What lasts and is in no event: when it begins and ends is noted, so that it is told once. */
const CONDITION_KINDS = ['stale', 'blind', 'recall-stalled'] as const satisfies readonly AttentionKind[];
type ConditionKind = (typeof CONDITION_KINDS)[number];

/** What is gone for less may be back at once: after a start it takes a minute until it shows (the wall's pace). */
const OVER_AFTER_MS = 90_000;

type Condition = Pick<AttentionItem, 'id' | 'service' | 'severity' | 'about' | 'words' | 'command'> & {
  readonly kind: ConditionKind;
  readonly since: string;
};

type ConditionEvent =
  | { readonly type: 'ConditionBegan'; readonly condition: Condition; readonly at: string }
  | {
      readonly type: 'ConditionEnded';
      readonly condition: Condition;
      /** Of the commit with its begin. */
      readonly position: Position;
      readonly at: string;
    };

interface Open {
  readonly condition: Condition;
  readonly position: Position;
  /** Since when it has not been seen any more (monotonic ms). */
  goneMs?: number | undefined;
}

/**
 * Notes when a condition begins and ends, in the stream `conditions-<service>`, and is the source of the notices of both. Run by
 * the one instance that sends; what it cannot know, it leaves as it is.
 */
export class Conditions implements NoticeSource {
  readonly streams: readonly string[];
  private readonly stream: string;
  private readonly open = new Map<string, Open>();
  private revision: number | undefined;
  private pass: Promise<void> = Promise.resolve();

  constructor(
    private readonly store: EventStore,
    private readonly attention: Attention,
    private readonly timers: Pick<Timers, 'monotonicMs'>,
    service: string,
  ) {
    this.stream = `conditions-${service}`;
    this.streams = [this.stream];
  }

  noticesOf({ body }: Commit): Promise<readonly Notice[]> {
    const events = body.kind === 'events' ? (body.events as readonly ConditionEvent[]) : [];
    return Promise.resolve(events.flatMap(noticeOf));
  }

  /** What was open when this was last noted, by whichever instance. */
  async load(): Promise<void> {
    this.open.clear();
    this.revision = undefined;
    for await (const commit of this.store.readStream(this.stream)) this.apply(commit);
  }

  /** To be called with each tick. A store that does not take it is asked again with the next one. */
  async note(at: string): Promise<void> {
    this.pass = this.pass.then(() => this.compare(at)).catch(() => undefined);
    await this.pass;
  }

  private async compare(at: string): Promise<void> {
    const { items, unknown } = this.attention.ofConditions();
    const present = new Map(items.filter(isCondition).map((item) => [keyOf(item), item]));
    const notKnown = new Set<AttentionKind>(unknown.flatMap(({ kinds }) => kinds));
    for (const [key, condition] of present) {
      const known = this.open.get(key);
      if (known === undefined) await this.append({ type: 'ConditionBegan', condition: conditionOf(condition, at), at });
      else known.goneMs = undefined;
    }
    for (const [key, each] of this.open) {
      if (present.has(key) || notKnown.has(each.condition.kind)) continue;
      each.goneMs ??= this.timers.monotonicMs();
      if (this.timers.monotonicMs() - each.goneMs < OVER_AFTER_MS) continue;
      const { condition, position } = each;
      await this.append({ type: 'ConditionEnded', condition, position, at });
    }
  }

  private async append(event: ConditionEvent): Promise<void> {
    const { type, condition } = event;
    try {
      const appended = await this.store.append({
        stream: this.stream,
        expected: this.revision ?? 'no-stream',
        commitId: `${type}:${condition.id}:${String(this.revision ?? 0)}`,
        metadata: { actor: 'system:conditions', correlationId: condition.id },
        body: { kind: 'events', events: [event] },
      });
      this.applyEvent(event, appended);
    } catch (error) {
      if (error instanceof RevisionConflict) await this.load();
      throw error;
    }
  }

  private apply(commit: Commit): void {
    for (const event of commit.body.kind === 'events' ? (commit.body.events as readonly ConditionEvent[]) : []) {
      this.applyEvent(event, commit);
    }
  }

  private applyEvent(event: ConditionEvent, { revision, position }: Pick<Commit, 'revision' | 'position'>): void {
    this.revision = revision;
    const { condition } = event;
    if (event.type === 'ConditionBegan') this.open.set(keyOf(condition), { condition, position });
    else this.open.delete(keyOf(condition));
  }
}

function noticeOf(event: ConditionEvent): Notice[] {
  const { condition, at } = event;
  const { patchId } = condition.about;
  const about = patchId === undefined ? {} : { patchId };
  const key = patchId === undefined ? condition.kind : `patch:${patchId}`;
  const begun: Notice = { ...condition, about, key, state: 'began' };
  switch (event.type) {
    case 'ConditionBegan':
      return [begun];
    case 'ConditionEnded':
      return [ended(begun, { position: event.position, at, words: `this is over: ${condition.words}` })];
    default:
      // Of a later version.
      return [];
  }
}

function isCondition(item: AttentionItem): item is AttentionItem & { readonly kind: ConditionKind } {
  return (CONDITION_KINDS as readonly AttentionKind[]).includes(item.kind);
}

function conditionOf(item: AttentionItem & { readonly kind: ConditionKind }, at: string): Condition {
  const { id, kind, service, severity, about, since, words, command } = item;
  return { id, kind, service, severity, about, since: since ?? at, words, command };
}

/** A restart, and another instance, see the same condition under another id. */
function keyOf({ kind, about }: Pick<Condition, 'kind' | 'about'>): string {
  return `${kind} ${about.patchId ?? ''}`;
}
