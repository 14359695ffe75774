import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SqliteReader } from '@sluice/event-store-sqlite';
import { AcceleratedClock, type Settings, settingRules, startService } from '@sluice/platform';
import { Demo, narrate, SCENARIO_START_MS } from '@sluice/simulation';
import { InjectedWorld } from './injected-world.ts';
import { drawOn } from './screen.ts';
import { services } from './services.ts';

/** Ten minutes of the fleet's life pass in a second. */
const ACCELERATION = 600;
const DEVICES = 2_000;
const SEED = 1;
const STEP_MS = 200;
const PLAIN_LINE_EVERY_MS = 10_000;

/** Runs Sluice with a demo fleet, in a data folder of its own that the next start goes on with, and tells what happens. */
export async function runDemo(given: Settings): Promise<void> {
  const { values } = given;
  const data = values.data === settingRules.data.fallback ? join(values.data, 'demo') : values.data;
  const logLevel = values.logLevel === settingRules.logLevel.fallback ? 'warn' : values.logLevel;
  const settings = given.with({ data, logLevel });
  const clock = new AcceleratedClock(whereItStopped(join(data, 'sluice.db')), ACCELERATION);
  const { app, address, tokens } = await startService(services, settings, clock);
  const demo = await Demo.start(new InjectedWorld(app, clock, tokens), { devices: DEVICES, seed: SEED });
  const show = process.stderr.isTTY ? drawOn(process.stderr) : lines();
  for (;;) {
    await demo.step(clock.now());
    show(narrate(demo.state(), { address, data }));
    await sleep(STEP_MS);
  }
}

// Time does not pass for the fleet while nobody runs it.
function whereItStopped(storePath: string): number {
  if (!existsSync(storePath)) return SCENARIO_START_MS;
  const reader = SqliteReader.open(storePath);
  try {
    return Date.parse(reader.lastRecordedAt() ?? '') || SCENARIO_START_MS;
  } finally {
    reader.close();
  }
}

/** Without a terminal: the same text now and then, for a log. */
function lines(): (text: readonly string[]) => void {
  let last = -PLAIN_LINE_EVERY_MS;
  return (text) => {
    if (performance.now() - last < PLAIN_LINE_EVERY_MS) return;
    last = performance.now();
    process.stderr.write(`${text.join('\n')}\n\n`);
  };
}
