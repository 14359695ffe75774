import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import { type AccessEvent } from '@sluice/contracts/events';
import { publishAsIs, StoreFeed } from '@sluice/event-feed';
import { InMemoryEventStore, untraced } from '@sluice/event-sourcing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../time/clock.ts';
import { Followers } from '../replay/followers.ts';
import { ManualTimers } from '../time/timers.ts';
import { AccessFollower } from './access.follower.ts';
import { newToken, Tokens } from './tokens.ts';

const at = '2026-03-17T10:00:00.000Z';
const SAVED_AFTER_MS = 1_000;
const [first, second] = [newToken('t-1'), newToken('t-2')];

/** The feed of the owner, who may not be there. */
class Owner extends StoreFeed {
  isAway = false;

  override silentForMs(): number {
    return this.isAway ? Infinity : 0;
  }

  override async *subscribe(request: Parameters<StoreFeed['subscribe']>[0]) {
    if (this.isAway && !request.signal.aborted)
      await new Promise((resolve) => request.signal.addEventListener('abort', resolve));
    if (!request.signal.aborted) yield* super.subscribe(request);
  }
}

/** Another service, from its start to its end. */
class Service {
  readonly timers = new ManualTimers();
  readonly tokens = new Tokens(folder);
  readonly followers = new Followers(new InMemoryEventStore(clock), untraced);
  readonly access = new AccessFollower({ feed: owner, folder }, { ...this, clock });

  constructor() {
    this.followers.start();
    started.push(this);
  }

  nameOf(text: string): string | undefined {
    return this.tokens.authenticate(text)?.name;
  }

  /** The name, or the code of the problem. */
  answerTo(text: string): string | undefined {
    try {
      return this.nameOf(text);
    } catch (error) {
      return (error as { code: string }).code;
    }
  }

  async upToDate(): Promise<this> {
    await this.access.known(await store.head());
    // What waits for the same runs in the next turn.
    await new Promise(setImmediate);
    return this;
  }
}

let folder: string;
let clock: ManualClock;
let store: InMemoryEventStore;
let owner: Owner;
let started: Service[];

