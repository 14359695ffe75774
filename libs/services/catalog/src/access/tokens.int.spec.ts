import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type AccessEvent } from '@sluice/contracts/events';
import { InMemoryEventStore, StoreUnavailable } from '@sluice/event-sourcing';
import { AccessFollower, newToken } from '@sluice/platform';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CatalogFixture } from '../catalog.fixture.ts';

interface Issued {
  readonly token: string;
  readonly info: { readonly id: string; readonly name: string; readonly lastUsedAt?: string };
}
interface Page {
  readonly items: readonly Issued['info'][];
  readonly total: number;
  readonly nextCursor?: string;
  readonly notTakenOver?: readonly string[];
}

let catalog: CatalogFixture;

beforeEach(async () => {
  catalog = new CatalogFixture();
  await catalog.start();
});
afterEach(() => catalog.stop());

function issue(body: object, token?: string) {
  return catalog.send('POST', '/v1/tokens', { body: { name: 'ci', roles: ['publisher'], ...body }, token });
}

async function issued(body: object = {}): Promise<Issued> {
  const answer = await issue(body);
  expect(answer.statusCode).toBe(201);
  return answer.json<Issued>();
}

async function list(query = ''): Promise<Page> {
  return (await catalog.send('GET', `/v1/tokens${query}`)).json<Page>();
}

async function statusOf(token: string, path = '/v1/me'): Promise<number> {
  return (await catalog.send('GET', path, { token })).statusCode;
}

async function accessEvents(): Promise<AccessEvent[]> {
  const events: AccessEvent[] = [];
  for await (const { body } of catalog.store.readStream('access')) {
    if (body.kind === 'events') events.push(...(body.events as AccessEvent[]));
  }
  return events;
}

describe('issuing a token', () => {
  it('gives its text once, and keeps the hash of it alone', async () => {
    const { token, info } = await issued({ expiresAt: '2026-03-18T10:00:00Z' });
    expect(info).toEqual({
      ...{ id: expect.stringMatching(/^[0-9a-f]{12}$/) as string, name: 'ci', roles: ['publisher'] },
      ...{ createdAt: '2026-03-17T10:00:00.000Z', expiresAt: '2026-03-18T10:00:00Z' },
    });
    expect(token).toContain(`slc_${info.id}_`);
    const events = await accessEvents();
    expect(events).toMatchObject([{ type: 'TokenIssued', tokenId: info.id, name: 'ci' }]);
    const secret = token.slice(`slc_${info.id}_`.length);
    for (const text of [JSON.stringify(events), JSON.stringify(await list())]) expect(text).not.toContain(secret);
    expect(JSON.stringify(await list())).not.toContain('secretSha256');
    expect(await statusOf(token)).toBe(200);
  });

  it.each([
    ['a device token that is not bound', { roles: ['device'] }],
    ['a binding that is null', { roles: ['device'], deviceId: null }],
    ['an empty prefix', { roles: ['device'], devicePrefix: '' }],
    ['two bindings', { roles: ['device'], deviceId: 'd', devicePrefix: 'd' }],
    ['a binding without the role', { roles: ['viewer'], deviceId: 'd' }],
    ['a gateway that is bound', { roles: ['device', 'gateway'], deviceId: 'd' }],
    ['no role', { roles: [] }],
    ['an unknown role', { roles: ['root'] }],
    ['a name with a line break', { name: 'a\nb' }],
    ['a name with a blank at its end', { name: 'ci ' }],
    ['a time that does not exist', { expiresAt: '2026-02-30T10:00:00Z' }],
  ])('refuses %s', async (_name, body) => {
    expect((await issue(body)).json()).toMatchObject({ status: 400, code: 'invalid-request' });
    expect(await accessEvents()).toEqual([]);
  });

  it.each(['admin', 'Admin', 'system:peer'])('refuses the name %s', async (name) => {
    expect((await issue({ name })).json()).toMatchObject({ status: 400, code: 'token-name-reserved' });
  });

  it('is for admins, of whom there may be several', async () => {
    const { token } = await issued({ name: 'olga', roles: ['admin'] });
    expect((await issue({ name: 'another' }, token)).statusCode).toBe(201);
    const { token: operator } = await issued({ name: 'op', roles: ['operator', 'responder', 'publisher'] });
    expect((await issue({ name: 'more' }, operator)).json()).toMatchObject({ code: 'forbidden' });
  });

  it('has one winner of a name in each of 100 rounds', async () => {
    for (let round = 0; round < 100; round += 1) {
      const name = `n-${String(round)}`;
      const answers = await Promise.all([issue({ name }), issue({ name })]);
      expect(answers.map(({ statusCode }) => statusCode).sort()).toEqual([201, 409]);
    }
    expect(await accessEvents()).toHaveLength(100);
  });

  it('has one winner among two instances on one store', async () => {
    const other = new CatalogFixture();
    other.store = catalog.store;
    await other.start();
    for (let round = 0; round < 50; round += 1) {
      const body = { name: `n-${String(round)}`, roles: ['viewer'] };
      const answers = await Promise.all([issue(body), other.send('POST', '/v1/tokens', { body })]);
      expect(answers.map(({ statusCode }) => statusCode).sort()).toEqual([201, 409]);
    }
    await other.stop();
  });

  it('says which token has the name, so that one whose answer was lost can be revoked', async () => {
    const { info } = await issued();
    const again = await issue({});
    expect(again.json()).toMatchObject({ status: 409, code: 'token-name-taken' });
    expect(again.json<{ detail: string }>().detail).toContain(info.id);
    expect((await catalog.send('DELETE', `/v1/tokens/${info.id}`)).statusCode).toBe(204);
    expect((await issue({})).statusCode).toBe(201);
  });
});

