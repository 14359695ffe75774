import { type NoticeKind } from '@sluice/api';
import { Injectable } from '@nestjs/common';
import { waitCommand } from '@sluice/contracts/wait-reasons';
import {
  type HoldEvent,
  type RecallEvent,
  type Rollout,
  rolloutDecider,
  type RolloutEvent,
} from '@sluice/domain-rollout';
import { type Commit, EventStore, type Position } from '@sluice/event-sourcing';
import { ended, type Notice, type NoticeSource, Webhooks } from '@sluice/platform';
import { haltId, waitId } from './attention.ts';
import { OWN_STREAMS, type OwnEvent, ownEventsOf } from './publications.ts';

/** Of what receivers are told; most events of a rollout are grants. */
const TELLING: ReadonlySet<OwnEvent['type']> = new Set([
  'RolloutHalted',
  'RolloutResumed',
  'RolloutAborted',
  'WaveWaiting',
  'WaveBaked',
  'HoldPlaced',
  'HoldLifted',
  'HoldExpired',
  'RecallCompleted',
  'RecallReopened',
]);

/** A notice, and the revision of the commit that it comes from. */
interface Placed {
  readonly revision: number;
  readonly notice: Notice;
}

/** What was told of one stream, commit by commit. */
class Telling {
  readonly placed: Placed[] = [];
  private readonly begun = new Map<NoticeKind, { readonly notice: Notice; readonly position: Position }>();

  /** Of what has begun and is not over, undefined where nothing has. */
  open(kind: NoticeKind): Notice | undefined {
    return this.begun.get(kind)?.notice;
  }

  tell(notice: Notice, { revision, position }: Commit): void {
    this.placed.push({ revision, notice });
    if (notice.state === 'began') this.begun.set(notice.kind, { notice, position });
  }

  /** Nothing is told of what has not begun. */
  tellEnd(kind: NoticeKind, { at, words }: { readonly at: string; readonly words: string }, commit: Commit): void {
    const begun = this.begun.get(kind);
    if (begun === undefined) return;
    this.begun.delete(kind);
    this.tell(ended(begun.notice, { position: begun.position, at, words }), commit);
  }
}

/** What receivers of webhooks are told of rollouts, holds of gates and recalls. */
@Injectable()
export class OrchestratorNotices implements NoticeSource {
  readonly streams = OWN_STREAMS;

  constructor(
    private readonly store: EventStore,
    webhooks: Webhooks,
  ) {
    webhooks.add(this);
  }

  /** What ends something tells what that was, so the stream is read up to there; few commits are worth it. */
  async noticesOf(commit: Commit): Promise<readonly Notice[]> {
    const { stream, revision } = commit;
    if (!ownEventsOf(commit).some(({ type }) => TELLING.has(type))) return [];
    const commits: Commit[] = [];
    for await (const each of this.store.readStream(stream)) {
      if (each.revision > revision) break;
      commits.push(each);
    }
    const all = stream.startsWith('rollout-') ? ofRollout(commits) : ofHoldOrRecall(commits);
    return all.filter((each) => each.revision === revision).map(({ notice }) => notice);
  }
}

function ofRollout(commits: readonly Commit[]): Placed[] {
  const telling = new Telling();
  let rollout: Rollout = rolloutDecider.initialState;
  for (const commit of commits) {
    for (const event of ownEventsOf(commit) as readonly RolloutEvent[]) {
      rollout = rolloutDecider.evolve(rollout, event);
      if (rollout.status !== 'absent') tellOf(event, rollout, { telling, commit });
    }
  }
  return telling.placed;
}

function tellOf(
  event: RolloutEvent,
  rollout: Known,
  { telling, commit }: { readonly telling: Telling; readonly commit: Commit },
): void {
  const { at } = event;
  const { rolloutId } = rollout;
  switch (event.type) {
    case 'RolloutHalted':
      telling.tellEnd('rollout-waits', { at, words: `${rolloutId} does not wait any more: it is halted` }, commit);
      telling.tell(haltOf(event, rollout, commit.revision), commit);
      break;
    case 'RolloutResumed':
      telling.tellEnd('rollout-halted', { at, words: `${rolloutId} goes on` }, commit);
      break;
    case 'RolloutAborted':
      for (const kind of ['rollout-waits', 'rollout-halted'] as const) {
        telling.tellEnd(kind, { at, words: `${rolloutId} has ended` }, commit);
      }
      break;
    case 'WaveBaked':
      telling.tellEnd('rollout-waits', { at, words: `wave ${String(event.wave)} of ${rolloutId} is over` }, commit);
      break;
    case 'WaveWaiting':
      if (telling.open('rollout-waits')?.about.wave !== event.wave) telling.tell(waitOf(event, rollout), commit);
      break;
    default:
      break;
  }
}