beforeEach(() => {
  Logger.overrideLogger(false);
  folder = mkdtempSync(join(tmpdir(), 'sluice-access-'));
  clock = new ManualClock(Date.parse(at));
  store = new InMemoryEventStore(clock);
  owner = new Owner(store, [publishAsIs('catalog', 'access', ['access'])]);
  started = [];
});
afterEach(async () => {
  for (const { followers } of started) await followers.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function append(...events: AccessEvent[]): Promise<void> {
  const metadata = { actor: 'admin', correlationId: 'c' };
  const commitId = JSON.stringify(events);
  await store.append({ stream: 'access', expected: 'any', commitId, metadata, body: { kind: 'events', events } });
}

function issued({ secretSha256 }: typeof first, tokenId: string, fields: Partial<AccessEvent> = {}): AccessEvent {
  return { type: 'TokenIssued', tokenId, name: tokenId, roles: ['viewer'], secretSha256, at, ...fields };
}

/** A service that has heard of both tokens has come and gone. */
async function runOnce(): Promise<void> {
  await append(issued(first, 't-1'), issued(second, 't-2'));
  const service = await new Service().upToDate();
  service.timers.advance(SAVED_AFTER_MS);
  await service.followers.stop();
}

const unavailable = expect.objectContaining({ code: 'tokens-unavailable' }) as Error;

describe('knowing tokens', () => {
  it('follows their owner, and refuses one from the moment at which it hears of its end', async () => {
    await append(issued(first, 't-1'));
    const service = await new Service().upToDate();
    expect(service.nameOf(first.text)).toBe('t-1');
    expect(service.nameOf(second.text)).toBeUndefined();
    await append({ type: 'TokenRevoked', tokenId: 't-1', at });
    await service.upToDate();
    expect(service.nameOf(first.text)).toBeUndefined();
  });

  it('goes on with what it knew, while the owner is away at the start', async () => {
    await runOnce();
    owner.isAway = true;
    const service = new Service();
    expect([service.nameOf(first.text), service.nameOf(second.text)]).toEqual(['t-1', 't-2']);
    expect(service.access.notReady()).toBeUndefined();
    // It may have been issued since.
    expect(() => service.nameOf(newToken('t-3').text)).toThrow(unavailable);
  });

  it('goes on with what it knew, while the owner is away later; a token that was revoked meanwhile is good still', async () => {
    await append(issued(first, 't-1', { expiresAt: '2026-03-17T11:00:00Z' }));
    const service = await new Service().upToDate();
    owner.isAway = true;
    expect(service.nameOf(first.text)).toBe('t-1');
    expect(() => service.nameOf(second.text)).toThrow(unavailable);
    await clock.advanceTo(Date.parse('2026-03-17T11:00:00Z'));
    expect(service.nameOf(first.text)).toBeUndefined();
  });

  it('makes no revoked token good again while it reads the past anew', async () => {
    await runOnce();
    await append({ type: 'TokenRevoked', tokenId: 't-1', at });
    const before = await new Service().upToDate();
    before.timers.advance(SAVED_AFTER_MS);
    await before.followers.stop();
    const service = new Service();
    const seen = new Set<string | undefined>();
    for (let turn = 0; turn < 50; turn += 1) {
      seen.add(service.answerTo(first.text)).add(service.answerTo(second.text));
      await new Promise(setImmediate);
    }
    expect(seen).toEqual(new Set(['tokens-unavailable', 't-2', undefined]));
    expect(service.answerTo(first.text)).toBeUndefined();
  });

  it('says that it knows none, without a file and without the owner', () => {
    owner.isAway = true;
    const service = new Service();
    expect(() => service.nameOf(first.text)).toThrow(unavailable);
    expect(service.access.notReady()).toBe('are not known yet');
    expect(service.nameOf(service.tokens.adminToken())).toBe('admin');
    expect(service.nameOf(service.tokens.peerToken())).toBe('system:peer');
  });
});

describe('keeping tokens in a file', () => {
  const path = () => join(folder, 'access.json');

  it('writes hashes only, for its owner only', async () => {
    await runOnce();
    expect(statSync(path()).mode & 0o777).toBe(0o600);
    expect(readFileSync(path(), 'utf8')).toContain(first.secretSha256);
    expect(readFileSync(path(), 'utf8')).not.toContain(first.text);
  });

  it.each([
    ['is cut off', () => writeFileSync(path(), readFileSync(path(), 'utf8').slice(0, -9))],
    ['is empty', () => writeFileSync(path(), '')],
    ['is of another version', () => writeFileSync(path(), '{"version":2,"tokens":[]}')],
    ['has a token that is not whole', () => writeFileSync(path(), '{"version":1,"tokens":[{"tokenId":"t-1"}]}')],
    [
      'cannot be read',
      () => {
        rmSync(path());
        mkdirSync(path());
      },
    ],
  ])('answers neither yes nor no where it %s, until the owner answers', async (_name, damage) => {
    await runOnce();
    damage();
    owner.isAway = true;
    const alone = new Service();
    expect(() => alone.nameOf(first.text)).toThrow(unavailable);
    expect(alone.access.trouble()).toContain(path());
    await alone.followers.stop();
    owner.isAway = false;
    expect((await new Service().upToDate()).nameOf(first.text)).toBe('t-1');
  });

  it('goes on where the folder cannot be written, and says so', async () => {
    mkdirSync(path());
    await append(issued(first, 't-1'));
    const service = await new Service().upToDate();
    service.timers.advance(SAVED_AFTER_MS);
    await service.followers.stop();
    expect(service.nameOf(first.text)).toBe('t-1');
    expect(service.access.trouble()).toMatch(/access\.json cannot be written/);
  });

  it('keeps the hour of the last use for the next start', async () => {
    await runOnce();
    const service = await new Service().upToDate();
    service.nameOf(first.text);
    await service.followers.stop();
    const next = await new Service().upToDate();
    expect(next.access.uses.lastUseOf('t-1')).toBe('2026-03-17T10:00:00.000Z');
    expect(next.access.uses.lastUseOf('t-2')).toBeUndefined();
  });
});
