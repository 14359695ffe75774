import 'reflect-metadata';
import { readFileSync } from 'node:fs';
import {
  Count,
  type NoticeKind,
  noticeKinds,
  OneOf,
  Part,
  RECEIVER_NAME,
  RECEIVERS_MAX,
  Text,
  WebAddress,
  type WebhookFormat,
  webhookFormats,
} from '@sluice/api';
import { type FieldFault } from '@sluice/contracts/errors';
import { plainToInstance } from 'class-transformer';
import { validateSync } from 'class-validator';
import { reasonOf } from '../auth/private-file.ts';
import { toFieldFaults } from '../http/validation.ts';
import { checkPrivateFile, isLoopback } from '../settings/exposure.ts';
import { SettingsError } from '../settings/settings.ts';

const SECRET_START = 'whsec_';
/** As Standard Webhooks asks for. */
const SECRET_BYTES = { min: 24, max: 64 };
const SECRET_MAX = 200;
const WAIT_LONGER_MINUTES = 60;
const WAIT_LONGER_MINUTES_MAX = 14 * 24 * 60;
const ALERTS_PATH = '/api/v2/alerts';

/** Who is told by webhook: one of the file of `--webhooks`. */
export interface Receiver {
  readonly name: string;
  readonly url: string;
  /** `whsec_` and base64; undefined where nothing is signed. */
  readonly secret: string | undefined;
  readonly format: WebhookFormat;
  readonly kinds: readonly NoticeKind[];
  readonly waitLongerMinutes: number;
}

export interface WebhookSettings {
  readonly receivers: readonly Receiver[];
  /** Where people reach Sluice, to be linked to; undefined where nobody said so. */
  readonly sluiceUrl: string | undefined;
}

class ReceiverEntry {
  @Text(RECEIVER_NAME)
  readonly name!: string;

  @WebAddress()
  readonly url!: string;

  @Text({ max: SECRET_MAX, optional: true })
  readonly secret?: string;

  @OneOf(webhookFormats, 'WebhookFormat', { optional: true })
  readonly format: WebhookFormat = 'standard';

  @OneOf(noticeKinds, 'NoticeKind', { optional: true, list: { min: 1, max: noticeKinds.length, unique: true } })
  readonly kinds: readonly NoticeKind[] = noticeKinds;

  @Count({ min: 1, max: WAIT_LONGER_MINUTES_MAX, optional: true })
  readonly waitLongerMinutes: number = WAIT_LONGER_MINUTES;
}

class ReceiversFile {
  @WebAddress({ optional: true })
  readonly sluiceUrl?: string;

  @Part(() => ReceiverEntry, { list: { min: 1, max: RECEIVERS_MAX } })
  readonly receivers!: readonly ReceiverEntry[];
}

/**
 * The receivers of a file that nobody else can read: addresses and secrets stand in it. Whoever can write it may have notices
 * sent anywhere, so that no address is refused for where it leads. Throws SettingsError, which names every fault.
 */
export function readReceivers(path: string): WebhookSettings {
  checkPrivateFile(path);
  const file = plainToInstance(ReceiversFile, contentOf(path), { exposeDefaultValues: true });
  const rules = { whitelist: true, forbidNonWhitelisted: true, forbidUnknownValues: true };
  const faults = toFieldFaults(validateSync(file, rules));
  const all = faults.length > 0 ? faults : file.receivers.flatMap(faultsOf).concat(twins(file.receivers));
  if (all.length > 0) {
    const lines = all.map(({ path: place, detail }) => `  ${place}: ${detail}`);
    throw new SettingsError(`${path} is not a file of receivers:\n${lines.join('\n')}`);
  }
  return { receivers: file.receivers.map(toReceiver), sluiceUrl: file.sluiceUrl?.replace(/\/$/, '') };
}

function contentOf(path: string): object {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new SettingsError(`--webhooks: ${path} cannot be read: ${reasonOf(error)}`);
  }
  try {
    const content: unknown = JSON.parse(text);
    if (typeof content === 'object' && content !== null && !Array.isArray(content)) return content;
  } catch (error) {
    throw new SettingsError(`${path} is not JSON: ${reasonOf(error)}`);
  }
  throw new SettingsError(`${path} is not a file of receivers: it is no JSON object`);
}

function faultsOf({ url, secret, format }: ReceiverEntry, index: number): FieldFault[] {
  const fault = (field: string, detail: string) => ({
    path: `/receivers/${String(index)}/${field}`,
    code: field,
    detail,
  });
  return [
    ...urlFaults(url).map((detail) => fault('url', detail)),
    ...secretFaults(secret, format).map((detail) => fault('secret', detail)),
  ];
}

function urlFaults(text: string): string[] {
  const url = URL.parse(text);
  if (url === null) return ['is no address'];
  if (url.username !== '' || url.password !== '') return ['must have no user and no password in it'];
  const isPlain = url.protocol === 'http:' && !isLoopback(url.hostname.replaceAll(/[[\]]/g, ''));
  return isPlain ? ['must be https; http only to this machine itself (127.0.0.1, ::1, localhost)'] : [];
}

function secretFaults(secret: string | undefined, format: WebhookFormat): string[] {
  if (secret === undefined) return format === 'standard' ? ['is missing: the format standard is signed'] : [];
  const base64 = secret.startsWith(SECRET_START) ? secret.slice(SECRET_START.length) : '';
  const bytes = /^[A-Za-z0-9+/]+={0,2}$/.test(base64) ? Buffer.from(base64, 'base64').length : 0;
  if (bytes >= SECRET_BYTES.min && bytes <= SECRET_BYTES.max) return [];
  const { min, max } = SECRET_BYTES;
  return [`must be ${SECRET_START} and ${String(min)} to ${String(max)} bytes in base64: openssl rand -base64 32`];
}

function twins(receivers: readonly ReceiverEntry[]): FieldFault[] {
  return receivers.flatMap(({ name }, index) =>
    receivers.findIndex((each) => each.name === name) === index
      ? []
      : [{ path: `/receivers/${String(index)}/name`, code: 'name', detail: `${name} is the name of another one` }],
  );
}

function toReceiver({ name, url, secret, format, kinds, waitLongerMinutes }: ReceiverEntry): Receiver {
  const isBase = format === 'alertmanager' && !url.endsWith(ALERTS_PATH);
  const target = isBase ? `${url.replace(/\/$/, '')}${ALERTS_PATH}` : url;
  return { name, url: target, secret, format, kinds, waitLongerMinutes };
}
