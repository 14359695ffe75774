import { chmodSync, chownSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { checkFiles, checkListening, isLoopback } from './exposure.ts';
import { SettingsError } from './settings.ts';

const plain = { host: '127.0.0.1', tlsCert: '', tlsKey: '', insecureHttp: 'off' };

describe('listening', () => {
  it.each(['127.0.0.1', '127.9.9.9', '::1', 'localhost', '::ffff:127.0.0.1'])('needs nothing on %s', (host) => {
    expect(isLoopback(host)).toBe(true);
    expect(checkListening({ ...plain, host })).toEqual({ isTls: false });
  });

  it.each(['0.0.0.0', '::', '', '10.0.0.1', '128.0.0.1', 'localhost.example', '127.0.0.1.example', '::ffff:10.0.0.1'])(
    'is refused on %j without TLS',
    (host) => {
      expect(() => checkListening({ ...plain, host })).toThrow(/--tls-cert FILE --tls-key FILE.*--insecure-http$/s);
      expect(checkListening({ ...plain, host, tlsCert: 'a', tlsKey: 'b' })).toEqual({ isTls: true });
    },
  );

  it('says that it goes without TLS where that is meant', () => {
    const { isTls, warning } = checkListening({ ...plain, host: '0.0.0.0', insecureHttp: 'on' });
    expect([isTls, warning]).toEqual([false, expect.stringContaining('plain text')]);
    expect(checkListening({ ...plain, insecureHttp: 'on' })).toEqual({ isTls: false });
  });

  it('takes a certificate with its key only', () => {
    expect(() => checkListening({ ...plain, tlsCert: 'a' })).toThrow('go together');
    expect(() => checkListening({ ...plain, tlsKey: 'a' })).toThrow('go together');
  });
});

describe('keeping files to oneself', () => {
  const folder = (mode: number) => {
    const path = join(mkdtempSync(join(tmpdir(), 'sluice-exposure-')), "it's data");
    mkdirSync(path);
    chmodSync(path, mode);
    return path;
  };
  const check = (data: string, more: { tokens?: string; peersKeyFile?: string } = {}) =>
    checkFiles({ data, tokens: '', peersKeyFile: '', ...more });

  it.each([0o700, 0o500])('takes a folder with mode %o', (mode) => {
    expect(() => check(folder(mode))).not.toThrow();
  });

  it.each([0o755, 0o701, 0o1777, 0o2775, 0o2707])('refuses a folder that is open to everybody: %o', (mode) => {
    const data = folder(mode);
    expect(() => check(data)).toThrow(SettingsError);
    expect(() => check(data)).toThrow(
      `open to everybody on this machine. Close it: chmod 700 '${data.replace("'", `'\\''`)}'`,
    );
    expect(() => check(folder(0o700), { tokens: data })).toThrow('open to everybody');
  });

  it.each([0o750, 0o770, 0o710])('refuses a folder of its own that is open to a group: %o', (mode) => {
    expect(() => check(folder(mode))).toThrow('open to its group');
  });

  it('takes what an orchestrator has given to its group, and nothing that it has given to another one', () => {
    expect(() => check(folder(0o2770))).not.toThrow();
    const groups = vi.spyOn(process, 'getgroups').mockReturnValue([]);
    const group = vi.spyOn(process, 'getgid').mockReturnValue(54_321);
    expect(() => check(folder(0o2770))).toThrow('open to its group');
    groups.mockRestore();
    group.mockRestore();
  });

  it.runIf(process.getuid?.() === 0)('takes a mounted folder of another user, through the own group only', () => {
    const data = folder(0o770);
    chownSync(data, 54_321, process.getgid?.() ?? 0);
    expect(() => check(data)).not.toThrow();
    chownSync(data, 54_321, 54_321);
    expect(() => check(data)).toThrow('open to its group');
  });

  it('refuses files with tokens that others may read', () => {
    const data = folder(0o700);
    writeFileSync(join(data, 'admin-token'), 'a', { mode: 0o600 });
    expect(() => check(data)).not.toThrow();
    chmodSync(join(data, 'admin-token'), 0o644);
    expect(() => check(data)).toThrow(/admin-token is open to everybody on this machine. Close it: chmod 600 /);
    chmodSync(join(data, 'admin-token'), 0o640);
    expect(() => check(data)).toThrow(/admin-token is open to its group/);
    chmodSync(join(data, 'admin-token'), 0o600);
    const peersKeyFile = join(data, 'feed');
    writeFileSync(peersKeyFile, 'a');
    chmodSync(peersKeyFile, 0o604);
    expect(() => check(data, { peersKeyFile })).toThrow(/feed is open to everybody/);
  });

  it('takes what is not there yet', () => {
    expect(() => check('/nowhere/at/all')).not.toThrow();
  });
});
