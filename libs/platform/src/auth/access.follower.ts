import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Logger, type OnModuleInit } from '@nestjs/common';
import { type TokenView } from '@sluice/api';
import { type AccessEvent, topics } from '@sluice/contracts/events';
import { checkPublicEvent } from '@sluice/contracts/feed-check';
import { type Immutable } from '@sluice/contracts/primitives';
import { PRIVATE_FOLDER_MODE } from '@sluice/contracts/tokens';
import { type EventFeed, type FeedEvent, type FeedFollower, followFeed } from '@sluice/event-feed';
import { BEGINNING, type Clock, type EventStore, type Position } from '@sluice/event-sourcing';
import { type Companion, type Followers } from '../replay/followers.ts';
import { type Timers } from '../time/timers.ts';
import { AccessTable, type KnownToken, type TokenEntry } from './access-table.ts';
import { isMissing, reasonOf, replacePrivateFile } from './private-file.ts';
import { TokenUses } from './token-uses.ts';
import { type Tokens } from './tokens.ts';

const SOURCE = topics.access.service;
/** The stream of all tokens. */
export const [ACCESS_STREAM] = topics.access.streams;
const ACCESS_FILE = 'access.json';
const USES_FILE = 'token-uses.json';
const FILE_VERSION = 1;
/** A change is on disk after this time at the latest, if the disk takes it. */
const SAVE_AFTER_MS = 1_000;
/** An owner that is silent for longer may have issued tokens that are not known here. */
const SILENT_MS_MAX = 30_000;
const USES_EVERY_MS = 10 * 60_000;

/** How a process learns of tokens. */
export interface Access {
  /** The feed of the owner; of the owner itself, that of its own store. */
  readonly feed: EventFeed;
  /** The store where the events are, given to the owner. */
  readonly store?: Pick<EventStore, 'readStream'> | undefined;
  /** The data folder, where the last state is kept for the next start; nowhere if not given. */
  readonly folder?: string | undefined;
}

/** All tokens, and of which revision of their stream; none while nothing was issued. */
export interface KnownAccess {
  readonly table: AccessTable;
  readonly revision: number | undefined;
}

/** What it works with. */
interface Surroundings {
  readonly tokens: Tokens;
  readonly followers: Followers;
  readonly clock: Clock;
  readonly timers: Timers;
}

/**
 * Follows the tokens of their owner. Until all events of the owner are there, what an earlier run kept in a file counts, so
 * that known tokens go on being good while the owner is away; others are answered with 'tokens-unavailable'.
 */
export class AccessFollower implements Companion, OnModuleInit {
  readonly name = 'tokens';
  readonly uses: TokenUses;
  /** Files of former versions that the owner could not take over. */
  notTakenOver: readonly string[] = [];
  private readonly table = new AccessTable();
  private readonly follower: FeedFollower;
  private readonly log = new Logger('tokens');
  /** Of the last commit of the stream that was applied. */
  private revision: number | undefined;
  private hasState = false;
  private callOffSave: (() => void) | undefined;
  private callOffUses: (() => void) | undefined;
  private saving: Promise<void> = Promise.resolve();
  private fileTrouble: string | undefined;

  constructor(
    private readonly access: Access,
    private readonly surroundings: Surroundings,
  ) {
    const { tokens, followers, clock } = surroundings;
    makeFolder(access.folder);
    this.uses = new TokenUses(tokens, clock, this.pathOf(USES_FILE));
    this.follower = followers.add(
      followFeed(access.feed, {
        name: 'tokens',
        source: SOURCE,
        topics: ['access'],
        mayLag: true,
        apply: (event) => this.apply(event),
      }),
    );
    this.use(this.load() ?? new AccessTable());
    void this.follower.reached(BEGINNING).then(
      () => this.takeOver(),
      () => undefined,
    );
    followers.accompany(this);
  }

  /** The owner has the stream, and reads it before anybody asks; the feed then brings nothing new. */
  async onModuleInit(): Promise<void> {
    const { store } = this.access;
    if (store === undefined) return;
    await this.readOwn(store);
    this.takeOver();
  }

  /** All tokens of the own store, which the owner alone asks for, and the revision of their stream. */
  async readOwn(store: Pick<EventStore, 'readStream'>): Promise<KnownAccess> {
    for await (const { body, revision } of store.readStream(ACCESS_STREAM)) {
      if (body.kind === 'events') for (const event of body.events) this.table.apply(event as Immutable<AccessEvent>);
      this.revision = revision;
    }
    return { table: this.table, revision: this.revision };
  }

  start(): void {
    this.scheduleUses();
  }

  async stop(): Promise<void> {
    this.callOffUses?.();
    await this.uses.save();
    if (this.callOffSave !== undefined) this.save();
    await this.saving;
  }

  /** Without any state every token but those of files is refused; with one, the owner is not waited for. */
  notReady(): string | undefined {
    return this.hasState ? undefined : 'are not known yet';
  }

