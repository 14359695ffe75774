import { type FleetView, type PatchView, type RecallView, type RolloutView } from '@sluice/api-client';
import { exposureOf, standOf } from './operator.ts';
import { patchTitle } from './real-patches.ts';

/** What the demo shows: what Sluice last told, and what was new lately. */
export interface DemoState {
  readonly nowMs: number;
  readonly devices: number;
  readonly patches: ReadonlyMap<string, PatchView>;
  readonly rollouts: readonly RolloutView[];
  readonly recalls: readonly RecallView[];
  readonly fleet: FleetView;
  /** The made-up full release to which iPhones and iPads are moving. */
  readonly upgradingTo: string | undefined;
  readonly lately: readonly { readonly at: number; readonly text: string }[];
}

type Patches = DemoState['patches'];

const BAR_WIDTH = 24;
const ROLLOUTS_SHOWN_MAX = 5;

/** The display of the demo, line by line: what happens now, how far it is, what was new, and what to try. */
export function narrate(state: DemoState, { address, data }: { address: string; data: string }): string[] {
  const { nowMs, devices, rollouts, recalls, patches, fleet, lately } = state;
  const open = rollouts.filter((rollout) => isOpen(rollout, patches)).slice(-ROLLOUTS_SHOWN_MAX);
  const running = recalls.filter(({ status }) => status !== 'completed').slice(-ROLLOUTS_SHOWN_MAX);
  return [
    `Sluice demo: ${grouped(devices)} simulated devices, ${clockText(nowMs)}. Ten of their minutes pass in a second.`,
    '',
    headline(state),
    '',
    ...open.map((rollout) => rolloutLine(rollout, patches, fleet)),
    ...running.map((recall) => recallLine(recall, patches)),
    ...(open.length + running.length > 0 ? [''] : []),
    ...(lately.length > 0 ? ['Lately:', ...lately.map(({ at, text }) => `  ${clockText(at)}  ${text}`), ''] : []),
    ...suggestions(state, address, data),
  ];
}

/** What changed between two looks, in words, in the order in which one would tell it. */
export function changesOf(
  before: Pick<DemoState, 'patches' | 'rollouts' | 'recalls'>,
  after: Pick<DemoState, 'patches' | 'rollouts' | 'recalls'>,
): string[] {
  const formerRollouts = new Map(before.rollouts.map((rollout) => [rollout.rolloutId, rollout]));
  const formerRecalls = new Map(before.recalls.map((recall) => [recall.patchId, recall]));
  return [
    ...[...after.patches.values()]
      .filter(({ patchId }) => !before.patches.has(patchId))
      .map((patch) => `${patchTitle(patch)} is published.`),
    ...after.rollouts.flatMap((rollout) =>
      rolloutChanges(formerRollouts.get(rollout.rolloutId), rollout, after.patches),
    ),
    ...after.recalls.flatMap((recall) => recallChanges(formerRecalls.get(recall.patchId), recall, after.patches)),
  ];
}

/** The part of a stored event that is put in words. */
export interface StoredEvent {
  readonly type: string;
  readonly at: string;
  readonly rolloutId?: string;
  readonly patchId?: string;
  readonly wave?: number;
  readonly reason?: string;
  readonly owner?: string;
}

/** What a stored event says, in words; undefined for those that nobody wants to read. */
export function eventText(
  { type, rolloutId, wave = 0, reason = '', ...event }: StoredEvent,
  { rollouts, patches }: Pick<DemoState, 'rollouts' | 'patches'>,
): string | undefined {
  const rollout = rollouts.find((each) => each.rolloutId === rolloutId);
  const title = titleOf(event.patchId ?? rollout?.patchId ?? '', patches);
  switch (type) {
    case 'WaveOpened':
      return `${title}: wave ${String(wave)} opens, ${rollout?.waves[wave - 1]?.name ?? '?'}.`;
    case 'RolloutHalted':
      return `${title} is halted: ${reason}.`;
    case 'HoldPlaced':
      return event.owner === 'gate' ? `${title} is on hold where it harms: ${reason}.` : undefined;
    case 'RolloutCompleted':
      return `${title} is complete.`;
    case 'RecallStarted':
      return `${title} is recalled.`;
    case 'RecallCompleted':
      return `${title} is gone from the last device.`;
    default:
      return undefined;
  }
}

