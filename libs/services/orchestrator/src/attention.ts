import { Injectable } from '@nestjs/common';
import { isWaitCode, type WaitCode, waitCommand, waitReasons } from '@sluice/contracts/wait-reasons';
import { HOUR_MS } from '@sluice/domain-cohorts';
import { type StartedRollout } from '@sluice/domain-rollout';
import { toTimeText } from '@sluice/event-sourcing';
import {
  Attention,
  type AttentionSource,
  type Finding,
  type Findings,
  idTime,
  Lasting,
  Timers,
} from '@sluice/platform';
import { type Doubt, Knowledge } from './knowledge/knowledge.ts';
import { type KnownRecall } from './recall/recalls.projection.ts';

/** A rollout that waits, or is paused, for so long has been forgotten (design §3.4). */
const WAITS_SHOWN_AFTER_MS = 24 * HOUR_MS;
const HOLD_EXPIRES_WITHIN_MS = HOUR_MS;
/** Devices that are not offline ask within hours. */
const RECALL_STALLED_AFTER_MS = 6 * HOUR_MS;
/** A service that restarts knows nothing for a moment (the wall's pace). */
const DOUBT_SHOWN_AFTER_MS = 60_000;

const STALE = 'stale';
const BLIND = 'blind';
/** What this wave waits for comes with no time: only a person can end it. */
const FOR_A_PERSON = 'person';

const ofRollouts = ['rollout-halted', 'rollout-waits', 'hold-expires', 'recall-paused'] as const;

/** What needs a person at the orchestrator: rollouts, holds and recalls that wait for one, and knowing too little. */
@Injectable()
export class OrchestratorAttention implements AttentionSource {
  readonly service = 'orchestrator';
  readonly conditionKinds = [STALE, BLIND, 'recall-stalled'] as const;
  private readonly lasting: Lasting;

  constructor(
    attention: Attention,
    private readonly knowledge: Knowledge,
    timers: Timers,
  ) {
    this.lasting = new Lasting(timers);
    attention.add(this);
  }

  tick(nowMs: number): void {
    this.lasting.note(STALE, this.knowledge.currentPolicy().stale, nowMs);
    this.lasting.note(BLIND, this.knowledge.doubts().length > 0, nowMs);
  }

  look(nowMs: number): Findings {
    this.tick(nowMs);
    const { isRead, failedBecause } = this.knowledge.sources.own();
    const doubts = this.ofDoubts();
    if (!isRead || failedBecause !== undefined) {
      const because = 'the own events are not all read';
      return { found: doubts, unknown: [{ kinds: [...ofRollouts, 'recall-stalled'], because }] };
    }
    const found = [...doubts, ...this.halted(), ...this.waiting(nowMs), ...this.expiring(nowMs), ...this.paused()];
    // Counts that stand still because nothing was counted say nothing of the recall.
    if (this.knowledge.doubts().some(({ for: code }) => code === 'health')) {
      return {
        found,
        unknown: [{ kinds: ['recall-stalled'], because: 'the health of the fleet is not known up to now' }],
      };
    }
    return { found: [...found, ...this.stalled(nowMs)], unknown: [] };
  }

  private ofDoubts(): Finding[] {
    const doubts = this.knowledge.doubts();
    const [first] = doubts;
    if (first === undefined) return [];
    const words = doubts.map((each) => each.words).join('; ');
    return [
      this.doubt(STALE, first, `nothing is offered, because too little is known: ${words}`),
      this.doubt(BLIND, first, `nothing widens, because too little is known: ${words}`),
    ].flatMap((finding) => finding ?? []);
  }

  private doubt(kind: 'stale' | 'blind', { for: code }: Doubt, words: string): Finding | undefined {
    const since = this.lasting.since(kind, DOUBT_SHOWN_AFTER_MS);
    if (since === undefined) return undefined;
    const severity = kind === STALE ? 'critical' : 'warning';
    const { command } = waitReasons[code];
    return { id: `${kind}:orchestrator:${idTime(since)}`, kind, severity, about: {}, since, words, command };
  }

  private halted(): Finding[] {
    return this.started().flatMap((rollout): Finding[] => {
      const { rolloutId, plan, wave } = rollout;
      const stop = this.views.stopped.get(rolloutId);
      if (rollout.status !== 'halted' || stop === undefined) return [];
      const by = rollout.by === 'gate' ? 'a gate' : 'a responder';
      return [
        {
          ...{
            id: haltId(rolloutId, stop.revision),
            kind: 'rollout-halted',
            severity: 'critical',
          },
          ...{ about: { rolloutId, patchId: plan.patchId, wave }, since: stop.since },
          words: `${rolloutId} was halted in wave ${String(wave)} by ${by}: ${rollout.reason}`,
          command: this.commandOf('operator', rollout),
        },
      ];
    });
  }

  private waiting(nowMs: number): Finding[] {
    return this.started().flatMap((rollout): Finding[] => {
      const { rolloutId, plan, wave } = rollout;
      const waitingSince = this.views.waits.get(rolloutId)?.since;
      const wait = waitOf(rollout, { pausedSince: this.views.stopped.get(rolloutId)?.since, waitingSince });
      if (wait === undefined || nowMs < Date.parse(wait.since) + wait.shownAfterMs) return [];
      const { since, code, words } = wait;
      return [
        {
          ...{ id: waitId(rolloutId, wave, since), kind: 'rollout-waits' },
          ...{ severity: 'warning', about: { rolloutId, patchId: plan.patchId, wave }, since, words },
          command: this.commandOf(code, rollout),
        },
      ];
    });
  }