describe('ending a token', () => {
  it('refuses it from the answer on, for good', async () => {
    const { token, info } = await issued();
    expect(await statusOf(token)).toBe(200);
    expect((await catalog.send('DELETE', `/v1/tokens/${info.id}`)).statusCode).toBe(204);
    expect(await statusOf(token)).toBe(401);
    expect((await catalog.send('DELETE', `/v1/tokens/${info.id}`)).json()).toMatchObject({ code: 'token-not-found' });
    await catalog.restart();
    expect(await statusOf(token)).toBe(401);
    expect(await list()).toEqual({ items: [], total: 0 });
  });

  it('refuses it once it has expired, and lets another have its name', async () => {
    const { token } = await issued({ expiresAt: '2026-03-17T11:00:00Z' });
    await catalog.clock.advanceTo(Date.parse('2026-03-17T10:59:59.999Z'));
    expect(await statusOf(token)).toBe(200);
    await catalog.clock.advanceTo(Date.parse('2026-03-17T11:00:00Z'));
    expect(await statusOf(token)).toBe(401);
    await issued();
    expect((await list()).items.map(({ name }) => name)).toEqual(['ci', 'ci']);
  });
});

describe('listing tokens', () => {
  it('gives pages that go on where they were, though tokens come and go', async () => {
    const made: string[] = [];
    for (let each = 0; each < 25; each += 1) made.push((await issued({ name: `t-${String(each)}` })).info.id);
    const first = await list('?limit=10');
    expect(first.items.map(({ id }) => id)).toEqual(made.slice(0, 10));
    expect(first.total).toBe(25);
    await catalog.send('DELETE', `/v1/tokens/${made[9] ?? ''}`);
    await catalog.send('DELETE', `/v1/tokens/${made[11] ?? ''}`);
    await issued({ name: 'late' });
    const second = await list(`?limit=10&cursor=${first.nextCursor ?? ''}`);
    expect(second.items.map(({ id }) => id)).toEqual([made[10], ...made.slice(12, 21)]);
    const third = await list(`?limit=10&cursor=${second.nextCursor ?? ''}`);
    expect(third.items.map(({ name }) => name)).toEqual(['t-21', 't-22', 't-23', 't-24', 'late']);
    expect(third.nextCursor).toBeUndefined();
    expect((await catalog.send('GET', '/v1/tokens?cursor=x')).json()).toMatchObject({ code: 'unknown-cursor' });
  });

  it('shows the hour of the last use', async () => {
    const { token } = await issued();
    expect((await list()).items[0]?.lastUsedAt).toBeUndefined();
    await catalog.clock.advanceTo(Date.parse('2026-03-17T12:34:56Z'));
    await statusOf(token);
    expect((await list()).items[0]?.lastUsedAt).toBe('2026-03-17T12:00:00.000Z');
  });
});

