import { parseArgs } from 'node:util';

/** A setting that cannot be used. The text says which, and what it takes. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
}

/** Not an error: somebody asked for `--help`. The text lists every option. */
export class HelpWanted extends Error {
  override readonly name = 'HelpWanted';
}

/** A flag that only one app knows. */
export interface OwnFlag {
  readonly type: 'string' | 'boolean';
  readonly description: string;
}

interface SettingRule<Value> {
  readonly flag: string;
  readonly description: string;
  readonly fallback: Value;
  parse(text: string): Value | undefined;
  /** What `parse` takes, in words. */
  readonly takes: string;
  /** As a flag it has no value: to name it is to turn it on. */
  readonly isToggle?: true;
}

/** Every setting, once: `--flag value`, or the environment variable `SLUICE_FLAG`; the flag wins. */
export const settingRules = {
  data: text('data', '.sluice', 'Folder that holds the store, its lock and the tokens.'),
  tokens: text('tokens', '', 'Folder of tokens when services share them; the data folder if empty.'),
  host: text('host', '127.0.0.1', 'Address to listen on.'),
  port: integer('port', 4600, 0, 65_535, 'Port to listen on; 0 picks a free one.'),
  tlsCert: text('tls-cert', '', 'PEM file of the certificate to listen with, and of what leads to its authority.'),
  tlsKey: text('tls-key', '', 'PEM file of the key to it. Both are read again when they change.'),
  insecureHttp: toggle(
    'insecure-http',
    'Listen without TLS where other machines reach it: behind a proxy that ends TLS.',
  ),
  logLevel: oneOf('log-level', 'info', ['trace', 'debug', 'info', 'warn', 'error', 'silent'], 'Least severe log line.'),
  shards: integer('shards', 8, 1, 1024, 'Parts of the fleet. Fixed when the store is created.'),
  policyStaleSeconds: integer(
    'policy-stale-seconds',
    30,
    1,
    3600,
    'Silence of the catalog after which nothing is offered (seconds, wall time).',
  ),
  blindOffersMinutes: integer(
    'blind-offers-minutes',
    60,
    1,
    10_080,
    'Blindness after which nothing is offered any more (minutes, domain time).',
  ),
  healthBucketSeconds: integer('health-bucket-seconds', 60, 1, 3600, 'Width of a health bucket (seconds).'),
  reportingDeadlineMinutes: integer(
    'reporting-deadline-minutes',
    240,
    1,
    10_080,
    'After this time an outcome without a reported start counts as a trial (minutes).',
  ),
  longOfflineHours: integer(
    'long-offline-hours',
    72,
    1,
    8760,
    'Silence after which a holder of a recalled patch is counted apart (hours).',
  ),
  catalogUrl: url('catalog-url', 'http://127.0.0.1:4601', 'Where the catalog listens, for a service that runs apart.'),
  orchestratorUrl: url(
    'orchestrator-url',
    'http://127.0.0.1:4602',
    'Where the orchestrator listens, for a service that runs apart.',
  ),
  telemetryUrl: url(
    'telemetry-url',
    'http://127.0.0.1:4603',
    'Where telemetry listens, for a service that runs apart.',
  ),
  address: text(
    'address',
    '',
    'Where other instances of this service reach this one; from --host and --port if empty.',
  ),
  peerHosts: text(
    'peer-hosts',
    '127.0.0.0/8,::1,localhost',
    'Hosts of other instances that a token may be sent to: names, *.names, CIDRs, with commas between.',
  ),
  clock: oneOf('clock', 'wall', ['wall', 'manual'], 'Whose time it is; `manual` is for scenarios, see POST /v1/clock.'),
  store: oneOf(
    'store',
    'embedded',
    ['embedded', 'embedded-shared', 'eventstoredb'],
    'Where the events are kept; `embedded-shared` for several processes of one machine on one data folder.',
  ),
  storeUrl: text('store-url', 'esdb://127.0.0.1:2113?tls=false', 'Connection string of EventStoreDB.'),
  kafka: text('kafka', '', 'Kafka brokers, as host:port,host:port. Without, services hear each other over HTTP.'),
  kafkaTls: oneOf('kafka-tls', 'off', ['off', 'on'], 'Whether to speak TLS with Kafka.'),
  kafkaCaFile: text('kafka-ca-file', '', 'PEM file of the authority that signed the certificates of the brokers.'),
  kafkaCertFile: text('kafka-cert-file', '', 'PEM file of the own certificate, where brokers want one.'),
  kafkaKeyFile: text('kafka-key-file', '', 'PEM file of the key to it.'),
  kafkaSasl: oneOf(
    'kafka-sasl',
    'none',
    ['none', 'plain', 'scram-sha-256', 'scram-sha-512'],
    'How to log in to Kafka.',
  ),
  kafkaUser: text('kafka-user', '', 'The name to log in with.'),
  kafkaPasswordFile: text('kafka-password-file', '', 'File with the password to log in with.'),
  kafkaTopicPrefix: text(
    'kafka-topic-prefix',
    '',
    'Put before the name of each topic, for several Sluices on one Kafka.',
  ),
  kafkaReplicas: integer('kafka-replicas', 1, 1, 7, 'Copies of each topic that is made. Three or more in production.'),
  kafkaFleetHours: integer('kafka-fleet-hours', 168, 1, 87_600, 'How long the fleet topic keeps events (hours).'),
  peersKeyFile: text(
    'peers-key-file',
    '',
    'File with the key that the tokens of services among themselves come from; `peers-key` of the tokens folder if empty.',
  ),
} as const satisfies Record<string, SettingRule<string> | SettingRule<number>>;

