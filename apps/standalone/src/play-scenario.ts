import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { close, ManualClock, Settings, SettingsError, startService } from '@sluice/platform';
import {
  runScenario,
  SCENARIO_START_MS,
  type ScenarioName,
  scenarioNames,
  type ScenarioResult,
} from '@sluice/simulation';
import { InjectedWorld } from './injected-world.ts';
import { services } from './services.ts';

const DEVICES_DEFAULT = 20_000;
const DEVICES_MAX = 200_000;
const SEED_MAX = 2 ** 31 - 1;

interface ScenarioFlags {
  readonly scenario?: string | boolean | undefined;
  readonly devices?: string | boolean | undefined;
  readonly seed?: string | boolean | undefined;
  readonly exit?: string | boolean | undefined;
  readonly json?: string | boolean | undefined;
}

/**
 * Plays one scenario as fast as it goes, on a manual clock and a store that is thrown away, and prints its result;
 * without --exit it goes on listening, so that the outcome can be looked at.
 */
export async function playScenario(given: Settings, flags: ScenarioFlags): Promise<void> {
  const scenario = scenarioNames.find((name) => name === flags.scenario);
  if (scenario === undefined) throw new SettingsError(`--scenario takes one of ${scenarioNames.join(', ')}`);
  const devices = wholeNumber('devices', flags.devices, DEVICES_DEFAULT, DEVICES_MAX);
  const seed = wholeNumber('seed', flags.seed, 1, SEED_MAX);
  const data = mkdtempSync(join(tmpdir(), 'sluice-scenario-'));
  process.once('exit', () => {
    rmSync(data, { recursive: true, force: true });
  });
  // Nobody but the scenario needs the port while it plays, so two scenarios can play at once.
  const port = flags.exit === true ? 0 : given.values.port;
  const settings = Settings.of({ ...given.values, data, port, tokens: '', logLevel: 'warn' });
  const clock = new ManualClock(SCENARIO_START_MS);
  const service = await startService(services, settings, clock);
  const result = await play(new InjectedWorld(service.app, clock, service.tokens), { scenario, seed, devices });
  process.stdout.write(flags.json === true ? `${JSON.stringify(result)}\n` : inWords(result));
  if (flags.exit === true) {
    await close(service.app);
    process.exit(isAsExpected(result) ? 0 : 1);
  }
  process.stderr.write(`The clock stands still now. Look around at ${service.address}, data in ${data}\n`);
}

function play(world: InjectedWorld, request: { scenario: ScenarioName; seed: number; devices: number }) {
  return runScenario(world, {
    ...request,
    onProgress: (line) => process.stderr.write(process.stderr.isTTY ? `\r\u001b[K${line}` : `${line}\n`),
  });
}

// What every scenario promises; a run that breaks it must not look like a success to a script.
function isAsExpected({ scenario, haltedInWave, recall, replayMatches }: ScenarioResult): boolean {
  const recalledAll = recall !== null && recall.remaining === 0 && recall.reinstalled === 0;
  return replayMatches && (scenario === 'healthy' ? haltedInWave === null : haltedInWave !== null && recalledAll);
}

function inWords(result: ScenarioResult): string {
  return `\n${Object.entries(result)
    .map(([name, value]) => `${name.padEnd(24)}${typeof value === 'object' ? JSON.stringify(value) : String(value)}`)
    .join('\n')}\n`;
}

function wholeNumber(flag: string, text: string | boolean | undefined, fallback: number, most: number): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!/^\d{1,10}$/.test(String(text)) || value < 1 || value > most) {
    throw new SettingsError(`--${flag} takes a whole number from 1 to ${String(most)}`);
  }
  return value;
}
