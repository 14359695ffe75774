import { SettingsError } from '@sluice/platform';
import { describe, expect, it } from 'vitest';
import { telemetrySettings } from '../settings.ts';
import { PeerHosts } from './peer-hosts.ts';

const standard = new PeerHosts(telemetrySettings.peerHosts.fallback);
const named = new PeerHosts('telemetry-1, *.telemetry.svc.cluster.local,10.1.0.0/16,fd00::/8');

describe('naming the hosts of other instances', () => {
  it.each([
    'http://127.0.0.1:4603',
    'http://127.9.9.9:1',
    'http://localhost:4603',
    'http://LOCALHOST:4603',
    'http://[::1]:4603',
    'http://[::ffff:127.0.0.1]:4603',
    'https://127.0.0.1:4603',
    'http://2130706433/',
    'http://0x7f.1:4603',
  ])('believes %s without a word, for it is this very machine', (address) => {
    expect(standard.has(address)).toBe(true);
  });

  it.each([
    'http://127.0.0.1.evil.example:4603',
    'http://localhost.evil.example:4603',
    'http://localhost.:4603',
    'http://127.0.0.1@evil.example:4603',
    'http://localhost:pass@evil.example',
    'http://user@127.0.0.1:4603',
    'http://evil.example/127.0.0.1',
    'http://evil.example#@localhost',
    'http://128.0.0.1:4603',
    'http://169.254.169.254',
    'http://2852039166/',
    'http://[::ffff:10.0.0.1]:4603',
    'http://[::ffff:a9fe:a9fe]',
    'ftp://127.0.0.1',
    'file:///etc/passwd',
    'javascript:alert(1)',
    '127.0.0.1:4603',
    '//127.0.0.1',
    '',
  ])('sends no token to %j', (address) => {
    expect(standard.has(address)).toBe(false);
  });

  it.each([
    ['http://telemetry-1:4603', true],
    ['http://telemetry-2:4603', false],
    ['http://telemetry-0.telemetry.svc.cluster.local:4603', true],
    ['http://telemetry.svc.cluster.local:4603', false],
    ['http://xtelemetry.svc.cluster.local:4603', false],
    ['http://10.1.255.1:4603', true],
    ['http://10.2.0.1:4603', false],
    ['http://[::ffff:10.1.0.1]:4603', true],
    ['http://[::ffff:10.2.0.1]:4603', false],
    ['http://167837697:4603', true],
    ['http://167903233:4603', false],
    ['http://[fd12::1]:4603', true],
    ['http://[fe80::1]:4603', false],
    ['http://127.0.0.1:4603', false],
  ])('answers for %s: %s', (address, expected) => {
    expect(named.has(address)).toBe(expected);
  });

  it.each([
    '*',
    '*.*.example',
    'a.*.example',
    '10.0.0.0/33',
    '10.0.0.0/8/8',
    '::1/129',
    'http://telemetry',
    'a b',
    'a/8',
  ])('refuses %j as a setting', (text) => {
    expect(() => new PeerHosts(text)).toThrow(SettingsError);
  });

  it('believes nobody when nobody is named', () => {
    expect(new PeerHosts('').has('http://127.0.0.1')).toBe(false);
  });
});