  trouble(): string | undefined {
    const { failedBecause } = this.follower;
    const failure = failedBecause === undefined ? undefined : `are followed no more: ${reasonOf(failedBecause)}`;
    const troubles = [failure, this.surroundings.tokens.trouble(), this.fileTrouble].filter(
      (each) => each !== undefined,
    );
    return troubles.length === 0 ? undefined : troubles.join('; ');
  }

  /** All tokens, and the revision of their stream. Throws what stopped the follower; waits for the first time that all is known. */
  async known(position: Position = BEGINNING): Promise<KnownAccess> {
    await this.follower.reached(position);
    return { table: this.table, revision: this.revision };
  }

  /** The token as it is shown, without its hash. */
  view({ token }: TokenEntry): TokenView {
    const { tokenId: id, name, roles, binding, at: createdAt, expiresAt } = token;
    const lastUsedAt = this.uses.lastUseOf(id);
    return {
      ...{ id, name, roles: [...roles], createdAt },
      ...(binding !== undefined && { binding }),
      ...(expiresAt !== undefined && { expiresAt }),
      ...(lastUsedAt !== undefined && { lastUsedAt }),
    };
  }

  private apply({ data, place }: FeedEvent): void {
    this.table.apply(data as Immutable<AccessEvent>);
    this.revision = Math.max(this.revision ?? 0, place.revision);
    if (this.hasTakenOver) this.scheduleSave();
  }

  private get hasTakenOver(): boolean {
    return this.surroundings.tokens.table === this.table;
  }

  // Only all of the events at once: in the midst of them a revoked token would be good again.
  private takeOver(): void {
    this.use(this.table);
    this.hasState = true;
    this.scheduleSave();
  }

  private use(table: AccessTable): void {
    const { tokens, clock } = this.surroundings;
    tokens.use({ table, doubt: () => this.doubt(), now: () => clock.now() });
  }

  private doubt(): string | undefined {
    if (!this.hasTakenOver) return 'the tokens are not all read yet';
    if (this.follower.failedBecause !== undefined) return 'the tokens are followed no more';
    if (this.access.store !== undefined || this.access.feed.silentForMs(SOURCE) < SILENT_MS_MAX) return undefined;
    return `nothing is heard of ${SOURCE}, which owns the tokens`;
  }

  private load(): AccessTable | undefined {
    const path = this.accessPath();
    if (path === undefined) return undefined;
    try {
      const table = readAccess(readFileSync(path, 'utf8'));
      this.hasState = true;
      return table;
    } catch (error) {
      if (isMissing(error)) return undefined;
      this.fileTrouble = `${path} cannot be read: ${reasonOf(error)}`;
      this.log.error(`${this.fileTrouble}; tokens are known once ${SOURCE} answers`);
      return undefined;
    }
  }

  private scheduleSave(): void {
    if (this.accessPath() === undefined || this.callOffSave !== undefined) return;
    this.callOffSave = this.surroundings.timers.after(SAVE_AFTER_MS, () => this.save());
  }

  private save(): void {
    this.callOffSave?.();
    this.callOffSave = undefined;
    const path = this.accessPath();
    if (path === undefined) return;
    this.saving = this.saving.then(() => this.write(path));
  }

  private async write(path: string): Promise<void> {
    const tokens = [...this.table.all()].map(({ token }) => token);
    try {
      await replacePrivateFile(path, JSON.stringify({ version: FILE_VERSION, tokens }));
      this.fileTrouble = undefined;
    } catch (error) {
      const trouble = `${path} cannot be written: ${reasonOf(error)}`;
      if (this.fileTrouble === undefined) this.log.error(trouble);
      this.fileTrouble = trouble;
    }
  }

  private scheduleUses(): void {
    this.callOffUses = this.surroundings.timers.after(USES_EVERY_MS, () => {
      void this.uses.save();
      this.scheduleUses();
    });
  }

  /** The owner needs no copy of what it has. */
  private accessPath(): string | undefined {
    return this.access.store === undefined ? this.pathOf(ACCESS_FILE) : undefined;
  }

  private pathOf(file: string): string | undefined {
    return this.access.folder === undefined ? undefined : join(this.access.folder, file);
  }
}

// With a store elsewhere nothing else makes it. Where it cannot be made, writing into it will say so.
function makeFolder(folder: string | undefined): void {
  if (folder === undefined) return;
  try {
    mkdirSync(folder, { recursive: true, mode: PRIVATE_FOLDER_MODE });
  } catch {
    return;
  }
}

/** Throws when it is not what `write` wrote: of half a state nobody knows which half. */
function readAccess(text: string): AccessTable {
  const { version, tokens } = JSON.parse(text) as { version?: unknown; tokens?: unknown };
  if (version !== FILE_VERSION || !Array.isArray(tokens)) throw new Error('it is not of this version');
  const table = new AccessTable();
  for (const token of tokens as KnownToken[]) {
    const checked = checkPublicEvent({ ...token, type: 'TokenIssued' });
    if ('fault' in checked || !Number.isSafeInteger(token.number)) throw new Error('a token in it is not whole');
    table.add(token);
  }
  return table;
}
