import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { noticeKinds } from '@sluice/api';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SettingsError } from '../settings/settings.ts';
import { readReceivers } from './receivers.ts';

const secret = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
const pager = { name: 'pager', url: 'https://pager.example/hook', secret };

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-receivers-'));
  file = join(folder, 'webhooks.json');
});
afterEach(() => rmSync(folder, { recursive: true }));

function write(content: unknown, mode = 0o600): string {
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content), { mode });
  chmodSync(file, mode);
  return file;
}

function refusal(content: unknown): string {
  write(content);
  try {
    readReceivers(file);
  } catch (error) {
    expect(error).toBeInstanceOf(SettingsError);
    return (error as Error).message;
  }
  return 'taken';
}

describe('reading the file of receivers', () => {
  it('takes receivers of all formats, with what they are if nothing is said', () => {
    const slack = { name: 'chat', url: 'http://127.0.0.1:9000/x', format: 'slack', kinds: ['patch-pulled'] };
    const alerts = { name: 'alerts', url: 'http://localhost:9093/', format: 'alertmanager', waitLongerMinutes: 5 };
    write({ sluiceUrl: 'https://sluice.example/', receivers: [pager, slack, alerts] });
    const { receivers, sluiceUrl } = readReceivers(file);
    expect(sluiceUrl).toBe('https://sluice.example');
    expect(receivers).toEqual([
      { ...pager, format: 'standard', kinds: noticeKinds, waitLongerMinutes: 60 },
      { ...slack, secret: undefined, waitLongerMinutes: 60 },
      { ...alerts, url: 'http://localhost:9093/api/v2/alerts', secret: undefined, kinds: noticeKinds },
    ]);
  });

  it('takes the example of the guide', () => {
    write(readFileSync(join(import.meta.dirname, '../../../../docs/guides/webhooks.json'), 'utf8'));
    expect(readReceivers(file).receivers.map(({ name, format }) => [name, format])).toEqual([
      ['pager', 'standard'],
      ['chat', 'slack'],
      ['alerts', 'alertmanager'],
    ]);
  });

  it.each([
    [
      'a plain address of another machine',
      { ...pager, url: 'http://pager.example' },
      '/receivers/0/url: must be https',
    ],
    ['an address that is none', { ...pager, url: 'pager' }, '/receivers/0/url'],
    ['a password in the address', { ...pager, url: 'https://a:b@pager.example' }, 'no user and no password'],
    ['no secret where it is signed', { ...pager, secret: undefined }, '/receivers/0/secret: is missing'],
    [
      'a secret that is too short',
      { ...pager, secret: 'whsec_AAAA' },
      '/receivers/0/secret: must be whsec_ and 24 to 64',
    ],
    ['an unknown kind', { ...pager, kinds: ['lunch'] }, '/receivers/0/kinds'],
    ['no kind at all', { ...pager, kinds: [] }, '/receivers/0/kinds'],
    ['an unknown format', { ...pager, format: 'pigeon' }, '/receivers/0/format'],
    ['a field that nobody knows', { ...pager, colour: 'red' }, '/receivers/0/colour'],
    ['a name with blanks', { ...pager, name: 'The Pager' }, '/receivers/0/name'],
    ['a wait of no minutes', { ...pager, waitLongerMinutes: 0 }, '/receivers/0/waitLongerMinutes'],
  ])('refuses %s, and says where', (_, receiver, words) => {
    expect(refusal({ receivers: [receiver] })).toContain(words);
  });

  it('refuses two of one name, no receiver, and what is no such file', () => {
    expect(refusal({ receivers: [pager, pager] })).toContain('/receivers/1/name');
    expect(refusal({ receivers: [] })).toContain('/receivers');
    expect(refusal([])).toContain('no JSON object');
    expect(refusal('{')).toContain('is not JSON');
    rmSync(file);
    expect(() => readReceivers(file)).toThrow('cannot be read');
  });

  it('refuses a file that others can read, with the command that closes it', () => {
    write({ receivers: [pager] }, 0o644);
    expect(() => readReceivers(file)).toThrow(`chmod 600 '${file}'`);
  });
});
