import { setTimeout as sleep } from 'node:timers/promises';
import { bodyOf, type FeedEventView, type FeedOrder, type FeedPage, given } from '@sluice/api-client';
import { type Topic, topicOwners } from '@sluice/contracts/topic-owners';
import { type Command, InvalidArgumentError } from 'commander';
import { type Api, type Host } from '../api.ts';
import { CliError, usageError } from '../errors.ts';
import { clean, type Paint, time } from '../output.ts';
import { gather, type OpenSession, type Session, toLimit, toTime } from '../session.ts';

const RECONNECT_FIRST_MS = 500;
const RECONNECT_MAX_MS = 10_000;
/** The feed sends a heartbeat every five seconds; after this silence the line is taken for dead. */
const SILENCE_MAX_MS = 30_000;
const PAGE_EVENTS_MAX = 10_000;
const TEXT_CHARACTERS_MAX = 60;

const topicNames = Object.keys(topicOwners) as Topic[];
/** What is shown unless topics are named: the events of tokens are for peers and admins. */
const openTopics = topicNames.filter((name) => name !== 'access');

interface Options {
  readonly topic: readonly Topic[];
  readonly from?: string;
  readonly type?: readonly string[];
  readonly patch?: string;
  readonly device?: string;
  readonly actor?: string;
  readonly since?: string;
  readonly until?: string;
}

interface ListOptions extends Options {
  readonly limit: number;
  readonly newest?: true;
}

/** What the feed is asked for, beside where it begins. */
interface Filter {
  readonly types?: string | undefined;
  readonly patchId?: string | undefined;
  readonly deviceId?: string | undefined;
  readonly actor?: string | undefined;
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  readonly order?: FeedOrder | undefined;
}

export function addEventCommands(program: Command, open: OpenSession): void {
  const events = program.command('events').description('read the public events');
  const topicHelp = `only of this topic (${openTopics.join(', ')}, or access for admins); may be repeated`;
  const filtered = (command: Command) =>
    command
      .option('--topic <topic>', topicHelp, toTopics, openTopics)
      .option('--type <type>', 'only of this type (PatchPulled); may be repeated', gather)
      .option('--patch <patch>', 'only about this patch')
      .option('--device <device>', 'only about this device')
      .option('--actor <actor>', 'only what this actor caused')
      .option('--since <time>', 'recorded at this time or later (RFC 3339)', toTime)
      .option('--until <time>', 'recorded before this time (RFC 3339)', toTime);
  filtered(events.command('tail'))
    .description('print events as they happen, until Ctrl-C; with --json, a line of JSON each')
    .option('--from <position>', 'begin after this position (0: with the first event) instead of now', toPosition)
    .addHelpText('after', '\nExample:\n  $ sluice events tail --topic catalog --topic rollouts')
    .action(async (options: Options) => {
      const session = open();
      const { topic, from } = options;
      const sources = sourcesOf(session.api, topic, from);
      await Promise.all(
        sources.map((source) => tail(session, source, { start: from ?? 'end', filter: filterOf(options) })),
      );
    });
  filtered(events.command('list'))
    .description('list the events that are there')
    .option('--from <position>', 'begin after this position, with --newest before it', toPosition)
    .option('--newest', 'the last ones, newest first')
    .option('--limit <count>', 'at most about so many (what was recorded together stays together)', toLimit, 100)
    .addHelpText('after', '\nExample:\n  $ sluice events list --topic rollouts --from 1200 --limit 500')
    .action((options: ListOptions) => list(open(), options));
}

function filterOf({ type, patch, device, actor, since, until }: Options): Filter {
  return { types: type?.join(','), patchId: patch, deviceId: device, actor, since, until };
}

