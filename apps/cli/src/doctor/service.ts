import { bodyOf, type ClockView, type MeView } from '@sluice/api-client';
import { type ServiceName } from '@sluice/contracts/topic-owners';
import { type Api, type Host } from '../api.ts';
import { CliError } from '../errors.ts';
import { duration, time } from '../output.ts';
import { fault, type Finding, ok, type Subject, warning } from './finding.ts';

const TOKEN_DAYS_SCANT = 7;
const MS_PER_DAY = 86_400_000;
/** A source says at least each 10 s that it is there. */
const SILENT_SECONDS_MAX = 30;

/** What a service tells of itself with a token: whose token it is, whether it believes its clock, and how its sources are. */
export async function checkService(api: Api, { url, services }: Host): Promise<Finding[]> {
  const [service] = services;
  const origin = new URL(url).origin;
  const token = await asked('token', () => tokenFinding(api, service, origin));
  if (token.some(({ verdict }) => verdict === 'fault')) return token;
  return [
    ...token,
    ...(await asked('clock', async () => soundness(origin, await bodyOf(api.of(service).GET('/v1/clock'))))),
    ...(await asked('sources', async () => {
      const findings = sourceFindings(services, await api.metrics(service), Date.now());
      if (findings.length === 0)
        return [ok('sources', `${origin} hears its sources, its store writes, nothing is parked.`)];
      return findings.map((finding) => ({ ...finding, says: `${origin}: ${finding.says}` }));
    })),
  ];
}

/** A question that is refused is a finding, too. */
async function asked(about: Subject, look: () => Promise<Finding[]>): Promise<Finding[]> {
  try {
    return await look();
  } catch (error) {
    if (!(error instanceof CliError) || error.exit === 'interrupted') throw error;
    const { what, next } = error.story;
    const isForbidden = error.exit === 'unauthorised' && about !== 'token';
    return [(isForbidden ? warning : fault)(about, what, next)];
  }
}

async function tokenFinding(api: Api, service: ServiceName, origin: string): Promise<Finding[]> {
  const me = await bodyOf(api.of(service).GET('/v1/me'));
  // The roles of an answer say also what follows from them.
  const roles = me.roles.includes('admin') ? 'admin' : me.roles.join(', ');
  const says = `${origin} knows the token (${api.tokenOrigin ?? ''}): its name is ${me.name}, its role ${roles}`;
  return [expiryOf(me, says, Date.now())];
}

function expiryOf({ expiresAt }: MeView, says: string, nowMs: number): Finding {
  if (expiresAt === undefined) return ok('token', `${says}.`);
  const days = (Date.parse(expiresAt) - nowMs) / MS_PER_DAY;
  const whole = `${says}, until ${time(expiresAt)}.`;
  if (days >= TOKEN_DAYS_SCANT) return ok('token', whole);
  return warning('token', whole, 'sluice token create --name NAME --role ROLE, with the token of an admin');
}

function soundness(origin: string, { kind, sound, because, differenceSeconds }: ClockView): Finding[] {
  if (sound)
    return [
      ok(
        'clock',
        `${origin} goes by ${kind === 'wall' ? "its machine's clock" : `a clock that is ${kind}`}, and believes it.`,
      ),
    ];
  const by = differenceSeconds === undefined ? '' : `, by ${duration(Math.abs(differenceSeconds))}`;
  const says = `${origin} does not believe its machine's clock (${because ?? 'no reason'}${by}); nothing widens.`;
  return [fault('clock', says, 'Repair the clock of the machine. If it is right: sluice clock accept')];
}

/** What a service has to say of itself, by metric: what its value means; undefined where it is well. */
type Readings = Readonly<Record<string, (value: number) => Finding | undefined>>;

const OF_EACH: Readings = {
  sluice_store_writable: (value) =>
    value === 1
      ? undefined
      : fault('sources', 'The store cannot write.', 'Free space on its disk; the log of the service says more.'),
  sluice_dead_letters: (parked) =>
    parked === 0 ? undefined : fault('sources', `${String(parked)} events are parked.`, 'sluice dlq list'),
};

function ofOrchestrator(nowMs: number): Readings {
  return {
    sluice_catalog_silent_seconds: (seconds) => silence('the catalog', seconds, nowMs),
    sluice_telemetry_silent_seconds: (seconds) => silence('telemetry', seconds, nowMs),
    sluice_policy_stale: (value) =>
      value === 0
        ? undefined
        : fault('sources', 'The policy is stale: nothing is offered to anybody.', 'sluice health; sluice dlq list'),
    sluice_blind: (value) =>
      value === 0
        ? undefined
        : warning('sources', 'Too little is known to widen anything.', 'sluice health; sluice rollout show ID'),
  };
}

/** What is wrong, or not known; empty where all is well. */
function sourceFindings(services: Host['services'], metrics: string, nowMs: number): Finding[] {
  const readings = { ...(services.includes('orchestrator') && ofOrchestrator(nowMs)), ...OF_EACH };
  return Object.entries(readings).flatMap(([name, finding]) => {
    const value = gauge(metrics, name);
    if (value === undefined || Number.isNaN(value)) {
      const mend = 'Is it of another version, or is something in between? sluice health';
      return [warning('sources', `Its metrics do not say ${name}.`, mend)];
    }
    return finding(value) ?? [];
  });
}

/** Only the orchestrator says how long others have been silent. */
function silence(name: string, seconds: number, nowMs: number): Finding | undefined {
  if (seconds <= SILENT_SECONDS_MAX) return undefined;
  const since = Number.isFinite(seconds) ? ` since ${time(new Date(nowMs - seconds * 1000).toISOString())}` : '';
  return fault('sources', `${name} is silent${since}.`, `Is ${name} running, and reached from there? sluice health`);
}

/** The value of a metric without labels, in the text format of Prometheus; undefined where it is not. */
function gauge(metrics: string, name: string): number | undefined {
  const line = metrics.split('\n').find((each) => each.startsWith(`${name} `));
  if (line === undefined) return undefined;
  const value = line.slice(name.length + 1).trim();
  return value === '+Inf' ? Infinity : Number(value);
}
