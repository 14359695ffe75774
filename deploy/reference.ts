import { asyncApi } from '@sluice/contracts/async-api';
import {
  CheckIn,
  CheckInRefusal,
  Directive,
  reasonCodes,
  Report,
  ReportReceipt,
} from '@sluice/contracts/device-protocol';
import { errorCodes } from '@sluice/contracts/errors';
import { EventHeaders } from '@sluice/contracts/event-headers';
import { eventMeanings } from '@sluice/contracts/event-meanings';
import { eventSchemas } from '@sluice/contracts/event-schemas';
import {
  Audience,
  SumEvidence,
  CountColumns,
  HolderCount,
  InstallColumns,
  InstallEvidence,
  KnownSlice,
  TestEvidence,
  Population,
  Slice,
} from '@sluice/contracts/event-shapes';
import { eventTypes, PROGRESS_TYPE } from '@sluice/contracts/event-types';
import { Artifact, Cve, Variant } from '@sluice/contracts/catalog-events';
import { kafkaTopic, kafkaTopics, Plan, Ramp, topics, Wave } from '@sluice/contracts/events';
import { BUILD_PATTERN, ID_PATTERN, MODEL_PATTERN, VERSION_PATTERN } from '@sluice/contracts/primitives';
import { TIME_PATTERN } from '@sluice/contracts/times';
import { type Topic } from '@sluice/contracts/topic-owners';
import { openApiDocument } from './open-api.ts';
import { connectionSettings } from '@sluice/composition';
import { environmentVariable, settingRules, type SettingRules } from '@sluice/platform';
import { orchestratorSettings } from '@sluice/service-orchestrator';
import { telemetrySettings } from '@sluice/service-telemetry';
import { format } from 'prettier';

/** As much of JSON Schema as the contracts use. */
interface Schema {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly string[];
  readonly pattern?: string;
  readonly description?: string;
  readonly minimum?: number;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[] | undefined;
}

/** Where in docs/reference the schemas are. The committed ones are those that were released. */
export const SCHEMAS = 'schemas/';
/** The shards of a fleet in a cluster, unless it was created with another number (design §3.2). */
const CLUSTER_SHARDS = 64;
const NOTE = '<!-- Made from the code. To make it again: UPDATE_DOCS=1 npm test -- deploy/docs.spec.ts -->';
const MARKDOWN = { parser: 'markdown', printWidth: 120, singleQuote: true } as const;

/** Shapes that several events or messages share, described once. */
const sharedShapes: Readonly<Record<string, Schema>> = {
  Artifact,
  Variant,
  Cve,
  Plan,
  Wave,
  Audience,
  Ramp,
  SumEvidence,
  TestEvidence,
  InstallEvidence,
  Slice,
  KnownSlice,
  InstallColumns,
  CountColumns,
  HolderCount,
  Population,
};
const shapeNames = new Map(
  Object.entries(sharedShapes).map(([name, { properties }]) => [JSON.stringify(properties), name]),
);
const patternNames = new Map([
  [ID_PATTERN, 'id'],
  [MODEL_PATTERN, 'model'],
  [BUILD_PATTERN, 'label'],
  [VERSION_PATTERN, 'version'],
  [TIME_PATTERN, 'time'],
]);

/** Every file of docs/reference that comes from the code, by its name there, as it has to be. */
export async function referencePages(): Promise<Record<string, string>> {
  const pages = {
    'events.md': eventsPage(),
    'device-messages.md': deviceMessagesPage(),
    'reason-codes.md': reasonCodesPage(),
    'error-codes.md': errorCodesPage(),
    'configuration.md': configurationPage(),
  };
  const formatted = [
    ...Object.entries(pages).map(async ([name, text]) => [name, await format(`${NOTE}\n\n${text}`, MARKDOWN)] as const),
    ...Object.entries({ ...documents(), 'openapi.json': await openApiDocument() }).map(
      async ([name, json]) => [name, await formatJson(json)] as const,
    ),
  ];
  return Object.fromEntries(await Promise.all(formatted));
}

