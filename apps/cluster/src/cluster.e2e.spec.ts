import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type ScenarioResult } from '@sluice/simulation';
import { kafkaForTests, startEventStoreDBDouble, uniqueTopicPrefix } from '@sluice/testing';
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

describe.skipIf(kafka === undefined)('playing a scenario in four processes through a real broker', () => {
  const cluster = (flags: readonly string[]) =>
    play('cluster', ['--kafka', kafka?.brokers ?? '', '--kafka-topic-prefix', uniqueTopicPrefix(), ...flags]);

  it('comes to the same as in one process, on whichever store', { timeout: 10 * MINUTES }, async () => {
    const alone = await play('standalone');
    expect(alone).toMatchObject({ haltedInWave: 2, replayMatches: true, recall: { remaining: 0, reinstalled: 0 } });
    expect(await cluster(['--store', 'embedded'])).toEqual(alone);
    await using double = await startEventStoreDBDouble();
    const url = double.leader.connectionString;
    expect(await cluster(['--store', 'eventstoredb', '--store-url', url])).toEqual(alone);
  });
});
