import {
  Artifact,
  Audience,
  BUILD_PATTERN,
  CheckIn,
  Cve,
  Directive,
  errorCodes,
  GateEvidence,
  HealthCell,
  HolderCount,
  ID_PATTERN,
  MODEL_PATTERN,
  Plan,
  Population,
  type PublicEvent,
  Ramp,
  reasonCodes,
  Report,
  ReportReceipt,
  topics,
  TIME_PATTERN,
  Variant,
  VERSION_PATTERN,
  Wave,
} from '@sluice/contracts';
import { environmentVariable, settingRules } from '@sluice/platform';
import { format } from 'prettier';

/** As much of JSON Schema as the contracts use. */
interface Schema {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly string[];
  readonly pattern?: string;
  readonly minimum?: number;
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[] | undefined;
}

const NOTE = '<!-- Made from the code. To make it again: UPDATE_DOCS=1 npm test -- deploy/docs.spec.ts -->';
const MARKDOWN = { parser: 'markdown', printWidth: 120, singleQuote: true } as const;

const eventMeanings: Readonly<Record<PublicEvent['type'], string>> = {
  PatchPublished: 'A patch is there, with all its variants. It reaches no device before a rollout of it starts.',
  PatchAmended: 'Variants or CVEs were added. Nothing is ever taken away; an `exploited` of true replaces a false.',
  PatchSuperseded: 'A later letter of the same base was published.',
  PatchPulled: 'The patch was withdrawn or recalled. This is never undone.',
  PatchFoldedIn: 'A full release contains the patch.',
  RolloutPlanned: 'A plan was made, or another one was put in its place. The plan is as stored.',
  RolloutStarted: 'The rollout runs. `slices` is the number of hypotheses that its gates test; it is fixed here.',
  WaveOpened: 'The audience of a wave is open to its ramp.',
  WaveBaked: 'A wave is over: its bake time has passed, or an operator advanced the rollout.',
  RolloutPaused: 'Somebody stopped the rollout for a while. Its ramp and bake clocks stand still.',
  RolloutResumed: 'The rollout goes on. After a halt, `evidenceSeen` says what the operator looked at.',
  RolloutHalted: 'A gate or a responder stopped the rollout. `evidence` has all that is needed to compute it again.',
  RolloutCompleted: 'The last wave is over. Devices that come late get the patch at once.',
  RolloutAborted: 'The rollout has ended early. Devices keep what they have.',
  RecallStarted: 'Devices that have the patch are directed to remove it.',
  RecallCompleted: 'No known device has the patch any more.',
  RecallReopened: 'After the recall had been completed, a device turned up that has the patch.',
  HoldPlaced: 'Nothing is offered to this slice: of one patch, or of all without `patchId`.',
  HoldLifted: 'Somebody ended the hold.',
  HoldExpired: 'The hold has come to its end by itself.',
  DeviceObserved: 'A device said what it is.',
  DeviceRetired: 'A device is gone for good; nothing waits for it.',
  InstallStarted: 'A device began to install a patch. A trial of the install gate begins.',
  PatchInstalled: 'A device has the patch.',
  PatchInstallFailed: 'An install failed.',
  PatchRolledBack: 'A device went back to its base. All its patches are gone, not only the one that is named.',
  PatchRemoveFailed: 'A removal failed; the device has the patch still.',
  IncidentReported: 'A device told of harm, with or without naming a patch.',
  HealthBucketClosed:
    'The health of one shard in [from, to), counted over its commits up to `throughRevision`. Holders and populations are absolute; only those that changed since the bucket before are listed.',
};

/** Shapes that several events or messages share, described once. */
const sharedShapes: Readonly<Record<string, Schema>> = {
  Artifact,
  Variant,
  Cve,
  Plan,
  Wave,
  Audience,
  Ramp,
  GateEvidence,
  HealthCell,
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

/** Every page of docs/reference that comes from the code, by file name, as it has to be. */
export async function referencePages(): Promise<Record<string, string>> {
  const pages = {
    'events.md': eventsPage(),
    'device-messages.md': deviceMessagesPage(),
    'reason-codes.md': reasonCodesPage(),
    'error-codes.md': errorCodesPage(),
    'configuration.md': configurationPage(),
  };
  const formatted = Object.entries(pages).map(
    async ([name, text]) => [name, await format(`${NOTE}\n\n${text}`, MARKDOWN)] as const,
  );
  return Object.fromEntries(await Promise.all(formatted));
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
stream), \`position\`, \`time\`, \`actor\`, \`correlationId\` and \`causationId\`. The same event may come twice; its stream and
place tell. \`at\` is when it was decided, \`occurredAt\` when a device says it happened, both in domain time.

${sections.join('\n\n')}

${shapesSection(Object.keys(sharedShapes))}

${typesSection()}`;
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

function configurationPage(): string {
  const rows = Object.values(settingRules).map((rule) => {
    const fallback = rule.fallback === '' ? '' : `\`${String(rule.fallback)}\``;
    return [`\`--${rule.flag}\``, `\`${environmentVariable(rule.flag)}\``, rule.takes, fallback, rule.description];
  });
  return `# Configuration

Each setting is a flag or an environment variable; the flag wins. The apps that run apart have other defaults for two of them: catalog
\`--port 4601 --data .sluice/catalog\`, orchestrator \`--port 4602 --data .sluice/orchestrator\`, telemetry
\`--port 4603 --data .sluice/telemetry\`.

${table(['flag', 'environment', 'takes', 'default', 'what it is'], rows)}`;
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
