import { topics } from '@sluice/contracts/events';
import { type Topic } from '@sluice/contracts/topic-owners';
import { type FeedEvent, type Publication } from '@sluice/event-feed';
import { type Commit, type EventStore } from '@sluice/event-sourcing';

/** Which events a reader wants; what is absent leaves nothing out. Times are RFC 3339 in UTC, as commits have them. */
export interface FeedCriteria {
  readonly topics: readonly string[];
  readonly types?: readonly string[];
  readonly patchId?: string;
  readonly deviceId?: string;
  readonly actor?: string;
  readonly since?: string;
  readonly until?: string;
}

/** Equal for two readers that want the same. */
export function criteriaKey({ topics: wanted, types, ...rest }: FeedCriteria): string {
  const { patchId, deviceId, actor, since, until } = rest;
  return JSON.stringify([[...wanted].sort(), types && [...types].sort(), patchId, deviceId, actor, since, until]);
}

/** The topics in which there can be such events, which spares reading the others. */
export function publicationsOf(criteria: FeedCriteria, publications: readonly Publication[]): Publication[] {
  const { types, patchId, deviceId } = criteria;
  return publications.filter(({ topic }) => {
    if (!criteria.topics.includes(topic)) return false;
    const { events, keys } = topics[topic as Topic];
    const names = events.map((each) => each.properties.type.const as string);
    if (types !== undefined && !types.some((type) => names.includes(type))) return false;
    if (deviceId !== undefined && !(keys as readonly string[]).includes('deviceId')) return false;
    return patchId === undefined || deviceId === undefined || topic === 'fleet';
  });
}

const SUBJECTS_KEPT_MAX = 10_000;

/** Of which patch a stream is, for events that do not say it themselves: a rollout's first event names its patch. */
export class StreamSubjects {
  private readonly known = new Map<string, string | undefined>();

  constructor(private readonly store: Pick<EventStore, 'readStream'>) {}

  async patchOf(stream: string): Promise<string | undefined> {
    if (this.known.has(stream)) return this.known.get(stream);
    const patchId = await this.read(stream);
    if (this.known.size >= SUBJECTS_KEPT_MAX) this.known.clear();
    this.known.set(stream, patchId);
    return patchId;
  }

  private async read(stream: string): Promise<string | undefined> {
    for await (const { body } of this.store.readStream(stream)) {
      const [first] = body.kind === 'events' ? body.events : [];
      return first === undefined ? undefined : namedPatch(first);
    }
    return undefined;
  }
}

/** Lets through what a reader wants. */
export class FeedFilter {
  private readonly types: ReadonlySet<string> | undefined;

  constructor(
    private readonly criteria: FeedCriteria,
    private readonly subjects: StreamSubjects,
  ) {
    this.types = criteria.types && new Set(criteria.types);
  }

  /** False when no event of the commit can be wanted, which is known without unpacking it. */
  mayWant({ metadata, recordedAt }: Commit): boolean {
    const { actor, since, until } = this.criteria;
    if (actor !== undefined && metadata.actor !== actor) return false;
    return (since === undefined || recordedAt >= since) && (until === undefined || recordedAt < until);
  }

  async wanted(events: readonly FeedEvent[]): Promise<readonly FeedEvent[]> {
    const { patchId, deviceId } = this.criteria;
    let found = events;
    if (this.types !== undefined) found = found.filter(({ type }) => this.types?.has(type));
    if (deviceId !== undefined) found = found.filter(({ data }) => (data as Named).deviceId === deviceId);
    if (patchId === undefined || found.length === 0) return found;
    const kept: FeedEvent[] = [];
    for (const event of found) if (await this.isAbout(patchId, event)) kept.push(event);
    return kept;
  }

  private async isAbout(patchId: string, { stream, data }: FeedEvent): Promise<boolean> {
    const { patches } = data as Named;
    if (patches !== undefined) return patches.includes(patchId);
    const named = namedPatch(data as Named);
    if (named !== undefined) return named === patchId;
    return (
      subjectStreams.some((prefix) => stream.startsWith(prefix)) && (await this.subjects.patchOf(stream)) === patchId
    );
  }
}

const subjectStreams = topics.rollouts.streams;

interface Named {
  readonly deviceId?: string;
  readonly patchId?: string;
  readonly patches?: readonly string[];
  readonly plan?: { readonly patchId?: string };
}

function namedPatch(data: object): string | undefined {
  const { patchId, plan } = data as Named;
  return patchId ?? plan?.patchId;
}
