import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { SettingsError } from '@sluice/platform';
import { withBroker } from '../broker.ts';
import { describeMachine, machineInWords } from '../figure.ts';
import { wholeNumber } from '../flags.ts';
import { meddled, poisoned } from './meddling-drills.ts';
import { type Drilled, isPassed, type Outcome, toDrillTable } from './outcome.ts';
import { brokerKilled, consumerKilled, relayKilled, twoRelays } from './process-drills.ts';
import { rebalanced, withoutBroker } from './service-drills.ts';
import { type Ground } from './site.ts';

interface Drill {
  readonly what: string;
  /** How long the load lasts. */
  readonly seconds: number;
  readonly run: (ground: Ground) => Promise<Outcome>;
}

const drills: Readonly<Record<string, Drill>> = {
  'broker-killed': { what: 'broker killed and restarted', seconds: 20, run: brokerKilled },
  'relay-killed': { what: 'relay killed between acknowledgement and checkpoint', seconds: 20, run: relayKilled },
  'two-relays': { what: 'two relays at once', seconds: 20, run: twoRelays },
  'consumer-killed': { what: 'consumer killed', seconds: 20, run: consumerKilled },
  rebalance: { what: 'rebalance every 5 s', seconds: 120, run: rebalanced },
  meddled: { what: 'duplicates, reordering and losses on the way', seconds: 20, run: meddled },
  poison: { what: 'poison in the middle of a stream', seconds: 20, run: poisoned },
  'no-broker': { what: 'without a broker', seconds: 60, run: withoutBroker },
};

/** Runs the drills that the arguments name, all of them if none; resolves with the exit code. */
export async function runDrills(args: readonly string[]): Promise<number> {
  const { names, seconds, json, data } = readArguments(args);
  mkdirSync(data, { recursive: true });
  const folder = mkdtempSync(join(data, 'sluice-drill-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
  const machine = describeMachine();
  const drilled: Drilled[] = [];
  let failures = 0;
  for (const name of names) {
    try {
      const result = await runDrill(name, join(folder, name), seconds);
      if (result === undefined) return 0;
      drilled.push(result);
      if (!isPassed(result)) failures += 1;
    } catch (error) {
      // The others are run all the same.
      failures += 1;
      process.stderr.write(`${name} failed: ${error instanceof Error ? (error.stack ?? '') : String(error)}\n`);
    }
  }
  const text = json
    ? JSON.stringify({ ...machine, drills: drilled.map((each) => ({ ...each, passed: isPassed(each) })) })
    : `${machineInWords(machine)}\n\n${toDrillTable(drilled)}`;
  process.stdout.write(`${text}\n`);
  return failures === 0 ? 0 : 1;
}

/** Undefined where there is no broker to be had. */
async function runDrill(name: string, folder: string, asked: number | undefined): Promise<Drilled | undefined> {
  const drill = drills[name];
  if (drill === undefined) throw new Error(`there is no drill ${name}`);
  const seconds = asked ?? drill.seconds;
  process.stderr.write(`${name}: ${drill.what}…\n`);
  const say = (text: string) => void process.stderr.write(`  ${text}\n`);
  return withBroker(join(folder, 'kafka'), async (broker) => {
    const startedAt = performance.now();
    const outcome = await drill.run({ folder: join(folder, 'data'), broker, seconds, say });
    const result = { name, what: drill.what, ...outcome, seconds: (performance.now() - startedAt) / 1000 };
    say(isPassed(result) ? 'passed' : `FAILED: ${JSON.stringify(result)}`);
    return result;
  });
}

function readArguments(args: readonly string[]) {
  const known = Object.keys(drills);
  const { values, positionals } = readFlags(args);
  const names = [...positionals, ...(values.only ?? [])];
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new SettingsError(`There is no drill "${unknown}", only ${known.join(', ')}.`);
  const seconds = wholeNumber('seconds', values.seconds);
  return {
    names: names.length === 0 ? known : known.filter((name) => names.includes(name)),
    seconds,
    json: values.json === true,
    data: values.data ?? tmpdir(),
  };
}

function readFlags(args: readonly string[]) {
  const text = { type: 'string' } as const;
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { only: { ...text, multiple: true }, seconds: text, json: { type: 'boolean' }, data: text },
    });
  } catch (error) {
    const known = '--only NAME --seconds N --json --data DIR';
    throw new SettingsError(`${error instanceof Error ? error.message : String(error)}\nKnown: ${known}`);
  }
}