function headline({ rollouts, recalls, patches, upgradingTo }: DemoState): string {
  const stopped = rollouts.find(
    (rollout) => standOf(rollout) !== undefined && patches.get(rollout.patchId)?.status !== 'pulled',
  );
  if (stopped !== undefined) {
    const how = { halt: 'was halted', hold: 'is on hold where it harms', wait: 'waits' }[standOf(stopped) ?? 'wait'];
    return `${titleOf(stopped.patchId, patches)} ${how}: ${finding(stopped)}. The responder looks at it, and will take it back.`;
  }
  const running = rollouts.find(({ status }) => status === 'running');
  const burning = recalls.find(({ status }) => status !== 'completed');
  if (burning !== undefined) {
    const next = running === undefined ? '' : ` Meanwhile ${titleOf(running.patchId, patches)} goes out.`;
    return `${titleOf(burning.patchId, patches)} is being taken back from every device that has it.${next}`;
  }
  if (running !== undefined) {
    const who = waveOf(running)?.ring === undefined ? 'more devices every minute' : 'the beta ring first';
    return `${titleOf(running.patchId, patches)} goes out to ${who}.`;
  }
  if (upgradingTo !== undefined) return `iPhones and iPads move on to the made-up full release ${upgradingTo}.`;
  return 'The fleet is quiet: devices check in every four hours, and there is nothing for them.';
}

function rolloutLine(rollout: RolloutView, patches: Patches, { patches: counts }: FleetView): string {
  const { patchId, status, wave = 0, waves } = rollout;
  const exposurePercent = exposureOf(rollout);
  const { installed = 0, failed = 0 } = counts[patchId] ?? {};
  const where =
    status === 'planned'
      ? 'planned'
      : `wave ${String(wave)} of ${String(waves.length)} (${waveOf(rollout)?.name ?? '?'})`;
  const stopped = status === 'running' || status === 'planned' ? '' : `, ${status}`;
  return `${titleOf(patchId, patches).padEnd(18)} ${bar(exposurePercent)} ${exposurePercent.toFixed(1).padStart(5)} %  ${where}${stopped}; ${grouped(installed)} installed, ${grouped(failed)} failed`;
}

function recallLine({ patchId, devices, removed, replaced, remaining }: RecallView, patches: Patches): string {
  const title = titleOf(patchId, patches).padEnd(18);
  if (devices === null || removed === null || remaining === null)
    return `${title} is recalled; its devices are being counted`;
  const percent = devices === 0 ? 0 : ((removed + (replaced ?? 0)) / devices) * 100;
  return `${title} ${bar(percent)} ${percent.toFixed(1).padStart(5)} %  taken back; ${grouped(remaining)} devices still have it`;
}

function rolloutChanges(before: RolloutView | undefined, now: RolloutView, patches: Patches): string[] {
  const title = titleOf(now.patchId, patches);
  const held = (now.gateHolds ?? []).slice(before?.gateHolds?.length ?? 0);
  if (held.length > 0) return held.map(({ reason }) => `${title} is on hold where it harms: ${reason}.`);
  if (before?.status === now.status && before.wave === now.wave) return [];
  switch (now.status) {
    case 'planned':
      return [`A rollout of ${title} is planned, in ${String(now.waves.length)} waves.`];
    case 'running':
      return [`${title}: wave ${String(now.wave ?? 0)} opens, ${waveOf(now)?.name ?? '?'}.`];
    case 'halted':
      return [`${title} is halted: ${finding(now)}.`];
    case 'completed':
      return [`${title} is complete; latecomers inside its waves get it at once.`];
    case 'paused':
    case 'aborted':
      return [`The rollout of ${title} is ${now.status}.`];
  }
}

