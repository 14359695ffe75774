import { orExit, readSettings, SettingsError, startService, WallClock } from '@sluice/platform';
import { scenarioNames } from '@sluice/simulation';
import { runDemo } from './demo.ts';
import { playScenario } from './play-scenario.ts';
import { services } from './services.ts';

const flags = {
  empty: { type: 'boolean', description: 'Start without the demo, on the real clock, for use.' },
  scenario: { type: 'string', description: `Play a scenario on a simulated clock: ${scenarioNames.join(', ')}.` },
  devices: { type: 'string', description: 'How many devices the scenario has. Normally 20000.' },
  seed: { type: 'string', description: 'The same seed gives the same scenario. Normally 1.' },
  exit: { type: 'boolean', description: 'End when the scenario is over, instead of going on listening.' },
  json: { type: 'boolean', description: 'Print the result of the scenario as one JSON object.' },
} as const;

await orExit(async () => {
  const { settings, own } = readSettings(process.argv.slice(2), process.env, { flags, rules: services.settings });
  if (own.scenario !== undefined) await playScenario(settings, own);
  else if (own.empty === true) {
    const { address } = await startService(services, settings, new WallClock());
    process.stderr.write(`Sluice listens at ${address}\n`);
  } else {
    const meant = (['devices', 'seed', 'exit', 'json'] as const).find((flag) => own[flag] !== undefined);
    if (meant !== undefined) throw new SettingsError(`--${meant} goes with --scenario only`);
    await runDemo(settings);
  }
});