/** The feeds to read: one for each address, with the topics that its services own. */
function sourcesOf(api: Api, wanted: readonly Topic[], from: string | undefined): { host: Host; topics: string }[] {
  const owners = wanted.map((topic) => topicOwners[topic]);
  const sources = api.hosts([...new Set(owners)]).map((host) => {
    const owned = wanted.filter((topic) => host.services.includes(topicOwners[topic]));
    return { host, topics: owned.join(',') };
  });
  if (from !== undefined && sources.length > 1) {
    throw usageError('--from means nothing to several services at once.', 'Name topics of one service with --topic.');
  }
  return sources;
}

async function list({ api, output }: Session, options: ListOptions): Promise<void> {
  const { topic, from, limit, newest = false } = options;
  const sources = sourcesOf(api, topic, from);
  const query = { ...filterOf(options), ...(newest && { order: 'newest' as const }) };
  const start = from ?? (newest ? 'end' : '0');
  const pages = await Promise.all(sources.map((source) => readFeed(api, source, { query, start, limit })));
  const later = newest ? -1 : 1;
  const items = pages
    .flatMap(({ events }) => events)
    .sort((left, right) => (left.time < right.time ? -later : left.time > right.time ? later : 0));
  const [page] = pages;
  const more = pages.some(({ caughtUp }) => !caughtUp);
  output.answer(
    { items, ...(pages.length === 1 && page !== undefined ? { next: page.next } : {}), caughtUp: !more },
    (_, paint) => (items.length === 0 ? 'No events.' : items.map((event) => eventText(event, paint)).join('\n')),
  );
  if (more)
    output.note(
      pages.length === 1
        ? `There are more: --from ${page?.next ?? ''}`
        : 'There are more: --limit, or --topic with --from.',
    );
}

/** The events of a feed from a place on, page by page; about `limit` of them at the most, `caughtUp` where there are no more. */
export async function readFeed(
  api: Api,
  { host, topics: owned }: { host: Host; topics: string },
  { query, start, limit }: { query: Filter; start: string; limit: number },
) {
  const events: FeedEventView[] = [];
  let page: Pick<FeedPage, 'next' | 'caughtUp'> = { next: start, caughtUp: false };
  while (!page.caughtUp && events.length < limit) {
    const next = { topics: owned, from: page.next, limit: Math.min(limit - events.length, PAGE_EVENTS_MAX) };
    const call = { params: { query: given({ ...next, ...query }) } };
    // A page of a stream is what nobody asked for.
    const found = (await bodyOf(api.of(host.services[0]).GET('/v1/feed', call))) as FeedPage;
    events.push(...found.events);
    page = found;
  }
  return { events, next: page.next, caughtUp: page.caughtUp };
}

/** Prints the events of one feed until Ctrl-C; a line that breaks is taken up again where it broke. */
async function tail(
  session: Session,
  { host, topics: owned }: { host: Host; topics: string },
  { start, filter }: { readonly start: string; readonly filter: Filter },
): Promise<void> {
  const { api, output, terminal } = session;
  const isInterrupted = () => terminal.signal.aborted;
  const cursor = new FeedCursor(start);
  let wait = RECONNECT_FIRST_MS;
  while (!isInterrupted()) {
    const silence = new Silence(SILENCE_MAX_MS);
    try {
      for await (const { event, data } of api.stream(
        host.services[0],
        '/v1/feed',
        { topics: owned, from: cursor.from, ...filter },
        silence.signal,
      )) {
        silence.isOver();
        if (wait !== RECONNECT_FIRST_MS) output.note(`Connected to ${host.url} again.`);
        wait = RECONNECT_FIRST_MS;
        if (event === 'progress') cursor.progress((JSON.parse(data) as { position: string }).position);
        else if (event === 'event') print(JSON.parse(data) as FeedEventView, cursor, session);
        else if (event === 'end')
          output.note(`${host.url} ended the line: ${(JSON.parse(data) as { detail: string }).detail}.`);
      }
    } catch (error) {
      if (isInterrupted()) return;
      const passing = error instanceof CliError && error.exit === 'unavailable' && cursor.isConnected;
      if (!passing) throw error;
    } finally {
      silence.stop();
    }
    if (isInterrupted()) return;
    if (wait === RECONNECT_FIRST_MS) output.note(`The line to ${host.url} broke. Connecting again …`);
    await sleep(wait, undefined, { signal: terminal.signal }).catch(() => undefined);
    wait = Math.min(wait * 2, RECONNECT_MAX_MS);
  }
}

