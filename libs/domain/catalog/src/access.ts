import { reject } from '@sluice/event-sourcing';

/** What a device token may speak for: one device, or all whose id starts with a prefix. */
export type TokenBinding = { readonly deviceId: string } | { readonly devicePrefix: string };

export type TokenRole = 'viewer' | 'publisher' | 'operator' | 'responder' | 'device' | 'gateway' | 'peer' | 'admin';

interface NewToken {
  readonly tokenId: string;
  readonly name: string;
  readonly roles: readonly TokenRole[];
  readonly binding?: TokenBinding;
  readonly expiresAt?: string;
  /** Of the whole text of the token; the text itself comes no further than to whoever asked for it. */
  readonly secretSha256: string;
  readonly at: string;
}

export type IssueToken = { readonly type: 'IssueToken' } & NewToken;
export type RevokeToken = { readonly type: 'RevokeToken'; readonly tokenId: string; readonly at: string };
export type AccessCommand = IssueToken | RevokeToken;

export type AccessEvent =
  | ({ readonly type: 'TokenIssued' } & NewToken)
  | { readonly type: 'TokenRevoked'; readonly tokenId: string; readonly at: string };

/** All tokens as they are at the revision at which a command is decided. */
export interface KnownTokens {
  /** True of a token that was issued and not revoked. */
  has(tokenId: string): boolean;
  /** The id of a token that has the name and is good at that instant (ms since 1970). */
  holderOf(name: string, atMs: number): string | undefined;
}

const RESERVED_NAME = /^(admin$|system:)/i;

/**
 * The events of a command. A token that was issued before is not issued again.
 * Rejects: token-name-reserved, token-name-taken, expiry-in-past, token-not-found.
 */
export function decideAccess(command: AccessCommand, known: KnownTokens): readonly AccessEvent[] {
  switch (command.type) {
    case 'IssueToken':
      return issue(command, known);
    case 'RevokeToken': {
      const { tokenId, at } = command;
      if (!known.has(tokenId)) reject('token-not-found', tokenId);
      return [{ type: 'TokenRevoked', tokenId, at }];
    }
  }
}

/** Whether tokens of this name would pass for Sluice itself. */
export function isReservedName(name: string): boolean {
  return RESERVED_NAME.test(name);
}

function issue({ type: _, ...token }: IssueToken, known: KnownTokens): readonly AccessEvent[] {
  const { tokenId, name, expiresAt, at } = token;
  if (known.has(tokenId)) return [];
  if (isReservedName(name)) reject('token-name-reserved', name);
  const atMs = Date.parse(at);
  if (expiresAt !== undefined && Date.parse(expiresAt) <= atMs) reject('expiry-in-past', expiresAt);
  const holder = known.holderOf(name, atMs);
  if (holder !== undefined) reject('token-name-taken', `${name} is the name of ${holder}`);
  return [{ type: 'TokenIssued', ...token }];
}