type Known = Exclude<Rollout, { status: 'absent' }>;

function haltOf(
  { rolloutId, wave, by, reason, at: since }: Extract<RolloutEvent, { type: 'RolloutHalted' }>,
  { plan: { patchId } }: Known,
  revision: number,
): Notice {
  // What a gate says is counts and models; what a person wrote stays in Sluice.
  const ids = { rollout: rolloutId, patch: patchId, wave, revision };
  const because = by === 'gate' ? ` by a gate: ${reason}` : ' by a responder';
  return {
    ...{ id: haltId(rolloutId, revision), kind: 'rollout-halted', state: 'began' },
    ...{ key: `rollout:${rolloutId}`, service: 'orchestrator', severity: 'critical' },
    ...{ about: { rolloutId, patchId, wave }, since },
    words: `${rolloutId} was halted in wave ${String(wave)}${because}`,
    command: waitCommand('operator', ids),
  };
}

function waitOf(
  { rolloutId, wave, waitsFor, at: since }: Extract<RolloutEvent, { type: 'WaveWaiting' }>,
  { plan: { patchId } }: Known,
): Notice {
  return {
    ...{ id: waitId(rolloutId, wave, since), kind: 'rollout-waits', state: 'began' },
    ...{ key: `rollout:${rolloutId}`, service: 'orchestrator', severity: 'warning' },
    ...{ about: { rolloutId, patchId, wave }, since },
    words: `wave ${String(wave)} of ${rolloutId} waits since ${since}, for: ${waitsFor.map(({ code }) => code).join(', ')}`,
    command: `sluice rollout show ${rolloutId}`,
  };
}

function ofHoldOrRecall(commits: readonly Commit[]): Placed[] {
  const telling = new Telling();
  for (const commit of commits) {
    for (const event of ownEventsOf(commit) as readonly (HoldEvent | RecallEvent)[]) {
      if (event.type === 'HoldLifted' || event.type === 'HoldExpired') {
        telling.tellEnd('gate-hold', { at: event.at, words: `the hold ${event.holdId} has ended` }, commit);
        continue;
      }
      const notice = noticeOf(event, commit.revision);
      if (notice !== undefined) telling.tell(notice, commit);
    }
  }
  return telling.placed;
}

function noticeOf(event: HoldEvent | RecallEvent, revision: number): Notice | undefined {
  switch (event.type) {
    case 'HoldPlaced':
      return event.evidence === undefined ? undefined : gateHold(event);
    case 'RecallCompleted': {
      const { removed, devices = removed } = event;
      const words = `the recall of ${event.patchId} is complete: of ${String(devices)} devices ${String(removed)} have removed it, and none holds it`;
      return ofRecall(event, revision, { kind: 'recall-completed', severity: 'info', words });
    }
    case 'RecallReopened': {
      const words = `the recall of ${event.patchId} goes on: ${String(event.holders)} devices turned up that hold it`;
      return ofRecall(event, revision, { kind: 'recall-reopened', severity: 'warning', words });
    }
    default:
      return undefined;
  }
}

function gateHold({ holdId, patchId, slice, reason, at: since }: Extract<HoldEvent, { type: 'HoldPlaced' }>): Notice {
  const slices = [...(slice.model ?? []), ...(slice.base ?? [])].join(' on ');
  return {
    ...{ id: `gate-hold:${holdId}`, kind: 'gate-hold', state: 'began', service: 'orchestrator', severity: 'critical' },
    key: patchId === undefined ? `hold:${holdId}` : `patch:${patchId}`,
    ...{ about: { holdId, ...(patchId !== undefined && { patchId }) }, since },
    words: `a gate holds ${slices}: ${reason}`,
    command: `sluice hold lift ${holdId} --reason "<why it may go on>"`,
  };
}

function ofRecall(
  { type, patchId, recallEpoch, at: since }: Extract<RecallEvent, { type: 'RecallCompleted' | 'RecallReopened' }>,
  revision: number,
  what: Pick<Notice, 'kind' | 'severity' | 'words'>,
): Notice {
  return {
    ...{ ...what, id: `${type}:${patchId}:${String(recallEpoch)}:${String(revision)}`, state: 'happened' },
    ...{ key: `patch:${patchId}`, service: 'orchestrator', about: { patchId }, since },
    command: `sluice recall show ${patchId}`,
  };
}
