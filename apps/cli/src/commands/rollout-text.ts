import {
  type HaltedBecause,
  type RolloutPreview,
  type RolloutView,
  type WaitReasonView,
  type Wave,
} from '@sluice/api-client';
import { bar, clean, duration, facts, type Paint, percent, type Style, table, time } from '../output.ts';

export type Evidence = NonNullable<HaltedBecause['evidence']>;

const BAR_WIDTH = 20;

/** A rollout at a glance: a line for each wave with a bar, and in words why it does not go on. */
export function rolloutText(rollout: RolloutView, paint: Paint): string {
  const { rolloutId, patchId, status, holdBackPercent, notes, startAt } = rollout;
  const exposed = exposureText(rollout);
  const exposure = exposed === '' ? '' : ` · ${exposed}`;
  const [name, state] = [clean(rolloutId), clean(status)];
  const style = styleOf(rollout);
  const head = `${paint('bold', name)}  ${clean(patchId)}  ${style === undefined ? state : paint(style, state)}${exposure}`;
  const waves = rollout.waves.map((wave, index) => waveLine(rollout, wave, index + 1, paint));
  const more = facts(
    [
      ['starts', time(startAt)],
      ['hold-back', `${percent(holdBackPercent)} stay unpatched until the watch is over`],
      ['tolerated', `${percent(rollout.gates.installFailureRateMax * 100)} of the installs may fail`],
      ['notes', notes],
      ['could see', couldSeeText(rollout)],
      ['waits for', rollout.waitsFor.map(waitText).join('; ')],
      ['to end it', commandText(rollout)],
      ['asks for', rollout.gates.goOn === 'time' ? 'nothing but time: no outcome is waited for' : undefined],
      ['approved', approvalsText(rollout)],
      ['forced', byWave(rollout.forced)],
      ['advanced', byWave(rollout.advanced)],
      ['resumed', resumedText(rollout.resumed)],
      ['patch', patchText(rollout)],
      ['held by', rollout.heldBy],
      ['on hold', heldText(rollout)],
      ['held back', holdBackText(rollout)],
      ['stopped', stopText(rollout)],
      ['next', nextText(rollout)],
      ['revision', rollout.revision],
    ],
    paint,
  );
  return [head, ...waves, more].join('\n');
}

export function rolloutTable(rollouts: readonly RolloutView[], paint: Paint): string {
  return table(
    rollouts,
    [
      { head: 'ROLLOUT', text: ({ rolloutId }) => rolloutId },
      { head: 'PATCH', text: ({ patchId }) => patchId },
      { head: 'STATUS', text: ({ status }) => status, style: styleOf },
      {
        head: 'EXPOSED',
        align: 'right',
        text: ({ exposurePercent, plannedPercent }) => percent(exposurePercent ?? plannedPercent),
      },
      { head: 'WAVE', text: waveName },
    ],
    paint,
  );
}

export function previewText({ waves }: RolloutPreview, paint: Paint): string {
  const rows = waves.flatMap(({ slices, ...wave }) => [
    { first: `${String(wave.wave)} ${wave.name}`, model: 'all', base: '', ...wave },
    ...slices.map((slice) => ({ first: '', ...slice })),
  ]);
  return table(
    rows,
    [
      { head: 'WAVE', text: ({ first }) => first },
      { head: 'MODEL', text: ({ model }) => model },
      { head: 'BASE', text: ({ base }) => base },
      { head: 'ELIGIBLE', align: 'right', text: ({ eligible }) => eligible },
      { head: 'REACHED', align: 'right', text: ({ expected }) => expected },
      {
        head: '',
        text: (row) => ('note' in row ? 'proves nothing: a person decides' : ''),
      },
    ],
    paint,
  );
}

/** Who has approved the plan, and how many have to. */
function approvalsText({ approvals }: RolloutView): string | undefined {
  if (approvals === undefined) return undefined;
  const { needed, given, plannedBy } = approvals;
  const whom = given.map(({ by, revision }) => `${by} at revision ${String(revision)}`).join(', ');
  const counted = `${String(given.length)} of ${String(needed)}${whom === '' ? '' : `: ${whom}`}`;
  return plannedBy === undefined ? counted : `${counted}; planned by ${plannedBy}`;
}

