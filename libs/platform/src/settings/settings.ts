import { parseArgs } from 'node:util';
import { isTraceTarget } from '@sluice/trace-export';

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

/** One setting: what it is called, what it takes, and what it is if nobody sets it. */
export interface SettingRule<Value> {
  readonly flag: string;
  readonly description: string;
  readonly fallback: Value;
  parse(text: string): Value | undefined;
  /** What `parse` takes, in words. */
  readonly takes: string;
  /** As a flag it has no value: to name it is to turn it on. */
  readonly isToggle?: true;
}

/** Settings that belong together, by the names that the code has for them. */
export type SettingRules = Readonly<Record<string, SettingRule<string> | SettingRule<number>>>;

/** The values of such settings. */
export type ValuesOf<Rules extends SettingRules> = {
  readonly [Name in keyof Rules]: Rules[Name]['fallback'] extends number ? number : string;
};

/**
 * The settings of every process, each once: `--flag value`, or the environment variable `SLUICE_FLAG`; the flag wins. What a
 * service can be told besides is in its library.
 */
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
  address: text(
    'address',
    '',
    'Where other instances of this service reach this one; from --host and --port if empty.',
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
  webhooks: text(
    'webhooks',
    '',
    'File of the receivers that are told by webhook, closed to others; read once, at the start. Nobody is told if empty.',
  ),
  traces: traceTarget(
    'traces',
    'Where traces go: `otlp` (by the variables OTEL_EXPORTER_OTLP_*), `file:PATH`, or `off`; if empty, as OTEL_TRACES_EXPORTER says, else off.',
  ),
} as const satisfies SettingRules;

export type SettingValues = ValuesOf<typeof settingRules>;

type Given = Readonly<Record<string, string | number>>;

/** The configuration of a process, validated. Injected by this class. */
export class Settings {
  /** Those of every process. */
  readonly values: SettingValues;

  private constructor(private readonly given: Given) {
    this.values = this.of(settingRules);
  }

  /** Settings by their names in the code; those that are not given have their fallbacks. For composition and tests. */
  static of(given: Partial<SettingValues> & Given = {}): Settings {
    return new Settings(given);
  }

  /** The values of the settings that a service has of its own. */
  of<const Rules extends SettingRules>(rules: Rules): ValuesOf<Rules> {
    const values = Object.entries(rules).map(([name, { fallback }]) => [name, this.given[name] ?? fallback]);
    return Object.fromEntries(values) as ValuesOf<Rules>;
  }

  /** The same with some of them replaced. */
  with(replaced: Partial<SettingValues>): Settings {
    return new Settings({ ...this.given, ...replaced });
  }
}

/** What an app knows of beside the settings of every process. */
export interface OwnSettings {
  /** Other fallbacks for the settings of every process. */
  readonly defaults?: Partial<SettingValues>;
  /** The settings of its services. */
  readonly rules?: readonly SettingRules[] | undefined;
  /** Flags that are no settings (no value: a switch). */
  readonly flags?: Readonly<Record<string, OwnFlag>>;
}

/**
 * Reads settings from the command line and the environment. Throws SettingsError for an unknown flag or a value out of range,
 * HelpWanted for `--help`.
 */
export function readSettings(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
  { defaults = {}, rules = [], flags: own = {} }: OwnSettings = {},
): { settings: Settings; own: Record<string, string | boolean | undefined> } {
  const known: SettingRules = Object.assign({}, settingRules, ...rules) as SettingRules;
  if (args.includes('--help')) throw new HelpWanted(usage(own, known, defaults));
  const flags = Object.fromEntries(
    Object.values(known).map(({ flag, isToggle }) => [
      flag,
      { type: isToggle ? ('boolean' as const) : ('string' as const) },
    ]),
  );
  const { values } = parseFlags(args, { ...flags, ...own });
  const read = Object.entries<SettingRule<string | number>>(known).flatMap(([name, rule]) => {
    const variable = environmentVariable(rule.flag);
    const flag = values[rule.flag] as string | true | undefined;
    const given = flag === true ? 'on' : (flag ?? environment[variable]);
    if (given === undefined) return [];
    const value = rule.parse(given);
    if (value === undefined)
      throw new SettingsError(`--${rule.flag} (or ${variable}) is ${JSON.stringify(given)}, but takes ${rule.takes}`);
    return [[name, value] as const];
  });
  return {
    settings: Settings.of({ ...defaults, ...Object.fromEntries(read) }),
    own: Object.fromEntries(Object.keys(own).map((flag) => [flag, values[flag]])),
  };
}

/** Makes the rule of a setting. */
export const setting = { text, toggle, url, oneOf, integer };

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

function usage(
  own: Readonly<Record<string, OwnFlag>>,
  known: SettingRules,
  defaults: Readonly<Record<string, string | number>>,
): string {
  const options = [
    ...Object.entries(own).map(([flag, { type, description }]) => [
      type === 'boolean' ? `--${flag}` : `--${flag} VALUE`,
      description,
    ]),
    ...Object.entries(known).map(([name, { flag, description, fallback, isToggle }]) => {
      if (isToggle) return [`--${flag}`, description];
      const normally = String(defaults[name] ?? fallback);
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

function traceTarget(flag: string, description: string): SettingRule<string> {
  const parse = (given: string) => (isTraceTarget(given) ? given : undefined);
  return { flag, fallback: '', description, takes: 'otlp, off, or file: and a path', parse };
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
