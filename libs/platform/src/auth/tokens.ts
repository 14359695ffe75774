import { createHash, createHmac, randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  ADMIN_TOKEN_FILE,
  ADMIN_TOKEN_START,
  type FormerAdminToken,
  FORMER_ADMIN_TOKEN_FILE,
  PEERS_KEY_FILE,
  PRIVATE_FOLDER_MODE,
} from '@sluice/contracts/tokens';
import { ProblemError } from '../http/problem.ts';
import { AccessTable, TokenEntry } from './access-table.ts';
import { type Binding, Caller, type Role } from './caller.ts';
import { createPrivateFile, WatchedFile } from './private-file.ts';

const SECRET_BYTES = 24;
/** The id of tokens that only this process knows. */
const LOCAL = 'local';
const CACHED_TOKENS_MAX = 100_000;
/** What a peer token is the HMAC of. */
const PEER_TOKEN_OF = 'sluice peer token 1';
const ADMIN_UNKNOWN = 'the admin token cannot be read';

/** What the tokens of the owner are known by: the events that tell of them, or a file of what they told. */
export interface AccessSource {
  readonly table: AccessTable;
  /** Why a token that is not in the table may be good all the same, undefined when all tokens are known. */
  doubt(): string | undefined;
  /** Domain time in ms, which says what has expired. */
  readonly now: () => number;
}

/**
 * Who has which token. Most tokens come from their owner, the catalog, by events. The admin token and the key that tokens
 * of peers are derived from are files. Only hashes of secrets are in memory, but for the texts of tokens that were used.
 */
export class Tokens {
  private source: AccessSource = { table: new AccessTable(), doubt: () => undefined, now: Date.now };
  private readonly local = new Map<string, TokenEntry>();
  /** By the text of the token. */
  private readonly used = new Map<string, TokenEntry>();
  private readonly admin: WatchedFile;
  private readonly former: WatchedFile;
  private seenAdmin: string | undefined;
  private readonly peersKey: WatchedFile;
  private readonly adminCaller = new Caller('admin', ['admin']);
  private readonly peerCaller = new Caller('system:peer', ['peer']);
  /** True when this start made the admin token. */
  readonly adminIsNew: boolean;

  /** `peersKeyFile`: where the key of the peers is; `peers-key` of the folder if not given. */
  constructor(
    readonly folder: string,
    peersKeyFile = join(folder, PEERS_KEY_FILE),
  ) {
    this.admin = new WatchedFile(join(folder, ADMIN_TOKEN_FILE));
    this.former = new WatchedFile(join(folder, FORMER_ADMIN_TOKEN_FILE), true);
    this.peersKey = new WatchedFile(peersKeyFile);
    this.adminIsNew = make(this.admin, `${ADMIN_TOKEN_START}${secret()}\n`);
    make(this.peersKey, `${secret()}\n`);
  }

  /** Throws 'tokens-unavailable' when the file was never read. */
  adminToken(): string {
    return this.admin.content ?? unavailable(ADMIN_UNKNOWN);
  }

  /** What this process shows to other services, and to other instances. Throws 'tokens-unavailable' without a key. */
  peerToken(): string {
    const [key] = this.peerKeys();
    return key === undefined ? unavailable("the peers' key cannot be read") : peerTokenOf(key);
  }

  /** The files that cannot be read, and why; for the log and for health, as it names paths. */
  trouble(): string | undefined {
    const troubles = [this.admin, this.former, this.peersKey].flatMap(({ trouble }) => trouble ?? []);
    return troubles.length === 0 ? undefined : troubles.join('; ');
  }

  /** Takes the tokens from there from now on. */
  use(source: AccessSource): void {
    this.source = source;
    this.used.clear();
  }

  get table(): AccessTable {
    return this.source.table;
  }

