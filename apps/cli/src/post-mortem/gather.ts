import {
  type AuditEntry,
  bodyOf,
  type FeedEventView,
  type FleetSeries,
  given,
  type PatchView,
  type RecallView,
  type RolloutView,
} from '@sluice/api-client';
import { topicOwners } from '@sluice/contracts/topic-owners';
import { type Api } from '../api.ts';
import { readFeed } from '../commands/events.ts';
import { type Evidence } from '../commands/rollout-text.ts';
import { CliError, usageError } from '../errors.ts';
import { type Exposure, exposuresOf, peopleOf, type StoryLine, storyOf } from './story.ts';

/** A patch lives for weeks, and a rollout is granted its exposure every minute. */
const EVENTS_MAX = 200_000;
const REFUSED_MAX = 1_000;
/** As many as there are at most: the first failure is to be told to the minute. */
const SERIES_POINTS = 1_000;

/** What was found when something was held, halted, or waited. */
export interface Finding {
  readonly at: string;
  readonly what: string;
  readonly stream: string;
  readonly evidence: Evidence;
}

/** All that the services tell of a patch and its rollouts. What could not be asked is null, and named in `unknown`. */
export interface PostMortem {
  readonly patchId: string;
  readonly rolloutIds: readonly string[];
  /** RFC 3339, UTC. */
  readonly from: string;
  readonly to: string;
  readonly patch: PatchView | null;
  readonly rollouts: readonly RolloutView[];
  readonly timeline: readonly StoryLine[];
  readonly people: ReturnType<typeof peopleOf>;
  readonly exposure: readonly Exposure[];
  readonly evidence: readonly Finding[];
  readonly adoption: FleetSeries | null;
  readonly recall: RecallView | null;
  /** Commands about these that were refused. */
  readonly refused: readonly AuditEntry[] | null;
  readonly unknown: readonly string[];
}

/** Reads all of it. The id is that of a rollout, else of a patch. Throws when it is neither. */
export async function gather(api: Api, id: string): Promise<PostMortem> {
  const unknown: string[] = [];
  const rollout = await found(bodyOf(api.of('orchestrator').GET('/v1/rollouts/{id}', at(id))));
  const patchId = rollout?.patchId ?? id;
  const patch = await known('the patch', unknown, () =>
    found(bodyOf(api.of('catalog').GET('/v1/patches/{id}', at(patchId)))),
  );
  if (rollout === null && patch === null && unknown.length === 0) throw neither(id);
  const ofPatch = await known('events of the patch', unknown, () => eventsOf(api, 'catalog', patchId));
  const wholeStory = [...(ofPatch ?? []), ...(await eventsOf(api, 'rollouts', patchId))];
  const events = wholeStory
    .filter(({ stream }) => rollout === null || !stream.startsWith('rollout-') || stream === `rollout-${id}`)
    .sort((left, right) => (left.time < right.time ? -1 : left.time > right.time ? 1 : 0));
  const rolloutIds = rollout === null ? rolloutsIn(events) : [id];
  const rollouts = await Promise.all(
    rolloutIds.map((each) => bodyOf(api.of('orchestrator').GET('/v1/rollouts/{id}', at(each)))),
  );
  const [from = '', to = ''] = [events[0]?.time, events.at(-1)?.time];
  return {
    ...{ patchId, rolloutIds, from, to, patch, rollouts },
    ...{ timeline: storyOf(events), people: peopleOf(events), exposure: exposuresOf(events) },
    evidence: findingsIn(events),
    adoption: await known('adoption of the patch', unknown, () =>
      bodyOf(api.of('telemetry').GET('/v1/fleet/series', { params: { query: { patchId, points: SERIES_POINTS } } })),
    ),
    recall: await known('the recall', unknown, () =>
      found(bodyOf(api.of('orchestrator').GET('/v1/recalls/{patchId}', { params: { path: { patchId } } }))),
    ),
    refused: await known('refused commands', unknown, () => refusedOf(api, [patchId, ...rolloutIds])),
    unknown,
  };
}

const at = (id: string) => ({ params: { path: { id } } });

function neither(id: string): CliError {
  return new CliError('refused', 'patch-not-found', {
    what: `There is neither a rollout nor a patch ${id}.`,
    next: '`sluice rollout list` and `sluice patch list` show what there is.',
  });
}

/** Null where there is no such thing. */
async function found<Answer>(asked: Promise<Answer>): Promise<Answer | null> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof CliError && error.exit === 'refused' && error.code.endsWith('-not-found')) return null;
    throw error;
  }
}

/** Null where a service does not answer, or does not tell this caller: the rest is worth having without it. */
async function known<Answer>(what: string, unknown: string[], ask: () => Promise<Answer>): Promise<Answer | null> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof CliError) || error.exit === 'interrupted') throw error;
    unknown.push(`${what}: ${error.story.what}`);
    return null;
  }
}

async function eventsOf(api: Api, topic: 'catalog' | 'rollouts', patchId: string): Promise<FeedEventView[]> {
  const feeds = api.hosts([topicOwners[topic]]).map((host) => ({ host, topics: topic }));
  const read = { query: { patchId }, start: '0', limit: EVENTS_MAX + 1 };
  const pages = await Promise.all(feeds.map((feed) => readFeed(api, feed, read)));
  const events = pages.flatMap((page) => page.events);
  if (events.length > EVENTS_MAX)
    throw usageError(
      `There are more than ${String(EVENTS_MAX)} events about ${patchId}.`,
      'Ask for one of its rollouts, or read them with `sluice events list --patch`.',
    );
  return events;
}

function rolloutsIn(events: readonly FeedEventView[]): string[] {
  const prefix = 'rollout-';
  const streams = events.map(({ stream }) => stream).filter((stream) => stream.startsWith(prefix));
  return [...new Set(streams)].map((stream) => stream.slice(prefix.length));
}

function findingsIn(events: readonly FeedEventView[]): Finding[] {
  return events.flatMap(({ time, type, stream, data }) => {
    const { evidence } = data as { readonly evidence?: Evidence };
    return evidence === undefined ? [] : [{ at: time, what: type, stream, evidence }];
  });
}

async function refusedOf(api: Api, targets: readonly string[]): Promise<AuditEntry[]> {
  const entries = await Promise.all(
    api.hosts().flatMap(({ services: [service] }) =>
      targets.map(async (target) => {
        const pageOf = (page: { limit: number; cursor: string | undefined }) =>
          bodyOf(api.of(service).GET('/v1/audit', { params: { query: given({ target, ...page }) } }));
        return (await api.list(REFUSED_MAX, pageOf)).items;
      }),
    ),
  );
  const refused = entries.flat().filter(({ code }) => code !== 'ok');
  return refused.sort((left, right) => (left.at < right.at ? -1 : left.at > right.at ? 1 : 0));
}
