import { execFile, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type ScenarioResult } from '@sluice/simulation';
import { kafkaForTests, leaveOut, startEventStoreDBDouble, uniqueTopicPrefix } from '@sluice/testing';
import { describe, expect, it } from 'vitest';

// The built apps as processes of their own: `npm test` builds them first.
const dist = join(import.meta.dirname, '..', '..', '..', 'dist');
const kafka = await kafkaForTests();
const request = ['--scenario', 'faulty-patch', '--devices', '400', '--seed', '1', '--exit', '--json'];
const MINUTES = 60_000;

async function play(app: string, flags: readonly string[] = []): Promise<Omit<ScenarioResult, 'wallSeconds'>> {
  const parameters = ['--disable-warning=TimeoutNegativeWarning', join(dist, app, 'main.js'), ...request, ...flags];
  const { stdout } = await promisify(execFile)(process.execPath, parameters);
  const { wallSeconds: _, ...result } = JSON.parse(stdout) as ScenarioResult;
  return result;
}

const brokers = kafka?.brokers ?? '';

describe.skipIf(kafka === undefined)('playing a scenario in four processes through a real broker', () => {
  const cluster = (flags: readonly string[], prefix = uniqueTopicPrefix()) =>
    play('cluster', ['--kafka', brokers, '--kafka-topic-prefix', prefix, ...flags]);

  it('comes to the same as in one process, on whichever store', { timeout: 10 * MINUTES }, async () => {
    const alone = await play('standalone');
    expect(alone).toMatchObject({ stoodInWave: 2, replayMatches: true, recall: { remaining: 0, reinstalled: 0 } });
    const prefix = uniqueTopicPrefix();
    expect(await cluster(['--store', 'embedded'], prefix)).toEqual(alone);
    showPull(prefix);
    await using double = await startEventStoreDBDouble();
    const url = double.leader.connectionString;
    expect(await cluster(['--store', 'eventstoredb', '--store-url', url])).toEqual(alone);
  });
});

/** What the guide for analytics says to type, with a program that nobody here wrote. */
function showPull(prefix: string): void {
  const guide = readFileSync(join(dist, '..', 'docs', 'guides', 'analytics.md'), 'utf8');
  const [, command = ''] = /```sh\n(kcat .*)\n```/.exec(guide) ?? [];
  if (spawnSync('kcat', ['-V']).error !== undefined) {
    leaveOut('reading events with kcat', 'kcat is not installed.');
    return;
  }
  const here = command.replace('127.0.0.1:9092', brokers).replace('sluice.catalog.v1', `${prefix}sluice.catalog.v1`);
  const { stdout } = spawnSync('sh', ['-c', here], { encoding: 'utf8' });
  expect(stdout).toContain('ce_type=sluice.catalog.PatchPulled.v1');
  expect(stdout).toContain('"type":"PatchPulled","patchId":"ios-26.3.1-a","mode":"recall"');
}
