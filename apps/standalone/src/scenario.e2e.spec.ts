import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type ScenarioResult } from '@sluice/simulation';
import { describe, expect, it } from 'vitest';

const main = join(import.meta.dirname, '..', '..', '..', 'dist', 'standalone', 'main.js');

async function play(scenario: string, devices: number): Promise<Omit<ScenarioResult, 'wallSeconds'>> {
  const flags = ['--scenario', scenario, '--devices', String(devices), '--seed', '1', '--exit', '--json'];
  const { stdout } = await promisify(execFile)(process.execPath, [main, ...flags]);
  const { wallSeconds, ...result } = JSON.parse(stdout) as ScenarioResult;
  expect(wallSeconds).toBeGreaterThan(0);
  return result;
}

describe('playing a scenario against the real services', () => {
  it(
    'halts a faulty patch by itself and takes it back from every device, the same way twice',
    { timeout: 180_000 },
    async () => {
      const [first, second] = await Promise.all([play('faulty-patch', 3000), play('faulty-patch', 3000)]);
      expect(second).toEqual(first);
      expect(first).toMatchObject({ stoodInWave: 2, replayMatches: true, recall: { remaining: 0, reinstalled: 0 } });
      expect(first.devicesExposedThen).toBeLessThan(first.eligible * 0.25);
      expect(first.recall?.removed).toBe(first.recall?.devices);
    },
  );

  it(
    'takes a patch back from a fleet whose agents say what is not so, and from one that is away for weeks',
    { timeout: 240_000 },
    async () => {
      // The scenarios compare the holders at each hour, and add up the recall at each tick; they fail where they differ.
      const [stale, away] = await Promise.all([play('stale-agents', 1000), play('long-offline', 200)]);
      const promised = { stood: null, replayMatches: true, recall: { remaining: 0, reinstalled: 0 } };
      expect(stale).toMatchObject(promised);
      expect(away).toMatchObject(promised);
      expect(stale.recall?.retired).toBeGreaterThan(0);
      expect(stale.recall?.replaced).toBeGreaterThan(0);
      expect(away.recall?.replaced).toBeGreaterThan(0);
      expect(away.recall?.p99Seconds).toBeGreaterThan(14 * 86_400);
    },
  );

  it('waits while the server of the packages is away, and blames nobody', { timeout: 120_000 }, async () => {
    const result = await play('package-outage', 1000);
    expect(result).toMatchObject({ stood: null, recall: null, replayMatches: true });
    expect(result.waitedFor).toContain('infrastructure');
  });

  it(
    'stops where devices never come back, where they fall back hours later, and where four of four fail',
    { timeout: 240_000 },
    async () => {
      const [looping, slow, small] = await Promise.all([
        play('boot-loop', 3000),
        play('slow-harm', 3000),
        play('small-fleet', 4),
      ]);
      for (const each of [looping, slow, small]) {
        expect(each.stood).not.toBeNull();
        expect(each).toMatchObject({ replayMatches: true, recall: { remaining: 0, reinstalled: 0 } });
      }
      expect(small).toMatchObject({ devices: 4, eligible: 4 });
      expect(small.devicesExposedThen).toBeLessThanOrEqual(3);
      expect(small.devicesBegunThen).toBeLessThanOrEqual(3);
      expect(looping.stoodBecause).toContain('not heard of again');
    },
  );

  it('exposes no more than the pace begins with where nobody says how it fares', { timeout: 120_000 }, async () => {
    const result = await play('blind', 3000);
    expect(result).toMatchObject({ stood: 'wait', replayMatches: true });
    expect(result.waitedFor).toContain('pace');
    expect(result.devicesExposedThen).toBeLessThanOrEqual(390);
  });

  it('refuses a scenario that is not there, and says which are', async () => {
    const failed = play('gloomy', 10);
    await expect(failed).rejects.toMatchObject({ code: 2, stdout: '' });
    await expect(failed).rejects.toThrow(
      'healthy, faulty-patch, reissue, offline-tail, stale-agents, long-offline, package-outage, boot-loop, slow-harm, blind, small-fleet',
    );
  });
});
