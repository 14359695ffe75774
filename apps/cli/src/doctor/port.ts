import { once } from 'node:events';
import { isIP } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import { duration } from '../output.ts';
import { fault, type Finding, ok, warning } from './finding.ts';

const ANSWER_MS_MAX = 5_000;
/** What services follow without being told; whole seconds in the header are within it. */
const CLOCK_MS_MAX = 5_000;
const CERTIFICATE_DAYS_SCANT = 30;
const MS_PER_DAY = 86_400_000;
/** Of texts that a service answers with. */
const CHARACTERS_SHOWN_MAX = 300;

interface Answer {
  readonly status: number;
  readonly body: unknown;
  /** By how much the clock there is ahead of this machine's (milliseconds); undefined when it was not told. */
  readonly aheadMs: number | undefined;
}

/** What listens at an address and how it is, without a token. `isSluice` tells whether it is worth asking more. */
export async function checkPort(url: string, signal: AbortSignal): Promise<{ findings: Finding[]; isSluice: boolean }> {
  const origin = URL.parse(url)?.origin ?? url;
  const certificate = origin.startsWith('https:') ? await certificateFindings(new URL(origin), signal) : [];
  try {
    const answer = await ask(url, signal);
    const health = healthFindings(origin, answer);
    const isSluice = health !== undefined;
    return {
      findings: [...(health ?? [notSluice(origin, answer)]), ...certificate, ...clockFindings(origin, answer)],
      isSluice,
    };
  } catch (error) {
    return { findings: [unreachable(origin, error), ...certificate], isSluice: false };
  }
}

async function ask(url: string, signal: AbortSignal): Promise<Answer> {
  const startedMs = Date.now();
  const limit = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS_MAX)]);
  const response = await fetch(`${url}/health/ready`, { signal: limit });
  const text = await response.text();
  const hereMs = (startedMs + Date.now()) / 2;
  const thereMs = Date.parse(response.headers.get('date') ?? '');
  return {
    status: response.status,
    body: parsed(text),
    aheadMs: Number.isNaN(thereMs) ? undefined : thereMs - hereMs,
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Undefined when it does not answer as Sluice does. */
function healthFindings(origin: string, { status, body }: Answer): Finding[] | undefined {
  const { status: word, code, detail, troubles, stopsNotDurable } = fieldsOf(body);
  if (code === 'not-ready') {
    return [fault('port', `${origin} answers, and is not ready: ${shortened(detail)}.`, 'sluice health')];
  }
  if (status !== 200 || word !== 'ok') return undefined;
  const mend = 'The log of the service says more.';
  return [
    ok('port', `${origin} answers, and is ready.`),
    ...listed(troubles).map((trouble) => warning('port', `${origin}: ${shortened(trouble)}.`, mend)),
    ...listed(stopsNotDurable).map((stop) => {
      const says = `${origin}: ${shortened(fieldsOf(stop)['stop'])} is in force, and not stored yet.`;
      return fault('port', says, 'Do not restart the service before its store writes again: sluice health');
    }),
  ];
}

function notSluice(origin: string, { status }: Answer): Finding {
  const mend = 'Name the address of Sluice with --url or SLUICE_URL.';
  return fault('port', `${origin} answers with ${String(status)}, and not as Sluice does.`, mend);
}

function unreachable(origin: string, error: unknown): Finding {
  const { code, words } = causeOf(error);
  if (code === 'ECONNREFUSED') {
    const mend = 'npm start -- --empty; or name the address with --url or SLUICE_URL.';
    return fault('port', `Nothing listens at ${origin}.`, mend);
  }
  if (error instanceof Error && error.name === 'TimeoutError') {
    const says = `${origin} does not answer within ${String(ANSWER_MS_MAX / 1000)} s.`;
    return fault('port', says, 'Is the machine reached, and is the process alive? Its log says more.');
  }
  return fault('port', `${origin} was not reached: ${words}.`, 'Name the address of Sluice with --url or SLUICE_URL.');
}

function causeOf(error: unknown): { readonly code: string | undefined; readonly words: string } {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (!(cause instanceof Error)) return { code: undefined, words: String(cause) };
  return { code: 'code' in cause ? String(cause.code) : undefined, words: cause.message };
}

function clockFindings(origin: string, { aheadMs }: Answer): Finding[] {
  if (aheadMs === undefined) {
    return [
      warning('clock', `${origin} does not say what time it is.`, 'A proxy in between may leave out the Date header.'),
    ];
  }
  if (Math.abs(aheadMs) <= CLOCK_MS_MAX) return [ok('clock', `The clock of ${origin} is that of this machine.`)];
  const by = `${duration(Math.abs(aheadMs) / 1000)} ${aheadMs > 0 ? 'ahead of' : 'behind'}`;
  return [
    warning('clock', `The clock of ${origin} is ${by} that of this machine.`, 'timedatectl status, on both machines'),
  ];
}

async function certificateFindings({ hostname, port }: URL, signal: AbortSignal): Promise<Finding[]> {
  const host = hostname.replace(/^\[|\]$/g, '');
  const servername = isIP(host) === 0 ? host : '';
  // Looked at also where it is not to be trusted; nothing is sent.
  const socket = connect({ host, port: Number(port || 443), servername, rejectUnauthorized: false });
  try {
    await once(socket, 'secureConnect', { signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS_MAX)]) });
    return [expiryFinding(Date.parse(socket.getPeerCertificate().valid_to), Date.now()), ...trustFindings(socket)];
  } catch (error) {
    const mend = 'Does it speak TLS there? See --tls-cert and --tls-key of the service.';
    return [warning('tls', `The certificate could not be looked at: ${causeOf(error).words}.`, mend)];
  } finally {
    socket.destroy();
  }
}

export function expiryFinding(expiresMs: number, nowMs: number): Finding {
  const mend = 'Put a new pair into the files of --tls-cert and --tls-key; the service reads them again by itself.';
  if (Number.isNaN(expiresMs)) return warning('tls', 'When the certificate expires cannot be read.', mend);
  const on = new Date(expiresMs).toISOString().slice(0, 10);
  const days = Math.floor((expiresMs - nowMs) / MS_PER_DAY);
  if (days < 0) return fault('tls', `The certificate has expired on ${on}.`, mend);
  const says = `The certificate expires on ${on}, in ${String(days)} days.`;
  return days < CERTIFICATE_DAYS_SCANT ? warning('tls', says, mend) : ok('tls', says);
}

function trustFindings(socket: TLSSocket): Finding[] {
  if (socket.authorized) return [];
  const says = `The certificate is not trusted here: ${String(socket.authorizationError)}.`;
  return [fault('tls', says, 'Name the file of its authority: NODE_EXTRA_CA_CERTS=FILE sluice doctor')];
}

function fieldsOf(body: unknown): Readonly<Record<string, unknown>> {
  return typeof body === 'object' && body !== null ? { ...body } : {};
}

function listed(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function shortened(text: unknown): string {
  return typeof text === 'string' ? text.slice(0, CHARACTERS_SHOWN_MAX) : 'no reason is given';
}