/** JSON Schemas by event type and version, and an AsyncAPI document a service. */
function documents(): Record<string, object> {
  const schemas = [...eventSchemas()].map(([name, schema]) => [`${SCHEMAS}${name}.json`, schema]);
  const owners = Object.groupBy(Object.keys(topics) as Topic[], (topic) => topics[topic].service);
  const asyncApis = Object.entries(owners).map(([service, own]) => [
    `asyncapi/${service}.json`,
    asyncApi({ title: `Sluice: ${service}`, topics: own, shards: CLUSTER_SHARDS }),
  ]);
  return Object.fromEntries([...schemas, ...asyncApis]) as Record<string, object>;
}

function formatJson(value: object): Promise<string> {
  return format(JSON.stringify(value), { parser: 'json', printWidth: 120 });
}

function eventsPage(): string {
  const sections = Object.entries(topics).map(([topic, { service, streams, events }]) => {
    const from = streams.map((prefix) => `\`${prefix}…\``).join(', ');
    const each = events.map((schema) => {
      const { type } = schema.properties;
      return `### ${type.const}\n\n${eventMeanings[type.const]}\n\n${fieldTable(schema, ['type'])}`;
    });
    return `## Topic \`${topic}\`\n\nOwner: ${service}. Streams: ${from}.\n\n${each.join('\n\n')}`;
  });
  return `# Events

What one service tells the others and the world, as data of \`GET /v1/feed\` and of \`sluice events\`. Consumers must ignore types and
fields that they do not know. Around each event the feed gives \`source\`, \`type\`, \`stream\`, \`place\` (revision and index in the
stream), \`previous\` (the place of the public event before it in the stream), \`position\`, \`time\`, \`actor\`, \`correlationId\` and \`causationId\`. The same event may come twice; its stream and
place tell. \`at\` is when it was decided, \`occurredAt\` when a device says it happened, both in domain time.

${kafkaSection()}

${sections.join('\n\n')}

${shapesSection(Object.keys(sharedShapes))}

${typesSection()}`;
}

function kafkaSection(): string {
  const rows = kafkaTopics.map((topic) => {
    const { keys, partitions } = topics[topic];
    return [
      `\`${kafkaTopic(topic)}\``,
      keys.map((key) => `\`${key}\``).join(', else '),
      partitions === 'shards' ? 'one a shard' : String(partitions),
    ];
  });
  const headers = Object.entries(EventHeaders.properties).map(([name, header]) => {
    const { const: fixed, description }: Schema = header;
    const what = typeof fixed === 'string' ? `Always \`${fixed}\`.` : (description ?? '');
    return [`\`${name}\``, what, (EventHeaders.required as readonly string[]).includes(name) ? '' : 'optional'];
  });
  return `## In Kafka

The same events are records in Kafka: CloudEvents 1.0 in binary mode. The value is the data as JSON, all else is in headers.

${table(['topic', 'key', 'partitions'], rows)}

${table(['header', 'what it is', ''], headers)}

The type of an event is \`sluice.<topic>.<event>.v<version>\`, such as \`${eventTypes.current.get('PatchPulled')?.eventType ?? ''}\`. Its JSON Schema is
the file of [schemas](schemas) with that event and version in its name and \`ce_dataschema\` as its \`$id\`. Within a version only optional fields
are ever added; whatever else changes is a new version, and a consumer that does not know it skips it. Records of type
\`${PROGRESS_TYPE}\` have no key and tell only that all events of their partition up to \`position\` came before; analytics may skip
them, too. Each service describes its topics at \`GET /asyncapi.json\`: [catalog](asyncapi/catalog.json),
[orchestrator](asyncapi/orchestrator.json), [telemetry](asyncapi/telemetry.json).`;
}

function deviceMessagesPage(): string {
  return `# Device messages

How devices speak to Sluice. [Connect your devices](../guides/connect-devices.md) shows them in use. Fields that are not known are ignored
and counted. A report of a kind other than \`status\` and \`incident\` names its patch, and \`rolled-back\` names its cause.

## Check-in: \`POST /v1/check-in\`

${fieldTable(CheckIn)}

## Directive: its answer

With \`remove\`, \`patchIds\` names every patch that falls.

${fieldTable(Directive)}

## Check-ins of many devices: \`POST /v1/check-ins\`, 1 to 1000 of them in \`devices\`

Each answer in \`answers\` is the directive of the device at its place, or why there is none: a bad check-in refuses itself, and not the
others.

${fieldTable(CheckInRefusal)}

## Report: \`POST /v1/reports\`, 1 to 1000 of them in \`reports\`

${fieldTable(Report)}

## Receipt: its answer

${fieldTable(ReportReceipt)}

${shapesSection(['Artifact'])}

${typesSection()}`;
}