  private expiring(nowMs: number): Finding[] {
    return this.views.policy.expiringHolds().flatMap(({ holdId, patchId, placedAt, expiresAt, reason }): Finding[] => {
      const leftMs = expiresAt === undefined ? Infinity : Date.parse(expiresAt) - nowMs;
      if (expiresAt === undefined || leftMs > HOLD_EXPIRES_WITHIN_MS) return [];
      const minutes = String(Math.max(0, Math.round(leftMs / 60_000)));
      return [
        {
          ...{ id: `hold-expires:${holdId}:${idTime(expiresAt)}`, kind: 'hold-expires', severity: 'warning' },
          ...{ about: { holdId, ...(patchId !== undefined && { patchId }) }, since: placedAt },
          words: `the hold ${holdId} expires in ${minutes} min, and its devices are offered the patch again: place another one where they must not be. It was placed for: ${reason}`,
          command: `sluice hold lift ${holdId} --reason "<why it may end now>"`,
        },
      ];
    });
  }

  private paused(): Finding[] {
    return this.views.recalls.recalls().flatMap((recall): Finding[] => {
      if (recall.status !== 'paused') return [];
      const { patchId, recallEpoch, pausedBecause } = recall;
      const since = pausedBecause.at;
      return [
        {
          ...{ id: `recall-paused:${patchId}:${String(recallEpoch)}:${idTime(since)}`, kind: 'recall-paused' },
          ...{ severity: 'critical', about: { patchId }, since },
          words: `the recall of ${patchId} is paused, so its holders keep it: ${pausedBecause.reason}`,
          command: `sluice recall resume ${patchId} --evidence-seen "<what you looked at>"`,
        },
      ];
    });
  }

  private stalled(nowMs: number): Finding[] {
    return this.views.recalls.recalls().flatMap((recall): Finding[] => {
      const { patchId, recallEpoch } = recall;
      const progress = this.views.recalls.progressOf(patchId);
      if (recall.status !== 'removing' || !progress?.count) return [];
      const { failing, waiting, offline } = progress.count;
      const movedMs = Math.max(lastOrder(recall), progress.burntDownAtMs ?? 0);
      if (failing + waiting === 0 || nowMs - movedMs < RECALL_STALLED_AFTER_MS) return [];
      const since = toTimeText(movedMs);
      const hours = String(Math.floor((nowMs - movedMs) / HOUR_MS));
      return [
        {
          ...{ id: `recall-stalled:${patchId}:${String(recallEpoch)}:${idTime(since)}`, kind: 'recall-stalled' },
          ...{ severity: 'critical', about: { patchId }, since },
          words: `no device has removed ${patchId} for ${hours} h: ${String(waiting)} have not begun, ${String(failing)} fail, ${String(offline)} more are offline`,
          command: `sluice recall show ${patchId}`,
        },
      ];
    });
  }

  private commandOf(code: WaitCode, { rolloutId, plan, wave }: StartedRollout): string {
    const revision = this.views.versionOf(`rollout-${rolloutId}`);
    const ids = { rollout: rolloutId, patch: plan.patchId, wave, revision };
    return waitCommand(code, ids);
  }

  private get views() {
    return this.knowledge.sources.views;
  }

  private started(): StartedRollout[] {
    return this.views.policy.openRollouts().filter((rollout): rollout is StartedRollout => 'startedAt' in rollout);
  }
}

/** Of the item, and of the notice: the commit that halted it. */
export function haltId(rolloutId: string, revision: number): string {
  return `rollout-halted:${rolloutId}:${String(revision)}`;
}

/** Of the item, and of the notice. */
export function waitId(rolloutId: string, wave: number, since: string): string {
  return `rollout-waits:${rolloutId}:${String(wave)}:${idTime(since)}`;
}

interface ForgottenRollout {
  readonly since: string;
  readonly shownAfterMs: number;
  readonly code: WaitCode;
  readonly words: string;
}

/** For what a person may have to come, once it has lasted; undefined where nothing waits. */
function waitOf(
  rollout: StartedRollout,
  {
    pausedSince,
    waitingSince,
  }: { readonly pausedSince: string | undefined; readonly waitingSince: string | undefined },
): ForgottenRollout | undefined {
  const { rolloutId, wave, waiting } = rollout;
  if (rollout.status === 'paused' && pausedSince !== undefined) {
    const words = `${rolloutId} has been paused for more than a day: ${rollout.reason}`;
    return { since: pausedSince, shownAfterMs: WAITS_SHOWN_AFTER_MS, code: 'operator', words };
  }
  if (rollout.status !== 'running' || waiting?.wave !== wave) return undefined;
  const { codes } = waiting;
  const since = waitingSince ?? waiting.since;
  const named = `wave ${String(wave)} of ${rolloutId}`;
  if (codes.includes(FOR_A_PERSON)) {
    const words = `${named} exposed no device that could prove anything: a person has to decide`;
    return { since, shownAfterMs: 0, code: FOR_A_PERSON, words };
  }
  const words = `${named} has waited for more than a day, for: ${codes.join(', ')}`;
  return { since, shownAfterMs: WAITS_SHOWN_AFTER_MS, code: codes.find(isWaitCode) ?? 'outcomes', words };
}

/** When its devices were last told to remove it. */
function lastOrder({ pulledAt, resumed }: KnownRecall): number {
  return Math.max(Date.parse(pulledAt), resumed === undefined ? 0 : Date.parse(resumed.at));
}
