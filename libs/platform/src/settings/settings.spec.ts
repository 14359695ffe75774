import { describe, expect, it } from 'vitest';
import { readSettings, setting, Settings, SettingsError } from './settings.ts';

const oven = { bakeSeconds: setting.integer('bake-seconds', 60, 1, 3600, 'How long it bakes (seconds).') } as const;

describe('reading the settings of a service', () => {
  it('takes the flag before the variable, and the fallback without either', () => {
    const read = (args: string[], environment: Record<string, string>) =>
      readSettings(args, environment, { rules: [oven] }).settings.of(oven).bakeSeconds;
    expect(read(['--bake-seconds', '5'], { SLUICE_BAKE_SECONDS: '7' })).toBe(5);
    expect(read([], { SLUICE_BAKE_SECONDS: '7' })).toBe(7);
    expect(read([], {})).toBe(60);
  });

  it('refuses a value out of range, and the flag where the service is not', () => {
    const args = ['--bake-seconds', '0'];
    expect(() => readSettings(args, {}, { rules: [oven] })).toThrow('takes a whole number from 1 to 3600');
    expect(() => readSettings(args, {})).toThrow(SettingsError);
  });

  it('lists them with those of every process when help is asked for', () => {
    const help = () => readSettings(['--help'], {}, { rules: [oven], defaults: { port: 4601 } });
    expect(help).toThrow(/--port VALUE .* Normally 4601\.[^]*--bake-seconds VALUE .* Normally 60\./);
  });
});

describe('replacing settings', () => {
  it('keeps those of the services', () => {
    const changed = Settings.of({ bakeSeconds: 5 }).with({ port: 0 });
    expect([changed.values.port, changed.values.shards, changed.of(oven).bakeSeconds]).toEqual([0, 8, 5]);
  });
});
