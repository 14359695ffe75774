import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';

export const roles = ['viewer', 'publisher', 'operator', 'responder', 'device'] as const;
export type Role = (typeof roles)[number];

/** What a device token may speak for: one device, or all whose id starts with a prefix. */
export type Binding = { readonly deviceId: string } | { readonly devicePrefix: string };

export interface TokenInfo {
  readonly id: string;
  readonly name: string;
  readonly roles: readonly Role[];
  readonly binding?: Binding;
  readonly createdAt: string;
}

interface StoredToken extends TokenInfo {
  readonly secretSha256: string;
}

/** Who calls, as far as the token tells. */
export class Caller {
  constructor(
    readonly name: string,
    private readonly granted: 'all' | readonly Role[],
    private readonly binding?: Binding,
  ) {}

  get isAdmin(): boolean {
    return this.granted === 'all';
  }

  has(role: Role): boolean {
    return this.granted === 'all' || this.granted.includes(role);
  }

  maySpeakFor(deviceId: string): boolean {
    if (this.binding === undefined) return this.isAdmin;
    return 'deviceId' in this.binding
      ? deviceId === this.binding.deviceId
      : deviceId.startsWith(this.binding.devicePrefix);
  }
}

const ADMIN_FILE = 'admin-token';
const TOKEN_FILE = /^([0-9a-f]{12})\.json$/;
const PRIVATE_FILE = 0o600;
const PRIVATE_FOLDER = 0o700;
/** A token revoked by another process that shares the folder is refused after this time at the latest. */
const RECHECK_AFTER_MS = 5_000;
const CACHED_TOKENS_MAX = 100_000;

/**
 * Bearer tokens in files, one a token, so that processes may share a folder without a lock.
 * Only hashes of the secrets are kept, but for the admin token, which its owner reads from `admin-token`.
 */
export class Tokens {
  private readonly cache = new Map<string, { caller: Caller; checkedAt: number }>();
  private readonly admin: Buffer;
  /** True when this start made the admin token. */
  readonly adminIsNew: boolean;

  constructor(private readonly folder: string) {
    mkdirSync(join(folder, 'tokens'), { recursive: true, mode: PRIVATE_FOLDER });
    this.adminIsNew =
      !existsSync(join(folder, ADMIN_FILE)) &&
      writePrivate(folder, ADMIN_FILE, `slc_admin_${randomBytes(24).toString('base64url')}\n`);
    this.admin = sha256(this.adminToken());
  }

  adminToken(): string {
    return readFileSync(join(this.folder, ADMIN_FILE), 'utf8').trim();
  }

  /** The caller with this token, undefined when there is none. */
  authenticate(token: string): Caller | undefined {
    const cached = this.cache.get(token);
    if (cached !== undefined && performance.now() - cached.checkedAt < RECHECK_AFTER_MS) return cached.caller;
    const caller = this.lookUp(token);
    this.cache.delete(token);
    if (caller === undefined) return undefined;
    if (this.cache.size >= CACHED_TOKENS_MAX) this.cache.clear();
    this.cache.set(token, { caller, checkedAt: performance.now() });
    return caller;
  }

  /** Makes a token. Its text is returned here and nowhere else. */
  create(
    name: string,
    granted: readonly Role[],
    createdAt: string,
    binding?: Binding,
  ): { token: string; info: TokenInfo } {
    const id = randomBytes(6).toString('hex');
    const token = `slc_${id}_${randomBytes(24).toString('base64url')}`;
    const info: TokenInfo = { id, name, roles: granted, createdAt, ...(binding === undefined ? {} : { binding }) };
    const stored: StoredToken = { ...info, secretSha256: sha256(token).toString('hex') };
    writePrivate(join(this.folder, 'tokens'), `${id}.json`, `${JSON.stringify(stored)}\n`);
    return { token, info };
  }

  list(): TokenInfo[] {
    return readdirSync(join(this.folder, 'tokens'))
      .flatMap((file) => {
        const id = TOKEN_FILE.exec(file)?.[1];
        const stored = id === undefined ? undefined : this.read(id);
        if (stored === undefined) return [];
        const { secretSha256: _, ...info } = stored;
        return [info];
      })
      .sort((left, right) => (left.createdAt < right.createdAt ? -1 : 1));
  }

  /** False when there is no such token. */
  revoke(id: string): boolean {
    const file = join(this.folder, 'tokens', `${id}.json`);
    if (!/^[0-9a-f]{12}$/.test(id) || !existsSync(file)) return false;
    rmSync(file);
    this.cache.clear();
    return true;
  }

  private lookUp(token: string): Caller | undefined {
    const hash = sha256(token);
    if (timingSafeEqual(hash, this.admin)) return new Caller('admin', 'all');
    const id = /^slc_([0-9a-f]{12})_/.exec(token)?.[1];
    const stored = id === undefined ? undefined : this.read(id);
    if (stored === undefined || !timingSafeEqual(hash, Buffer.from(stored.secretSha256, 'hex'))) return undefined;
    return new Caller(stored.name, stored.roles, stored.binding);
  }

  // A file that someone damaged is no token; it must not take the service down.
  private read(id: string): StoredToken | undefined {
    try {
      const stored = JSON.parse(
        readFileSync(join(this.folder, 'tokens', `${id}.json`), 'utf8'),
      ) as Partial<StoredToken>;
      const sound = stored.id === id && Array.isArray(stored.roles) && /^[0-9a-f]{64}$/.test(stored.secretSha256 ?? '');
      return sound ? (stored as StoredToken) : undefined;
    } catch {
      return undefined;
    }
  }
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

// Whole or not at all: written beside, synced, linked. False when another process that shares the folder came first.
function writePrivate(folder: string, name: string, content: string): boolean {
  const temporary = join(folder, `.${name}.${randomBytes(4).toString('hex')}`);
  const file = openSync(temporary, 'wx', PRIVATE_FILE);
  try {
    writeSync(file, content);
    fsyncSync(file);
    linkSync(temporary, join(folder, name));
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  } finally {
    closeSync(file);
    rmSync(temporary);
  }
}
