import { parentPort, Worker, workerData } from 'node:worker_threads';
import { type Publication, publicationOf, type Publish } from '@sluice/event-feed';
import { type Commit, type EventStore } from '@sluice/event-sourcing';
import { type FeedStore, type StoreLocation } from '../replay/folds.ts';
import { FeedEvents, StreamElsewhere } from './feed-events.ts';
import { FeedHub, type FromHub, type ToHub } from './feed-hub.ts';
import { type StreamShares } from './stream-shares.ts';

/** The id of a device by its key of four words, for facts that have the key only. */
export interface DeviceNaming {
  nameOf(key: Uint32Array): string | undefined;
}

/** The line to where the feed is read. */
export interface FeedLine {
  send(message: ToHub): void;
  close(): void;
}

export interface FeedListener {
  readonly shares: StreamShares;
  readonly lineage: string;
  readonly hear: (message: FromHub) => void;
  /** The thread is gone, and with it all readers and pages that it had. */
  readonly onLost: (reason: Error) => void;
}

/** Where the feed is read, filtered and encoded: in a thread of its own, so that a pull never waits behind a reader. */
export abstract class FeedThread {
  abstract start(listener: FeedListener): FeedLine;
}

/** In this thread, in slices of a few milliseconds: for a store that only this process can read. */
export class InlineFeed extends FeedThread {
  constructor(
    private readonly store: EventStore,
    private readonly publications: readonly Publication[],
  ) {
    super();
  }

  override start({ shares, lineage, hear }: FeedListener): FeedLine {
    const { store, publications } = this;
    const events = new FeedEvents({
      ...{ store, lineage, publications },
      publish: (commit, publication) => publication.publish(commit),
      isHere: (stream) => shares.isHere(stream),
    });
    const hub = new FeedHub(events, hear);
    return { send: (message) => hub.receive(message), close: () => undefined };
  }
}

/** What the thread of the feed cannot know by itself: whose a stream is, and how devices are called. */
interface Question {
  readonly kind: 'question';
  readonly id: number;
  readonly stream?: string;
  /** Four words each. */
  readonly keys?: Uint32Array;
}

interface Reply {
  readonly kind: 'reply';
  readonly id: number;
  readonly isHere: boolean;
  readonly names: readonly (string | undefined)[];
}

interface FeedWorkerData {
  readonly location: StoreLocation;
  readonly lineage: string;
}

const WORKER_MEMORY_MIB = 1024;
const WORDS_A_KEY = 4;

/** In a worker thread, which opens the store for reading by itself. It starts with the first reader. */
export class WorkerFeed extends FeedThread {
  constructor(
    private readonly workerFile: URL,
    private readonly location: StoreLocation,
  ) {
    super();
  }

  override start({ shares, lineage, hear, onLost }: FeedListener): FeedLine {
    const data: FeedWorkerData = { location: this.location, lineage };
    const resourceLimits = { maxOldGenerationSizeMb: WORKER_MEMORY_MIB };
    const worker = new Worker(this.workerFile, { workerData: data, resourceLimits, name: 'feed' });
    worker.unref();
    let isClosed = false;
    const lost = (reason: Error) => {
      if (!isClosed) onLost(reason);
      isClosed = true;
    };
    worker.on('message', (message: FromHub | Question) => {
      if (message.kind === 'question') worker.postMessage(answerOf(message, shares));
      else hear(message);
    });
    worker.on('error', (error) => lost(error instanceof Error ? error : new Error(String(error))));
    worker.on('exit', () => lost(new Error('the thread of the feed ended')));
    return {
      send: (message) => worker.postMessage(message),
      close: () => {
        isClosed = true;
        void worker.terminate();
      },
    };
  }
}

function answerOf({ id, stream, keys }: Question, shares: StreamShares): Reply {
  const names: (string | undefined)[] = [];
  for (let word = 0; keys !== undefined && word < keys.length; word += WORDS_A_KEY)
    names.push(shares.nameOf(keys.subarray(word, word + WORDS_A_KEY)));
  return { kind: 'reply', id, isHere: stream === undefined || shares.isHere(stream), names };
}

/** The other end of WorkerFeed: the whole of a worker file. Publications are made with what names devices there. */
export async function serveFeed(
  open: (location: StoreLocation) => Promise<FeedStore>,
  publicationsWith: (names: DeviceNaming) => readonly Publication[],
): Promise<void> {
  const port = parentPort;
  if (port === null) return;
  const { location, lineage } = workerData as FeedWorkerData;
  const early: ToHub[] = [];
  let receive = (message: ToHub): void => {
    early.push(message);
  };
  const questions = new Questions((question) => port.postMessage(question));
  port.on('message', (message: ToHub | Reply) => {
    if (message.kind === 'reply') questions.settle(message);
    else receive(message);
  });
  const store = await open(location);
  const names = new AskedNames(questions);
  const events = new FeedEvents({
    ...{ store, lineage, publications: publicationsWith(names) },
    publish: names.publish,
    prepare: names.prepare,
    isHere: (stream) => questions.isHere(stream),
  });
  const hub = new FeedHub(events, (message) =>
    port.postMessage(message, 'bytes' in message ? [message.bytes.buffer] : []),
  );
  receive = (message) => hub.receive(message);
  for (const message of early) hub.receive(message);
}