function recallChanges(before: RecallView | undefined, now: RecallView, patches: Patches): string[] {
  if (before?.status === now.status) return [];
  const title = titleOf(now.patchId, patches);
  switch (now.status) {
    case 'running':
      return [runningAgain(before, title)];
    case 'paused':
      return [`The recall of ${title} is paused.`];
    case 'completed':
      return [`${title} is gone from the last device.`];
  }
}

function runningAgain(before: RecallView | undefined, title: string): string {
  if (before === undefined) return `${title} is recalled.`;
  return before.status === 'paused' ? `The recall of ${title} goes on.` : `A device that still has ${title} turned up.`;
}

function finding({ haltedBecause, gateHolds = [], waitsFor }: RolloutView): string {
  if (haltedBecause?.by === 'gate') return haltedBecause.reason;
  if (gateHolds[0] !== undefined) return gateHolds[0].reason;
  return waitsFor.find((wait) => wait.for === 'evidence')?.words ?? 'a responder stopped it';
}

function suggestions({ rollouts, patches }: DemoState, address: string, data: string): string[] {
  const stopped = rollouts.findLast((rollout) => standOf(rollout) !== undefined && isOpen(rollout, patches));
  const rolloutId = rollouts.findLast(({ status }) => status === 'running')?.rolloutId ?? rollouts.at(-1)?.rolloutId;
  const sluice = 'npm run -s sluice --';
  return [
    'Try, in another terminal:',
    `  ${sluice} rollout list`,
    ...(stopped !== undefined
      ? afterStop(stopped, sluice, patches)
      : rolloutId === undefined
        ? []
        : [
            `  ${sluice} rollout show ${rolloutId}`,
            `  ${sluice} rollout halt ${rolloutId} --reason "I saw something"`,
          ]),
    `  ${sluice} device show d-000001`,
    `  ${sluice} replay verify`,
    `  curl -H "Authorization: Bearer $(cat ${data}/admin-token)" ${address}/v1/fleet`,
    'Ctrl-C ends it; the next start goes on from here.',
  ];
}

/** What a responder would type now. */
function afterStop({ rolloutId, patchId, status }: RolloutView, sluice: string, patches: Patches): string[] {
  const reopensExploited = patches.get(patchId)?.cves.some(({ exploited }) => exploited) === true;
  const alone = reopensExploited ? ' --break-glass "the demo has one person"' : '';
  return [
    `  ${sluice} rollout show ${rolloutId}`,
    `  ${sluice} patch pull ${patchId} --mode recall --yes --reason "installs fail"${alone}`,
    ...(status === 'halted'
      ? [`  ${sluice} rollout resume ${rolloutId} --evidence-seen "a lab device"`]
      : [`  ${sluice} hold list --status active`]),
    `  ${sluice} stop`,
  ];
}

/** The stopped rollout of a pulled patch is told by its recall. */
function isOpen({ status, patchId }: RolloutView, patches: Patches): boolean {
  if (status === 'completed' || status === 'aborted') return false;
  return patches.get(patchId)?.status !== 'pulled';
}

function waveOf({ wave, waves }: RolloutView): RolloutView['waves'][number] | undefined {
  return wave === undefined ? undefined : waves[wave - 1];
}

function titleOf(patchId: string, patches: Patches): string {
  const patch = patches.get(patchId);
  return patch === undefined ? patchId : patchTitle(patch);
}

function bar(percent: number): string {
  const filled = Math.round((Math.min(100, Math.max(0, percent)) / 100) * BAR_WIDTH);
  return `[${'#'.repeat(filled)}${'.'.repeat(BAR_WIDTH - filled)}]`;
}

function clockText(ms: number): string {
  return new Date(ms).toISOString().slice(5, 16).replace('T', ' ');
}

function grouped(count: number): string {
  return count.toLocaleString('en');
}
