import { bar, clean, duration, percent, time } from '../output.ts';
import { type Finding, type PostMortem } from './gather.ts';

const BAR_CHARACTERS = 40;
/** An exposure is drawn by so many lines at most. */
const EXPOSURES_MAX = 24;
const POINTS_MAX = 48;

const STOPS: ReadonlySet<string> = new Set(['HoldPlaced', 'RolloutHalted', 'RolloutPaused', 'PatchPulled']);

/** The post-mortem as a document: what happened, who did what, how far it had come, why it was stopped, how it went back. */
export function toMarkdown(account: PostMortem): string {
  const parts = [
    `# Post-mortem: ${inline(account.patchId)}`,
    summary(account),
    section('Timeline', timeline(account)),
    section('Who did what', people(account)),
    section('Exposure', exposure(account)),
    section('Adoption', adoption(account)),
    section('Evidence', account.evidence.map(finding).join('\n\n')),
    section('Recall', recall(account)),
    section('Refused commands', refused(account)),
    section('Not known', account.unknown.map((each) => `- ${inline(each)}`).join('\n')),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function summary(account: PostMortem): string {
  const { patch, rollouts, from, to, evidence } = account;
  const cves = patch?.cves.map(({ id, exploited }) => (exploited ? `${id} (exploited)` : id)).join(', ');
  const states = rollouts.map(({ rolloutId, status, wave = 0, waves }) => {
    return `${rolloutId}: ${status}, wave ${String(wave)} of ${String(waves.length)}`;
  });
  const [first] = evidence;
  const lines = [
    ['Patch', patch === null ? undefined : `${patch.platform} ${patch.baseVersion} (${patch.letter}), ${patch.status}`],
    ['Closes', cves],
    ['Rollouts', states.join('; ')],
    ['From', time(from)],
    ['To', time(to)],
    ['First finding', first === undefined ? undefined : `${time(first.at)}: ${wordsOf(first)}`],
    ['Signal to decision', decisionText(account)],
    [
      'Pulled',
      patch?.pulled === undefined
        ? undefined
        : `${time(patch.pulled.at)} (${patch.pulled.mode}): ${patch.pulled.reason}`,
    ],
  ] as const;
  return lines
    .flatMap(([name, text]) => (text === undefined || text === '' ? [] : [`- **${name}**: ${inline(text)}`]))
    .join('\n');
}

/** From the first failure that was counted to the first finding or stop; the count is as fine as the steps of the adoption. */
function decisionText({ adoption: series, timeline: lines, evidence }: PostMortem): string | undefined {
  const signal = series?.points?.find(({ failed }) => failed > 0);
  const stops = lines.filter(({ what }) => STOPS.has(what));
  const [stop] = [...evidence, ...stops].sort((left, right) => (left.at < right.at ? -1 : 1));
  if (series === null || signal === undefined || stop === undefined || stop.at < signal.at) return undefined;
  const took = duration((Date.parse(stop.at) - Date.parse(signal.at)) / 1000);
  return `${took}, from the first failures counted by ${time(signal.at)} (in steps of ${duration(series.stepSeconds)}) to ${stop.what}`;
}

function timeline({ timeline: lines }: PostMortem): string {
  return table(
    ['Time', 'Who', 'What', 'Where'],
    lines.map(({ at, who, words, stream, revision }) => [time(at), who, words, `${stream} @${String(revision)}`]),
  );
}

function people({ people: all }: PostMortem): string {
  const rows = all.map(({ who, did }) => [
    who,
    Object.entries(did)
      .map(([what, times]) => (times === 1 ? what : `${what} × ${String(times)}`))
      .join(', '),
  ]);
  return table(['Who', 'Did'], rows);
}

function exposure({ exposure: all, rollouts }: PostMortem): string {
  const stood = rollouts.flatMap(({ rolloutId, haltedBecause, exposedDevices, exposurePercent, status }) => {
    const last = all.findLast((each) => each.rolloutId === rolloutId);
    const granted =
      last === undefined ? 'nothing' : `${percent(last.percent)} of the buckets of wave ${String(last.wave)}`;
    const devices = exposedDevices === null ? '' : `, which are ${String(exposedDevices)} known devices`;
    const now = exposurePercent === null ? `${granted} were granted` : `${percent(exposurePercent)} exposed${devices}`;
    const halted = haltedBecause === undefined ? '' : `, halted by a ${haltedBecause.by}`;
    return [`- ${inline(`${rolloutId} (${status}${halted}): ${now}`)}`];
  });
  const bars = spaced(all, EXPOSURES_MAX).map(({ at, rolloutId, wave, percent: share }) => {
    const where = `${rolloutId} wave ${String(wave)}`;
    return `${time(at)}  ${clean(where)}  ${percent(share).padStart(7)}  ${bar(share / 100, BAR_CHARACTERS).full}`;
  });
  return [stood.join('\n'), fenced(bars)].filter((part) => part !== '').join('\n\n');
}

function adoption({ adoption: series }: PostMortem): string {
  if (series === null || series.points === null || series.points.length === 0) return '';
  const most = Math.max(1, ...series.points.map(({ holders }) => holders));
  return fenced(
    spaced(series.points, POINTS_MAX).map(
      ({ at, holders, started, failed }) =>
        `${time(at)}  ${String(holders).padStart(9)} holders  ${String(started).padStart(9)} begun  ${String(failed).padStart(7)} failed  ${bar(holders / most, BAR_CHARACTERS).full}`,
    ),
  );
}

/** So many of them at most, evenly apart, the last one among them. */
function spaced<Item>(items: readonly Item[], max: number): readonly Item[] {
  const stride = Math.max(1, Math.ceil(items.length / max));
  return items.filter((_, index) => (items.length - 1 - index) % stride === 0);
}

function finding(each: Finding): string {
  const { at, what, stream, evidence } = each;
  const head = `### ${time(at)}: ${what} (${inline(stream)})\n\n${inline(wordsOf(each))}`;
  if (!('tests' in evidence)) return head;
  const rows = evidence.tests.map(({ test, of = 'all devices', trials, failures, toleratedRate, logE, weight }) => [
    ...[test, of, String(failures), String(trials), percent(toleratedRate * 100)],
    ...[powerText(logE), weight.toPrecision(3)],
  ]);
  const limit = `Sum ${powerText(evidence.logSum)} against ${powerText(evidence.logLimit)} (α ${String(evidence.alpha)}), rule ${evidence.rule}, counted from ${time(evidence.since)} to ${time(evidence.through)}.`;
  return `${head}\n\n${table(['Test', 'On', 'Failed', 'Of', 'Tolerated', 'E', 'Weight'], rows)}\n\n${inline(limit)}`;
}

function wordsOf({ evidence }: Finding): string {
  if ('words' in evidence) return evidence.words;
  const { slice, failures, trials } = evidence;
  return `${String(failures)} of ${String(trials)} installs failed on ${slice.model} with base ${slice.base}`;
}

/** Numbers that are not known are said to be so: they are not 0. */
function recall({ recall: account }: PostMortem): string {
  if (account === null) return '';
  const number = (value: number | null) => (value === null ? 'unknown' : String(value));
  const took = (seconds: number | null) => (seconds === null ? 'not reached' : duration(seconds));
  const { freed } = account;
  const rows = [
    ['devices', number(account.devices)],
    ...(freed === null ? [] : Object.entries(freed).map(([cause, count]) => [`freed: ${cause}`, String(count)])),
    ['replaced', number(account.replaced)],
    ['retired', number(account.retired)],
    ['remaining', number(account.remaining)],
    ['– failing', number(account.failing)],
    ['– offline', number(account.offline)],
    ['– waiting', number(account.waiting)],
    ['half, from the decision on', took(account.p50Seconds)],
    ['90 %', took(account.p90Seconds)],
    ['99 %', took(account.p99Seconds)],
  ];
  return `${inline(`The recall is ${account.status}: ${account.reason}`)}\n\n${table(['Burn-down', ''], rows)}`;
}

function refused({ refused: entries }: PostMortem): string {
  if (entries === null || entries.length === 0) return '';
  const rows = entries.map(({ at, actor, operation, code, reason }) => [
    time(at),
    actor,
    operation,
    code,
    reason ?? '',
  ]);
  return table(['Time', 'Who', 'Call', 'Refused as', 'Reason'], rows);
}

function section(title: string, body: string): string {
  return body === '' ? '' : `## ${title}\n\n${body}`;
}

function table(heads: readonly string[], rows: readonly (readonly (string | undefined)[])[]): string {
  const line = (cells: readonly (string | undefined)[]) => `| ${cells.map((cell) => inline(cell ?? '')).join(' | ')} |`;
  return [line(heads), `| ${heads.map(() => '---').join(' | ')} |`, ...rows.map(line)].join('\n');
}

function fenced(lines: readonly string[]): string {
  return lines.length === 0 ? '' : ['```text', ...lines, '```'].join('\n');
}

/** E as a power of ten: it may be larger than a number can be. */
function powerText(logE: number): string {
  const exponent = logE / Math.LN10;
  return exponent < 4 && exponent > -3 ? Math.exp(logE).toPrecision(3) : `10^${exponent.toFixed(1)}`;
}

/** Words of people and devices as text: they make no table, no markup, and no line of their own. */
function inline(text: string): string {
  return clean(text)
    .replace(/\s+/g, ' ')
    .replace(/[\\|<>`*_[\]]/g, (mark) => `\\${mark}`);
}