function reasonCodesPage(): string {
  const rows = Object.entries(reasonCodes).map(([code, text]) => [`\`${code}\``, text]);
  return `# Reason codes

Every directive says why it is what it is. The first rule that applies gives the reason.

${table(['reason', 'meaning'], rows)}`;
}

function errorCodesPage(): string {
  const rows = Object.entries(errorCodes).map(([code, { status, title }]) => [`\`${code}\``, String(status), title]);
  return `# Error codes

Errors are \`application/problem+json\` (RFC 9457). \`code\` is stable, the text is not. Where a body is at fault, \`errors\` names each
fault with a JSON Pointer. A refused report of a batch has its code in the receipt.

${table(['code', 'HTTP status', 'what it says'], rows)}`;
}

/** Every setting, by which processes take it. */
export const settingsByProcess: Readonly<Record<string, SettingRules>> = {
  'Every process': settingRules,
  'Catalog, orchestrator and telemetry, where they run apart': connectionSettings,
  'The orchestrator': orchestratorSettings,
  Telemetry: telemetrySettings,
};

function settingsSection([title, rules]: readonly [string, SettingRules]): string {
  const rows = Object.values(rules).map((rule) => {
    const fallback = rule.fallback === '' ? '' : `\`${String(rule.fallback)}\``;
    return [`\`--${rule.flag}\``, `\`${environmentVariable(rule.flag)}\``, rule.takes, fallback, rule.description];
  });
  return `## ${title}\n\n${table(['flag', 'environment', 'takes', 'default', 'what it is'], rows)}`;
}

function configurationPage(): string {
  return `# Configuration

Each setting is a flag or an environment variable; the flag wins. The apps that run apart have other defaults for two of them: catalog
\`--port 4601 --data .sluice/catalog\`, orchestrator \`--port 4602 --data .sluice/orchestrator\`, telemetry
\`--port 4603 --data .sluice/telemetry\`. One process that has all services takes the settings of all of them.

${Object.entries(settingsByProcess).map(settingsSection).join('\n\n')}`;
}

function typesSection(): string {
  const lines = [...patternNames].map(([pattern, name]) => `- ${name}: \`${pattern}\``);
  return `## Types\n\nA count is a whole number from 0. Times are RFC 3339. Other types are patterns of text:\n\n${lines.join('\n')}`;
}

function shapesSection(names: readonly string[]): string {
  const each = names.map((name) => `### ${name}\n\n${fieldTable(sharedShapes[name] ?? {})}`);
  return `## Shapes\n\n${each.join('\n\n')}`;
}

function fieldTable({ properties = {}, required = [] }: Schema, left: readonly string[] = []): string {
  const rows = Object.entries(properties)
    .filter(([name]) => !left.includes(name))
    .map(([name, schema]) => [`\`${name}\``, typeText(schema), required.includes(name) ? '' : 'optional']);
  return table(['field', 'type', ''], rows);
}

function typeText(schema: Schema): string {
  const { type, enum: choices, pattern, items, properties, minimum } = schema;
  if (choices !== undefined) {
    if (choices.length === Object.keys(reasonCodes).length) return '[reason code](reason-codes.md)';
    return choices.map((each) => `\`${each}\``).join(', ');
  }
  if (schema.anyOf !== undefined) return schema.anyOf.map(typeText).join(' or ');
  if (items !== undefined) return `list of ${typeText(items)}`;
  if (properties !== undefined) {
    const name = shapeNames.get(JSON.stringify(properties));
    if (name !== undefined) return `[${name}](#${name.toLowerCase()})`;
    const optional = (field: string) => (schema.required?.includes(field) === true ? '' : '?');
    const fields = Object.entries(properties).map(([field, each]) => `${field}${optional(field)}: ${typeText(each)}`);
    return `{ ${fields.join('; ')} }`;
  }
  if (type === 'integer') return minimum === 0 ? 'count' : 'whole number';
  if (pattern !== undefined) return patternNames.get(pattern) ?? `text like \`${pattern.replaceAll('|', '\\|')}\``;
  return type === 'string' ? 'text' : (type ?? 'anything');
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(heads), line(heads.map(() => '---')), ...rows.map(line)].join('\n');
}