/** What the open wave can have shown so far. */
function couldSeeText({ couldHaveSeen }: RolloutView): string | undefined {
  if (couldHaveSeen === undefined) return undefined;
  const { trials, failureRate, harm, hasControl } = couldHaveSeen;
  const installs = `${String(trials)} installs of this wave`;
  const failing =
    failureRate === null
      ? `of failing installs nothing yet: ${installs} are too few`
      : `${installs} would have shown ${percent(failureRate * 100)} that fail`;
  const harming = harm.flatMap(({ signal, ratio }) =>
    ratio === null ? [] : [`${clean(signal)} ${ratio.toFixed(1)} times as often`],
  );
  if (!hasControl) harming.push('of other harm nothing more: no device is left without the patch');
  return [failing, ...harming].join('; ');
}

function waveLine(rollout: RolloutView, wave: Wave, number: number, paint: Paint): string {
  const { ramp, bakeMinutes } = wave;
  const state = waveState(rollout, number);
  const mark = { over: paint('green', '✓'), open: paint('cyan', '▶'), ahead: paint('dim', '·') }[state];
  const { full, rest } = bar(state === 'over' ? 1 : state === 'ahead' ? 0 : rampShare(rollout, wave), BAR_WIDTH);
  const ramped =
    ramp.fromPercent === ramp.toPercent && ramp.minutes === 0
      ? percent(ramp.toPercent)
      : `${percent(ramp.fromPercent)} to ${percent(ramp.toPercent)} in ${duration(ramp.minutes * 60)}`;
  const words = `${wave.name}: ${audienceText(wave)}, ${ramped}, then bakes for ${duration(bakeMinutes * 60)}`;
  return `  ${mark} ${String(number)}  ${paint('green', full)}${paint('dim', rest)}  ${clean(words)}`;
}

function waveState({ status, wave = 0 }: RolloutView, number: number): 'over' | 'open' | 'ahead' {
  if (status === 'completed' || number < wave) return 'over';
  return number === wave && status !== 'planned' ? 'open' : 'ahead';
}

// The planned exposure does not count rings.
function rampShare({ plannedPercent, holdBackPercent }: RolloutView, { ring, ramp }: Wave): number {
  const end = Math.min(ramp.toPercent, 100 - holdBackPercent);
  if (ring !== undefined || end <= ramp.fromPercent) return 1;
  return Math.min(1, Math.max(0, (plannedPercent - ramp.fromPercent) / (end - ramp.fromPercent)));
}

function audienceText({ ring, audience }: Wave): string {
  const parts = [
    ring === undefined ? [] : [`ring ${ring}`],
    audience?.family ?? [],
    audience?.model ?? [],
    audience?.base ?? [],
  ];
  return parts.flat().join(' ') || 'all devices';
}

function waveName({ wave = 0, waves }: RolloutView): string {
  const open = waves[wave - 1];
  return open === undefined
    ? `0 of ${String(waves.length)}`
    : `${String(wave)} of ${String(waves.length)} ${open.name}`;
}

function waitText({ for: what, words }: WaitReasonView): string {
  return `${what}: ${words}`;
}

/** The command of the first reason that time alone does not end. */
function commandText({ waitsFor, status }: RolloutView): string | undefined {
  if (status !== 'running') return undefined;
  return waitsFor.find(({ until }) => until === undefined)?.command;
}

/** Lines for a plan: the waves that will wait for a person, and why. */
export function personWaves(waves: RolloutPreview['waves']): string[] {
  return waves
    .filter(({ note }) => note === 'proves-nothing')
    .map(({ wave, name }) => {
      const number = String(wave);
      return `Wave ${number} (${name}) reaches no known device as it stands: it proves nothing, and will wait for a person.`;
    });
}

function exposureText({ exposurePercent, exposedDevices, plannedPercent, status }: RolloutView): string {
  if (exposurePercent !== null) {
    const devices = exposedDevices === null ? '' : ` (${String(exposedDevices)} devices)`;
    return `${percent(exposurePercent)} exposed${devices}`;
  }
  if (status === 'planned') return '';
  return `no eligible device is known; ${percent(plannedPercent)} of buckets are open`;
}