function print(event: FeedEventView, cursor: FeedCursor, { output }: Session): void {
  if (cursor.isNew(event)) output.line(event, eventText);
}

/** Where to take the feed up again. Events of one commit share a position, so the line may break in the middle of them. */
class FeedCursor {
  isConnected = false;
  private at: string | undefined;
  private index = -1;

  constructor(public from: string) {}

  /** All up to the position was delivered. */
  progress(position: string): void {
    this.isConnected = true;
    this.from = position;
    this.at = undefined;
  }

  isNew({ position, place }: FeedEventView): boolean {
    this.isConnected = true;
    if (position === this.at && place.index <= this.index) return false;
    if (position !== this.at && this.at !== undefined) this.from = this.at;
    this.at = position;
    this.index = place.index;
    return true;
  }
}

/** Aborts, as a time-out does, when nothing was heard for so long. */
class Silence {
  private readonly controller = new AbortController();
  private timer: NodeJS.Timeout;

  constructor(private readonly ms: number) {
    this.timer = this.start();
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  isOver(): void {
    clearTimeout(this.timer);
    this.timer = this.start();
  }

  stop(): void {
    clearTimeout(this.timer);
  }

  private start(): NodeJS.Timeout {
    return setTimeout(() => {
      this.controller.abort(new DOMException('nothing was heard', 'TimeoutError'));
    }, this.ms);
  }
}

function eventText({ time: at, type, stream, data, actor }: FeedEventView, paint: Paint): string {
  const fields = data as Readonly<Record<string, unknown>>;
  const subject = typeof fields['deviceId'] === 'string' ? fields['deviceId'] : stream.slice(stream.indexOf('-') + 1);
  const received = Object.entries(fields).filter(([name, value]) => !HIDDEN_FIELDS.has(name) && value !== subject);
  const by = paint('dim', `by ${clean(actor)}`);
  const parts = [
    paint('dim', time(at)),
    paint('bold', type.padEnd(18)),
    clean(subject),
    clean(detailsText(received)),
    by,
  ];
  return parts.filter((part) => part !== '').join('  ');
}

/** Told by the rest of the line. */
const HIDDEN_FIELDS = new Set(['type', 'at', 'occurredAt', 'receivedAt']);

/** Names and values in one line: lists by their length, what is nested by its plain values. */
function detailsText(fields: readonly (readonly [string, unknown])[], isNested = false): string {
  const texts = fields.map(([name, value]) => {
    if (Array.isArray(value)) return value.length === 0 ? '' : `${name}=${String(value.length)}`;
    if (typeof value === 'object' && value !== null) return isNested ? '' : detailsText(Object.entries(value), true);
    return `${name}=${valueText(value)}`;
  });
  return texts.filter((text) => text !== '').join(' ');
}

function valueText(value: unknown): string {
  const text = String(typeof value === 'number' ? Math.round(value * 1000) / 1000 : value);
  const short = text.length > TEXT_CHARACTERS_MAX ? `${text.slice(0, TEXT_CHARACTERS_MAX)}…` : text;
  return /\s/.test(short) ? JSON.stringify(short) : short;
}

// Commander hands the default in as the value before the first one given.
function toTopics(given: string, before: readonly Topic[]): Topic[] {
  const names = gather(given, before === openTopics ? [] : before);
  const wrong = names.find((name) => !topicNames.includes(name as Topic));
  if (wrong !== undefined) throw new InvalidArgumentError(`Topics are ${topicNames.join(', ')}.`);
  return names as Topic[];
}

function toPosition(given: string): string {
  if (/^([A-Za-z0-9]{1,16}\.)?\d{1,20}$/.test(given)) return given;
  throw new InvalidArgumentError('Give a position as events tell it, or 0 for the beginning.');
}
