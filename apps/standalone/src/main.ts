import { orExit, readSettings, SettingsError, startService, WallClock } from '@sluice/platform';
import { runDemo } from './demo.ts';
import { playScenario } from './play-scenario.ts';
import { services } from './services.ts';

const flags = {
  empty: { type: 'boolean' },
  scenario: { type: 'string' },
  devices: { type: 'string' },
  seed: { type: 'string' },
  exit: { type: 'boolean' },
  json: { type: 'boolean' },
} as const;

await orExit(async () => {
  const { settings, own } = readSettings(process.argv.slice(2), process.env, {}, flags);
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
