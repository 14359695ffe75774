import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Tokens } from './tokens.ts';

let folder: string;
let nowMs: number;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-tokens-'));
  nowMs = 0;
  // Files are looked at again after half a second.
  vi.spyOn(performance, 'now').mockImplementation(() => nowMs);
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

const pathOf = (name: string) => join(folder, name);
const read = (name: string) => readFileSync(pathOf(name), 'utf8').trim();
const nameOf = (tokens: Tokens, text: string) => tokens.authenticate(text)?.name;

/** As `sluice token rotate-admin` does it. */
function rotate(next: string, untilMs: number): void {
  const sha256 = createHash('sha256').update(read('admin-token')).digest('hex');
  writeFileSync(pathOf('admin-token.former'), JSON.stringify({ sha256, untilMs }));
  writeFileSync(pathOf('next'), `${next}\n`);
  renameSync(pathOf('next'), pathOf('admin-token'));
  nowMs += 500;
}

describe('keeping the admin token in a file', () => {
  it('makes it once, for its owner only', () => {
    const made = new Tokens(folder);
    expect(made.adminIsNew).toBe(true);
    expect(statSync(pathOf('admin-token')).mode & 0o777).toBe(0o600);
    expect(statSync(pathOf('peers-key')).mode & 0o777).toBe(0o600);
    const again = new Tokens(folder);
    expect(again.adminIsNew).toBe(false);
    expect(nameOf(again, made.adminToken())).toBe('admin');
    expect(nameOf(again, 'slc_admin_other')).toBeUndefined();
  });

  it('takes a new one without a restart, and the former one until its time is over', () => {
    const tokens = new Tokens(folder);
    const former = tokens.adminToken();
    expect(nameOf(tokens, 'slc_admin_unknown')).toBeUndefined();
    rotate('slc_admin_next', Date.now() + 600_000);
    expect([nameOf(tokens, 'slc_admin_next'), nameOf(tokens, former)]).toEqual(['admin', 'admin']);
    vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 600_001);
    expect([nameOf(tokens, 'slc_admin_next'), nameOf(tokens, former)]).toEqual(['admin', undefined]);
  });

  it('takes the former one no more once nothing is said of it', () => {
    const tokens = new Tokens(folder);
    const former = tokens.adminToken();
    rotate('slc_admin_next', Date.now() + 600_000);
    rmSync(pathOf('admin-token.former'));
    nowMs += 500;
    expect(nameOf(tokens, former)).toBeUndefined();
  });

  it('goes on with the one that it has read when the file is gone', () => {
    const tokens = new Tokens(folder);
    const admin = tokens.adminToken();
    rmSync(pathOf('admin-token'));
    nowMs += 500;
    expect(nameOf(tokens, admin)).toBe('admin');
    expect(tokens.trouble()).toContain('ENOENT');
  });

  it('knows nothing of a token as long as the file was never read', () => {
    mkdirSync(pathOf('admin-token'));
    const tokens = new Tokens(folder);
    expect(() => nameOf(tokens, 'slc_admin_x')).toThrow(
      expect.objectContaining({ code: 'tokens-unavailable' }) as Error,
    );
    expect(nameOf(tokens, tokens.createLocal('ci', ['viewer']))).toBe('ci');
    rmSync(pathOf('admin-token'), { recursive: true });
    writeFileSync(pathOf('admin-token'), 'slc_admin_x\n');
    nowMs += 500;
    expect(nameOf(tokens, 'slc_admin_x')).toBe('admin');
  });
});

describe('deriving the tokens of peers from their key', () => {
  it('gives whoever has the key the same one, and it is no admin', () => {
    const [one, other] = [new Tokens(folder), new Tokens(folder)];
    expect(one.peerToken()).toBe(other.peerToken());
    expect(one.peerToken()).not.toContain(read('peers-key'));
    const caller = one.authenticate(other.peerToken());
    expect([caller?.name, caller?.isAdmin, caller?.has('peer')]).toEqual(['system:peer', false, true]);
  });

  it('takes two keys while one is put in the place of the other, and shows the first', () => {
    const tokens = new Tokens(folder);
    const before = tokens.peerToken();
    writeFileSync(pathOf('peers-key'), `another\n${read('peers-key')}\n`);
    nowMs += 500;
    expect(tokens.peerToken()).not.toBe(before);
    expect([nameOf(tokens, before), nameOf(tokens, tokens.peerToken())]).toEqual(['system:peer', 'system:peer']);
    writeFileSync(pathOf('peers-key'), 'another\n');
    nowMs += 500;
    expect(nameOf(tokens, before)).toBeUndefined();
  });

  it('reads the key from where it is told', () => {
    writeFileSync(pathOf('key'), 'shared');
    expect(new Tokens(folder, pathOf('key')).peerToken()).not.toBe(new Tokens(folder).peerToken());
  });
});
