import { describe, expect, it } from 'vitest';
import { type AccessCommand, decideAccess, type IssueToken } from './access.ts';

const at = '2026-03-17T10:00:00.000Z';
const secretSha256 = 'a'.repeat(64);
const token = { tokenId: 't-2', name: 'ci', roles: ['publisher'], secretSha256, at } as const;
const issue = (changed: Partial<IssueToken> = {}): IssueToken => ({ type: 'IssueToken', ...token, ...changed });

/** Knows the token t-1, of the name `taken`, which is good until an hour later. */
const known = {
  has: (tokenId: string) => tokenId === 't-1',
  holderOf: (name: string, atMs: number) =>
    name === 'taken' && atMs < Date.parse('2026-03-17T11:00:00Z') ? 't-1' : undefined,
};

describe('deciding on tokens', () => {
  it.each<readonly [string, AccessCommand, readonly object[]]>([
    ['issues one', issue(), [{ type: 'TokenIssued', ...token }]],
    [
      'issues one that expires and is bound',
      issue({ expiresAt: '2026-03-17T10:00:01Z', binding: { deviceId: 'd-1' } }),
      [{ type: 'TokenIssued', ...token, expiresAt: '2026-03-17T10:00:01Z', binding: { deviceId: 'd-1' } }],
    ],
    ['issues none twice', issue({ tokenId: 't-1', name: 'taken' }), []],
    [
      'gives a name again once its token has expired',
      issue({ name: 'taken', at: '2026-03-17T11:00:00Z' }),
      [{ type: 'TokenIssued', ...token, name: 'taken', at: '2026-03-17T11:00:00Z' }],
    ],
    ['revokes one', { type: 'RevokeToken', tokenId: 't-1', at }, [{ type: 'TokenRevoked', tokenId: 't-1', at }]],
  ])('%s', (_name, command, events) => {
    expect(decideAccess(command, known)).toEqual(events);
  });

  it.each<readonly [string, string, AccessCommand]>([
    ['a name that is taken', 'token-name-taken', issue({ name: 'taken' })],
    ['the name of the admin token', 'token-name-reserved', issue({ name: 'Admin' })],
    ['a name like those of services', 'token-name-reserved', issue({ name: 'system:peer' })],
    ['an expiry that is past', 'expiry-in-past', issue({ expiresAt: at })],
    ['to revoke what is not there', 'token-not-found', { type: 'RevokeToken', tokenId: 't-9', at }],
  ])('refuses %s', (_name, code, command) => {
    expect(() => decideAccess(command, known)).toThrow(expect.objectContaining({ code }) as Error);
  });
});
