import { type AccessEvent } from '@sluice/contracts/events';
import { type Immutable } from '@sluice/contracts/primitives';
import { parseTime } from '@sluice/contracts/times';
import { Caller } from './caller.ts';

type Issued = Extract<Immutable<AccessEvent>, { type: 'TokenIssued' }>;

/** A token that was issued and not revoked, as it is kept on disk too. */
export type KnownToken = Omit<Issued, 'type'> & {
  /** Its place in the order in which tokens were issued, from 1. */
  readonly number: number;
};

/** A known token, and whether it is good. Revoked, it stays bad for whoever still has it. */
export class TokenEntry {
  readonly caller: Caller;
  /** Whether it was used since somebody last looked. */
  isUsed = false;
  private untilMs: number;

  constructor(readonly token: KnownToken) {
    const { name, roles, tokenId, binding, expiresAt } = token;
    this.caller = new Caller(name, roles, { tokenId, binding, expiresAt });
    this.untilMs = expiresAt === undefined ? Infinity : parseTime(expiresAt);
  }

  /** `now` is asked only where the token expires: device routes ask this for each request. */
  isGood(now: () => number): boolean {
    return this.untilMs === Infinity || now() < this.untilMs;
  }

  revoke(): void {
    this.untilMs = -Infinity;
  }
}

/** All tokens as their events say. Pure memory: the owner, the other services and a file of them share it. */
export class AccessTable {
  private readonly entries = new Map<string, TokenEntry>();
  private readonly bySecret = new Map<string, TokenEntry>();
  private readonly byName = new Map<string, Set<TokenEntry>>();
  private readonly revoked = new Set<string>();
  private issued = 0;

  /** Total: an event that comes twice, or of a type that is not known, changes nothing. */
  apply(event: Immutable<AccessEvent>): void {
    if (event.type === 'TokenIssued') {
      const { type: _, ...token } = event;
      this.add({ ...token, number: this.issued + 1 });
    } else this.remove(event.tokenId);
  }

  /** Adds what was kept, in the order in which it was issued. */
  add(token: KnownToken): void {
    const { tokenId, secretSha256, name, number } = token;
    if (this.entries.has(tokenId) || this.revoked.has(tokenId)) return;
    const entry = new TokenEntry(token);
    this.issued = Math.max(this.issued, number);
    this.entries.set(tokenId, entry);
    this.bySecret.set(secretSha256, entry);
    this.byName.set(name, (this.byName.get(name) ?? new Set()).add(entry));
  }

  find(tokenId: string): TokenEntry | undefined {
    return this.entries.get(tokenId);
  }

  /** The token with this hash of its text. */
  findBySecret(secretSha256: string): TokenEntry | undefined {
    return this.bySecret.get(secretSha256);
  }

  /** Those that have the name; expired ones too. */
  named(name: string): readonly TokenEntry[] {
    return [...(this.byName.get(name) ?? [])];
  }

  /** Also of a token that was revoked since. */
  wasIssued(tokenId: string): boolean {
    return this.entries.has(tokenId) || this.revoked.has(tokenId);
  }

  /** In the order in which they were issued. */
  all(): IterableIterator<TokenEntry> {
    return this.entries.values();
  }

  get size(): number {
    return this.entries.size;
  }

  private remove(tokenId: string): void {
    this.revoked.add(tokenId);
    const entry = this.entries.get(tokenId);
    if (entry === undefined) return;
    entry.revoke();
    this.entries.delete(tokenId);
    this.bySecret.delete(entry.token.secretSha256);
    const sameName = this.byName.get(entry.token.name);
    sameName?.delete(entry);
    if (sameName?.size === 0) this.byName.delete(entry.token.name);
  }
}
