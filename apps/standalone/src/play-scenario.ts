import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { close, ManualClock, type Settings, SettingsError, startService, wholeNumber } from '@sluice/platform';
import {
  inWords,
  isAsPromised,
  runScenario,
  SCENARIO_DEVICES,
  SCENARIO_SEED,
  SCENARIO_START_MS,
  type ScenarioName,
  scenarioNames,
} from '@sluice/simulation';
import { InjectedWorld } from './injected-world.ts';
import { services } from './services.ts';

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
  const devices = wholeNumber('devices', flags.devices, SCENARIO_DEVICES);
  const seed = wholeNumber('seed', flags.seed, SCENARIO_SEED);
  const data = mkdtempSync(join(tmpdir(), 'sluice-scenario-'));
  process.once('exit', () => {
    rmSync(data, { recursive: true, force: true });
  });
  // Nobody but the scenario needs the port while it plays, so two scenarios can play at once.
  const port = flags.exit === true ? 0 : given.values.port;
  const settings = given.with({ data, port, tokens: '', logLevel: 'warn' });
  const clock = new ManualClock(SCENARIO_START_MS);
  const service = await startService(services, settings, clock);
  const result = await play(new InjectedWorld(service.app, clock, service.tokens), { scenario, seed, devices });
  process.stdout.write(flags.json === true ? `${JSON.stringify(result)}\n` : inWords(result));
  if (flags.exit === true) {
    await close(service.app);
    process.exit(isAsPromised(result) ? 0 : 1);
  }
  process.stderr.write(`The clock stands still now. Look around at ${service.address}, data in ${data}\n`);
}

function play(world: InjectedWorld, request: { scenario: ScenarioName; seed: number; devices: number }) {
  return runScenario(world, {
    ...request,
    onProgress: (line) => process.stderr.write(process.stderr.isTTY ? `\r\u001b[K${line}` : `${line}\n`),
  });
}