function patchText({ patchPulled, supersededBy }: RolloutView): string | undefined {
  if (patchPulled !== undefined) return `was pulled (${patchPulled.mode}): ${patchPulled.reason}`;
  return supersededBy === undefined ? undefined : `is superseded by ${supersededBy}`;
}

function holdBackText({ holdBack }: RolloutView): string | undefined {
  if (holdBack === undefined) return undefined;
  return holdBack.status === 'kept' ? `until ${time(holdBack.until)}` : holdBack.note;
}

function byWave(said: RolloutView['forced']): string | undefined {
  return said?.map(({ wave, reason }) => `wave ${String(wave)}: ${reason}`).join('; ');
}

/** When something went on, why, and what was looked at before. */
export function resumedText(resumed: RolloutView['resumed']): string | undefined {
  if (resumed === undefined) return undefined;
  const { at, reason, evidenceSeen } = resumed;
  const seen = evidenceSeen === undefined ? undefined : `seen: ${evidenceSeen}`;
  return [time(at), reason, seen].filter((each) => each !== undefined).join(' – ');
}

function stopText({ haltedBecause, reason, causedBy }: RolloutView): string | undefined {
  const by = causedBy === undefined ? '' : ` (by ${causedBy})`;
  const ended = reason === undefined ? undefined : `${reason}${by}`;
  const halted = haltedBecause === undefined ? undefined : haltText(haltedBecause);
  return ended !== undefined && halted !== undefined ? `${ended}; it had been halted ${halted}` : (ended ?? halted);
}

function haltText({ by, reason, evidence }: NonNullable<RolloutView['haltedBecause']>): string {
  const seen = evidence === undefined ? '' : ` – ${evidenceText(evidence)}`;
  return `by a ${by}: ${reason}${seen}`;
}

function heldText({ gateHolds = [] }: RolloutView): string | undefined {
  if (gateHolds.length === 0) return undefined;
  const each = gateHolds.map(({ holdId, model, base, reason }) => `${model} on ${base}, ${holdId}: ${reason}`);
  return `by a gate, ${String(gateHolds.length)} of the slices; the others go on: ${each.join('; ')}`;
}

/** What the gates saw, in words that a person can check. */
export function evidenceText(evidence: Evidence): string {
  const { alpha, rule, since, through } = evidence;
  const counted = `rule ${rule}; counted from ${time(since)} to ${time(through)}`;
  if (!('tests' in evidence)) {
    const { slice, trials, failures, toleratedRate } = evidence;
    return `installs on ${slice.model} with base ${slice.base}: ${countsText(trials, failures, toleratedRate)}; ${counted}`;
  }
  const tests = evidence.tests.map(({ test, of = 'all devices', trials, failures, toleratedRate, logE }) => {
    return `${test} on ${of}: ${countsText(trials, failures, toleratedRate)}, log E ${logE.toFixed(2)}`;
  });
  const sum = `log of the sum ${evidence.logSum.toFixed(2)} against ${evidence.logLimit.toFixed(2)} at alpha ${String(alpha)}`;
  return [...tests, sum, counted].join('; ');
}

function countsText(trials: number, failures: number, toleratedRate: number): string {
  const rate = trials === 0 ? 'none' : percent((failures / trials) * 100);
  return `${String(failures)} of ${String(trials)} (${rate}, tolerated ${percent(toleratedRate * 100)})`;
}

function nextText({ status, rolloutId, patchId, approvals, revision = 0 }: RolloutView): string | undefined {
  const isOpen = status === 'planned' || status === 'running' || status === 'paused';
  if (isOpen && (approvals?.missing ?? 0) > 0)
    return `somebody else: sluice rollout approve ${rolloutId} --if-match ${String(revision)}`;
  if (status === 'planned') return `sluice rollout start ${rolloutId}`;
  if (status === 'paused') return `sluice rollout resume ${rolloutId}`;
  if (status !== 'halted') return undefined;
  return `sluice patch pull ${patchId} --mode recall --reason "…", or sluice rollout resume ${rolloutId} --evidence-seen "…"`;
}

function styleOf({ status }: RolloutView): Style | undefined {
  if (status === 'halted' || status === 'aborted') return 'red';
  if (status === 'paused') return 'yellow';
  return status === 'running' || status === 'completed' ? 'green' : undefined;
}