  /** The caller with this token, undefined when there is none. Throws 'tokens-unavailable' when nobody can say. */
  authenticate(text: string): Caller | undefined {
    const entry = this.used.get(text);
    if (entry?.isGood(this.source.now) === true) {
      entry.isUsed = true;
      return entry.caller;
    }
    return this.lookUp(text);
  }

  /** A token that this process alone knows, and until it ends: for a fleet that is simulated in it. */
  createLocal(name: string, roles: readonly Role[], binding?: Binding): string {
    const { text, secretSha256 } = newToken(LOCAL);
    const at = new Date(0).toISOString();
    const token = {
      tokenId: LOCAL,
      name,
      roles,
      secretSha256,
      at,
      number: 0,
      ...(binding !== undefined && { binding }),
    };
    this.local.set(secretSha256, new TokenEntry(token));
    return text;
  }

  /** The ids of the tokens that were used since this was asked last. */
  takeUses(): string[] {
    const ids: string[] = [];
    for (const entry of this.used.values()) {
      if (!entry.isUsed) continue;
      entry.isUsed = false;
      ids.push(entry.token.tokenId);
    }
    return ids;
  }

  private lookUp(text: string): Caller | undefined {
    this.used.delete(text);
    const hash = sha256(text);
    const entry = this.local.get(hash) ?? this.table.findBySecret(hash);
    if (entry?.isGood(this.source.now) === true) {
      if (this.used.size >= CACHED_TOKENS_MAX) this.used.clear();
      this.used.set(text, entry);
      entry.isUsed = true;
      return entry.caller;
    }
    if (this.isAdmin(hash)) return this.adminCaller;
    if (this.peerKeys().some((key) => peerTokenOf(key) === text)) return this.peerCaller;
    const doubt = entry === undefined ? this.doubt() : undefined;
    return doubt === undefined ? undefined : unavailable(doubt);
  }

  // Of two digests that differ, the time of a comparison tells nothing about the secret.
  private isAdmin(hash: string): boolean {
    const { content } = this.admin;
    if (content !== undefined && content !== '' && sha256(content) === hash) return true;
    // Whoever replaced the token has said before what becomes of the former one.
    if (content !== this.seenAdmin) this.former.look();
    this.seenAdmin = content;
    const former = this.former.content;
    return former !== undefined && isFormer(former, hash);
  }

  private doubt(): string | undefined {
    if (this.admin.content === undefined) return ADMIN_UNKNOWN;
    return this.source.doubt();
  }

  private peerKeys(): readonly string[] {
    const lines = this.peersKey.content?.split('\n') ?? [];
    return lines.map((line) => line.trim()).filter((line) => line !== '');
  }
}

/** The text of a new token, and what is kept of it. The id is not secret, and finds the token in lists and logs. */
export function newToken(tokenId: string): { readonly text: string; readonly secretSha256: string } {
  const text = `slc_${tokenId}_${secret()}`;
  return { text, secretSha256: sha256(text) };
}

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function secret(): string {
  return randomBytes(SECRET_BYTES).toString('base64url');
}

function peerTokenOf(key: string): string {
  return `slc_peer_${createHmac('sha256', key).update(PEER_TOKEN_OF).digest('base64url')}`;
}

function isFormer(content: string, hash: string): boolean {
  try {
    const { sha256: former, untilMs } = JSON.parse(content) as Partial<FormerAdminToken>;
    return former === hash && typeof untilMs === 'number' && Date.now() < untilMs;
  } catch {
    return false;
  }
}

/** Makes the file if it is not there; false when it was. What cannot be made shows as a trouble of the file. */
function make(file: WatchedFile, fresh: string): boolean {
  if (file.content !== undefined) return false;
  try {
    mkdirSync(dirname(file.path), { recursive: true, mode: PRIVATE_FOLDER_MODE });
    return createPrivateFile(file.path, fresh);
  } catch {
    return false;
  } finally {
    file.look();
  }
}

function unavailable(because: string): never {
  throw new ProblemError('tokens-unavailable', because);
}