/** Shards move now and then: an answer holds so long. */
const HERE_KEPT_MS = 1000;

class Questions {
  private readonly waiting = new Map<number, (reply: Reply) => void>();
  private readonly here = new Map<string, { readonly isHere: boolean; readonly askedMs: number }>();
  private lastId = 0;

  constructor(private readonly post: (question: Question) => void) {}

  settle(reply: Reply): void {
    this.waiting.get(reply.id)?.(reply);
    this.waiting.delete(reply.id);
  }

  async isHere(stream: string): Promise<boolean> {
    const known = this.here.get(stream);
    if (known !== undefined && performance.now() - known.askedMs < HERE_KEPT_MS) return known.isHere;
    const { isHere } = await this.ask({ stream });
    if (this.here.size >= STREAMS_KEPT_MAX) this.here.clear();
    this.here.set(stream, { isHere, askedMs: performance.now() });
    return isHere;
  }

  ask(question: Omit<Question, 'kind' | 'id'>): Promise<Reply> {
    const id = (this.lastId += 1);
    return new Promise((resolve) => {
      this.waiting.set(id, resolve);
      this.post({ kind: 'question', id, ...question });
    });
  }
}

const STREAMS_KEPT_MAX = 10_000;
/** Some 10 MiB. */
const NAMES_KEPT_MAX = 50_000;
/** The thread that knows the names is the one that answers requests: each question takes it a fraction of a millisecond. */
const NAMES_ASKED_MAX = 256;

/** Names that are asked for once: what reads a commit tries, hears what was missing, and reads it again. */
class AskedNames implements DeviceNaming {
  private readonly kept = new Map<string, string>();
  private asked: ReadonlyMap<string, string> = new Map();
  private missing = new Map<string, Uint32Array>();
  private readonly prepared = new WeakSet<Commit>();

  constructor(private readonly questions: Questions) {}

  nameOf(key: Uint32Array): string {
    const text = textOf(key);
    const name = this.asked.get(text) ?? this.kept.get(text);
    if (name === undefined) this.missing.set(text, key);
    return name ?? '';
  }

  readonly publish: Publish = async (commit, publication) => {
    const found = new Map<string, string>();
    for (;;) {
      const { published, missing } = this.attempt(found, () => publication.publish(commit));
      if (missing.size === 0) return published;
      for (const [text, name] of await this.ask(missing)) {
        // Nobody here knows it: the shard has gone to another instance.
        if (name === undefined) throw new StreamElsewhere();
        found.set(text, name);
      }
    }
  };

  /** Asks for the names of several commits at once. What is not found is found missing when it is wanted. */
  readonly prepare = async (commits: readonly Commit[], publications: readonly Publication[]): Promise<void> => {
    const packed = commits.filter((commit) => commit.body.kind === 'packed' && !this.prepared.has(commit));
    for (const commit of packed) this.prepared.add(commit);
    const { missing } = this.attempt(new Map(), () => {
      for (const commit of packed) this.tryOut(commit, publications);
    });
    await this.ask(missing);
  };

  private tryOut(commit: Commit, publications: readonly Publication[]): void {
    try {
      publicationOf(commit.stream, publications)?.publish(commit);
    } catch {
      // What is wrong with it is told to who reads it.
    }
  }

  // In one go, so that nobody else reads in between: what is missing is missing in this commit.
  private attempt<Published>(found: ReadonlyMap<string, string>, publish: () => Published) {
    this.asked = found;
    this.missing = new Map();
    return { published: publish(), missing: this.missing };
  }

  private async ask(missing: ReadonlyMap<string, Uint32Array>): Promise<ReadonlyMap<string, string | undefined>> {
    const entries = [...missing];
    const parts = Array.from({ length: Math.ceil(entries.length / NAMES_ASKED_MAX) }, (_, part) =>
      entries.slice(part * NAMES_ASKED_MAX, (part + 1) * NAMES_ASKED_MAX),
    );
    const answers = await Promise.all(
      parts.map(async (some) => {
        const keys = new Uint32Array(some.length * WORDS_A_KEY);
        for (const [index, [, key]] of some.entries()) keys.set(key, index * WORDS_A_KEY);
        const { names } = await this.questions.ask({ keys });
        return some.map(([text], index) => [text, names[index]] as const);
      }),
    );
    const found = new Map(answers.flat());
    if (this.kept.size + found.size > NAMES_KEPT_MAX) this.kept.clear();
    for (const [text, name] of found) if (name !== undefined) this.kept.set(text, name);
    return found;
  }
}

function textOf(key: Uint32Array): string {
  return String.fromCharCode(...new Uint16Array(key.buffer, key.byteOffset, 2 * WORDS_A_KEY));
}
