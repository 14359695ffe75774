import {
  type AttentionAbout,
  type AttentionItem,
  type AttentionKind,
  type AttentionOwner,
  type AttentionUnknown,
  type Severity,
} from '@sluice/api';
import { Injectable } from '@nestjs/common';
import { Clock, type CommandContext, EventStore } from '@sluice/event-sourcing';
import { Followers } from '../replay/followers.ts';
import { Metrics } from '../observe/metrics.ts';
import { ServiceName } from '../settings/service-name.ts';
import { Owners } from './owners.ts';

/** Of one source, the first ones; of the kinds of the others it is said that more were found. */
const FINDINGS_MAX = 1_000;

/** What needs a person, as its source sees it. The id names the cause. */
export interface Finding {
  readonly id: string;
  readonly kind: AttentionKind;
  readonly severity: Severity;
  readonly about: AttentionAbout;
  /** Domain time, RFC 3339; undefined where nobody noted it. */
  readonly since: string | undefined;
  readonly words: string;
  readonly command: string;
}

/** What one source says: what it found, and of which kinds it cannot say anything now. */
export interface Findings {
  readonly found: readonly Finding[];
  readonly unknown: readonly Pick<AttentionUnknown, 'kinds' | 'because'>[];
}

/** Who knows what needs a person: one a service, in its `attention.ts`. Nothing is found before it is known. */
export interface AttentionSource {
  readonly service: string;
  /** Of its kinds, those that last and are in no event: receivers of webhooks are told when one begins and ends. */
  readonly conditionKinds?: readonly AttentionKind[];
  look(nowMs: number): Findings;
  /** Called with each tick, for what only lasting makes worth telling. */
  tick?(nowMs: number): void;
}

interface Attentions {
  readonly items: readonly AttentionItem[];
  readonly unknown: readonly AttentionUnknown[];
}

/** All that needs a person in this process, and who has taken what. */
@Injectable()
export class Attention {
  private readonly sources: AttentionSource[] = [];
  private readonly owners: Owners;

  constructor(
    private readonly clock: Clock,
    store: EventStore,
    followers: Followers,
    metrics: Metrics,
    { service }: ServiceName,
  ) {
    this.owners = new Owners(store, followers, service);
    followers.onStop(
      'attention',
      clock.onTick((nowMs) => {
        for (const source of this.sources) source.tick?.(nowMs);
      }),
    );
    metrics.gauges('sluice_attention_items', 'What needs a person, by its kind and whether somebody has taken it', {
      labels: ['kind', 'taken'],
      read: () => this.counts(),
    });
  }

  add(source: AttentionSource): void {
    this.sources.push(source);
  }

  /** What is found now, with its owners, in no order; and what cannot be said now. */
  all(): Attentions {
    return this.lookAt(this.sources);
  }

  /** The same of those sources only that have conditions: it is asked for with each tick. */
  ofConditions(): Attentions {
    return this.lookAt(this.sources.filter(({ conditionKinds = [] }) => conditionKinds.length > 0));
  }

  /** Throws Rejection: attention-taken. */
  takeItem(
    itemId: string,
    { from, note }: { readonly from?: string | undefined; readonly note?: string | undefined },
    context: CommandContext,
  ): Promise<AttentionOwner | null> {
    const by = context.actor;
    return this.owners.takeItem({ type: 'TakeItem', itemId, by, from, note, at: this.clock.nowText() }, context);
  }

  private lookAt(sources: readonly AttentionSource[]): Attentions {
    const nowMs = this.clock.now();
    const looks = sources.map((source) => ({ service: source.service, ...source.look(nowMs) }));
    return {
      items: looks.flatMap(({ service, found }) =>
        found.slice(0, FINDINGS_MAX).map(({ since, ...finding }) => ({
          ...finding,
          ...{ service, since: since ?? null, owner: this.owners.of(finding.id) },
        })),
      ),
      unknown: looks.flatMap(({ service, found, unknown }) =>
        [...unknown, ...cutOff(found)].map((each) => ({ service, ...each })),
      ),
    };
  }

  private counts() {
    const counts = new Map<string, readonly [{ readonly kind: string; readonly taken: string }, number]>();
    for (const { kind, owner } of this.all().items) {
      const taken = owner === null ? 'no' : 'yes';
      const key = `${kind} ${taken}`;
      counts.set(key, [{ kind, taken }, (counts.get(key)?.[1] ?? 0) + 1]);
    }
    return counts.values();
  }
}

function cutOff(found: readonly Finding[]): Findings['unknown'] {
  const cut = found.slice(FINDINGS_MAX);
  if (cut.length === 0) return [];
  const because = `${String(cut.length)} more were found than the ${String(FINDINGS_MAX)} that are listed`;
  return [{ kinds: [...new Set(cut.map(({ kind }) => kind))], because }];
}

/** An instant as a part of an id. */
export function idTime(since: string): string {
  return since.replaceAll(/[-:]|\.\d+/g, '');
}