type Rules = typeof settingRules;

/** The configuration of a process, validated. Injected by this class. */
export type SettingValues = {
  readonly [Name in keyof Rules]: Rules[Name]['fallback'] extends number ? number : string;
};

// A class with the fields of the rules, so that Nest can inject it by its type.
export abstract class Settings {
  abstract readonly values: SettingValues;

  /** The settings with some of them replaced: for composition and tests. */
  static of(overrides: Partial<SettingValues> = {}): Settings {
    return new FixedSettings({ ...defaults(), ...overrides });
  }
}

class FixedSettings extends Settings {
  constructor(override readonly values: SettingValues) {
    super();
  }
}

/**
 * Reads settings from the command line and the environment. `own` names further flags of the app (no value: a switch).
 * Throws SettingsError for an unknown flag or a value out of range.
 */
export function readSettings(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
  overrides: Partial<SettingValues> = {},
  own: Readonly<Record<string, OwnFlag>> = {},
): { settings: Settings; own: Record<string, string | boolean | undefined> } {
  if (args.includes('--help')) throw new HelpWanted(usage(own, overrides));
  const rules: readonly SettingRule<string | number>[] = Object.values(settingRules);
  const flags = Object.fromEntries(
    rules.map(({ flag, isToggle }) => [flag, { type: isToggle ? ('boolean' as const) : ('string' as const) }]),
  );
  const { values } = parseFlags(args, { ...flags, ...own });
  const read = Object.fromEntries(
    Object.entries(settingRules).map(([name, rule]) => {
      const variable = environmentVariable(rule.flag);
      const flag = values[rule.flag] as string | true | undefined;
      const given = flag === true ? 'on' : (flag ?? environment[variable]);
      if (given === undefined) return [name, overrides[name as keyof SettingValues] ?? rule.fallback];
      const value = rule.parse(given);
      if (value === undefined)
        throw new SettingsError(`--${rule.flag} (or ${variable}) is ${JSON.stringify(given)}, but takes ${rule.takes}`);
      return [name, value];
    }),
  );
  return {
    settings: Settings.of(read),
    own: Object.fromEntries(Object.keys(own).map((flag) => [flag, values[flag]])),
  };
}

/** The value of an own flag that counts something. Throws SettingsError. */
export function wholeNumber(
  flag: string,
  text: string | boolean | undefined,
  { fallback, most }: { readonly fallback: number; readonly most: number },
): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!/^\d{1,10}$/.test(String(text)) || value < 1 || value > most) {
    throw new SettingsError(`--${flag} takes a whole number from 1 to ${String(most)}`);
  }
  return value;
}

export function environmentVariable(flag: string): string {
  return `SLUICE_${flag.toUpperCase().replaceAll('-', '_')}`;
}

function usage(own: Readonly<Record<string, OwnFlag>>, overrides: Partial<SettingValues>): string {
  const options = [
    ...Object.entries(own).map(([flag, { type, description }]) => [
      type === 'boolean' ? `--${flag}` : `--${flag} VALUE`,
      description,
    ]),
    ...Object.entries<SettingRule<string | number>>(settingRules).map(([name, rule]) => {
      const { flag, description, fallback, isToggle } = rule;
      if (isToggle) return [`--${flag}`, description];
      const normally = String(overrides[name as keyof SettingValues] ?? fallback);
      return [`--${flag} VALUE`, normally === '' ? description : `${description} Normally ${normally}.`];
    }),
  ];
  const lines = options.map(([option = '', text = '']) => `  ${option.padEnd(36)} ${text}`);
  return `Options; settings also as environment variables, as SLUICE_PORT for --port:\n${lines.join('\n')}\n`;
}

function parseFlags(args: readonly string[], options: Record<string, Pick<OwnFlag, 'type'>>) {
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: false });
  } catch (error) {
    const known = Object.keys(options).map((flag) => `--${flag}`);
    throw new SettingsError(`${error instanceof Error ? error.message : String(error)}\nKnown: ${known.join(' ')}`);
  }
}

function defaults(): SettingValues {
  return Object.fromEntries(
    Object.entries(settingRules).map(([name, rule]) => [name, rule.fallback]),
  ) as unknown as SettingValues;
}

function text(flag: string, fallback: string, description: string): SettingRule<string> {
  return { flag, fallback, description, takes: 'text', parse: (given) => given };
}

function toggle(flag: string, description: string): SettingRule<string> {
  const rule = oneOf(flag, 'off', ['off', 'on'], description);
  return { ...rule, takes: 'nothing as a flag; on or off in the environment', isToggle: true };
}

function url(flag: string, fallback: string, description: string): SettingRule<string> {
  const parse = (given: string) =>
    given === fallback || /^https?:$/.test(URL.parse(given)?.protocol ?? '') ? given.replace(/\/$/, '') : undefined;
  return { flag, fallback, description, takes: 'an http or https address', parse };
}

function oneOf(flag: string, fallback: string, choices: readonly string[], description: string): SettingRule<string> {
  const parse = (given: string) => (choices.includes(given) ? given : undefined);
  return { flag, fallback, description, takes: `one of ${choices.join(', ')}`, parse };
}

function integer(
  flag: string,
  fallback: number,
  least: number,
  most: number,
  description: string,
): SettingRule<number> {
  const parse = (given: string) => {
    const value = Number(given);
    return /^\d{1,9}$/.test(given) && value >= least && value <= most ? value : undefined;
  };
  return { flag, fallback, description, takes: `a whole number from ${String(least)} to ${String(most)}`, parse };
}