describe('starting again', () => {
  it('knows its tokens before it is asked', async () => {
    const { token } = await issued();
    await catalog.restart();
    expect(await statusOf(token)).toBe(200);
    expect(await statusOf('slc_000000000000_x')).toBe(401);
  });
});

describe('taking over the token files of former versions', () => {
  const [text, twin] = ['00000000000a', '00000000000b'].map(newToken);

  function keep(id: string, fields: object = {}): void {
    const token = { id, name: 'gateway-7', roles: ['device'], binding: { devicePrefix: 'g7-' } };
    const kept = { ...token, createdAt: '2026-01-01T00:00:00.000Z', secretSha256: text?.secretSha256, ...fields };
    mkdirSync(join(catalog.tokens.folder, 'tokens'), { recursive: true });
    writeFileSync(join(catalog.tokens.folder, 'tokens', `${id}.json`), JSON.stringify(kept));
  }
  const files = () => readdirSync(join(catalog.tokens.folder, 'tokens')).sort();

  it('makes an event of each once, and moves the file aside', async () => {
    keep('00000000000a');
    keep('00000000000b', {
      secretSha256: twin?.secretSha256,
      name: 'gateway-7',
      roles: ['viewer'],
      binding: undefined,
    });
    await catalog.restart();
    expect([await statusOf(text?.text ?? ''), await statusOf(twin?.text ?? '')]).toEqual([200, 200]);
    // Names were not unique then.
    const { items } = await list();
    expect(items.map(({ name }) => name)).toEqual(['gateway-7', '00000000000b gateway-7']);
    expect(files()).toEqual(['00000000000a.json.taken-over', '00000000000b.json.taken-over']);
    expect(await accessEvents()).toHaveLength(2);
  });

  it('takes none twice after a crash in between, and brings none back that was revoked', async () => {
    keep('00000000000a');
    await catalog.restart();
    const folder = join(catalog.tokens.folder, 'tokens');
    const putBack = () => renameSync(join(folder, '00000000000a.json.taken-over'), join(folder, '00000000000a.json'));
    putBack();
    await catalog.restart();
    expect(await accessEvents()).toHaveLength(1);
    await catalog.send('DELETE', '/v1/tokens/00000000000a');
    putBack();
    await catalog.restart();
    expect(await statusOf(text?.text ?? '')).toBe(401);
    expect(await accessEvents()).toHaveLength(2);
  });

  it('names a file that is damaged, and leaves it where it is, while all others count', async () => {
    keep('00000000000a');
    keep('00000000000c', { roles: 'all' });
    writeFileSync(join(catalog.tokens.folder, 'tokens', '00000000000d.json'), '{"id":');
    mkdirSync(join(catalog.tokens.folder, 'tokens', '00000000000e.json'));
    await catalog.restart();
    const damaged = ['00000000000c.json', '00000000000d.json', '00000000000e.json'];
    expect((await list()).notTakenOver?.toSorted()).toEqual(damaged);
    expect(files()).toEqual(['00000000000a.json.taken-over', ...damaged]);
    expect(await statusOf(text?.text ?? '')).toBe(200);
  });

  it('leaves a store that cannot write for the next start', async () => {
    keep('00000000000a');
    await catalog.stop();
    catalog.store = new InMemoryEventStore(catalog.clock);
    catalog.store.append = () => Promise.reject(new StoreUnavailable('the disk is full'));
    await catalog.start();
    expect((await list()).notTakenOver).toEqual(['00000000000a.json']);
    await catalog.restart();
    expect(await statusOf(text?.text ?? '')).toBe(200);
    expect(catalog.provided(AccessFollower).notTakenOver).toEqual([]);
    expect(readFileSync(join(catalog.tokens.folder, 'tokens', '00000000000a.json.taken-over'), 'utf8')).toContain(
      'gateway-7',
    );
  });
});
