import { includes } from '@sluice/domain-cohorts';
import { toTimeText } from '@sluice/event-sourcing';
import { isOffer, judge, removalBucket, removalHolds } from './decide.ts';
import { holdsOver, placeOf, type Seen, startedOf } from './explain-rules.ts';
import { watchEndsMs } from './plan.ts';
import { type Candidate, type PolicyHold, type PolicyRollout } from './policy.ts';

/**
 * Something that would have to be otherwise for another answer. `of` is whose it is, where it is not the device's: a patch,
 * a rollout or a hold; null: a new one. `at` (RFC 3339) says when it comes by itself, if nothing stops it.
 */
export interface Change {
  readonly field:
    | 'device.osBuild'
    | 'device.installed'
    | 'device.removed'
    | 'device.failed'
    | 'device.removeFailed'
    | 'device.ring'
    | 'device.track'
    | 'policy'
    | 'patch'
    | 'hold'
    | 'recall'
    | 'recall-share'
    | 'rollout'
    | 'wave'
    | 'hold-back'
    | 'exposure';
  readonly of: string | null;
  /** Percent of an exposure or of a recall, number of a wave; else a word or the value of the device's field. */
  readonly to: string | number | boolean | readonly string[];
  /** With `exposure`: of which wave. */
  readonly wave?: number;
  readonly at?: string;
  readonly words: string;
}

/** A bucket that lies on a hundredth is inside the next one. */
const ROUNDING = 1e-6;

type Reason = Seen['reason'];

/** What would change the answer, all of it together; empty where nothing does. */
export function changesOf(seen: Seen): Change[] {
  return changesBy[seen.reason](seen);
}

const anotherPatch: Change = {
  ...{ field: 'patch', of: null, to: 'published' },
  words: 'a patch for its model and base is published',
};
const anotherRollout = (words: string): Change => ({ field: 'rollout', of: null, to: 'started', words });

const changesBy: Readonly<Record<Reason, (seen: Seen) => Change[]>> = {
  recalled: withoutPatch,
  'recall-paused': ({ recalled }) => [
    { field: 'recall', of: recalled?.patchId ?? null, to: 'resumed', words: 'its recall is resumed' },
  ],
  'recall-ramp': ({ recalled, question }) => {
    if (recalled === undefined) return [];
    const to = percentAbove(removalBucket(recalled, question));
    return [{ field: 'recall-share', of: recalled.patchId, to, words: `its recall comes to ${String(to)} %` }];
  },
  'remove-failed-too-often': ({ question }) =>
    (question.device.removeFailed ?? []).map(({ patchId }) => {
      const words = `a day passes since it failed to remove ${patchId}`;
      return { field: 'device.removeFailed', of: patchId, to: 0, words };
    }),
  'policy-stale': () => [{ field: 'policy', of: null, to: 'fresh', words: 'the policy is fresh again' }],
  'no-patch': applies,
  'already-installed': withoutPatch,
  'folded-in': applies,
  superseded: laterOnHold,
  pulled: ({ isAsked }) =>
    isAsked
      ? []
      : [{ ...anotherPatch, words: 'a later letter for its model and base is published; a pull is never undone' }],
  'on-hold': (seen) => (seen.decidedBy === 'recalled' ? removalHolds(seen.question) : holdsOver(seen)).map(liftOf),
  'no-rollout': start,
  'rollout-aborted': ({ patch }) => [anotherRollout(`another rollout of ${patch?.patchId ?? ''} starts`)],
  'rollout-paused': resume,
  'outside-audience': ({ rollout, candidate, question: { device } }) => [
    placed(rollout, candidate, device.ring) ??
      anotherRollout('another rollout of the patch starts, with a wave for it'),
  ],
  'hold-back': release,
  'beyond-exposure': expose,
  'removed-by-user': ({ patch }) => [
    {
      field: 'device.removed',
      of: patch?.patchId ?? null,
      to: false,
      words: 'the device no longer says that its user removed the patch',
    },
  ],
  'failed-too-often': ({ patch }) => [
    { field: 'device.failed', of: patch?.patchId ?? null, to: 0, words: 'the device forgets its failed attempts' },
  ],
  'manual-track': () => [
    { field: 'device.track', of: null, to: 'automatic', words: 'the device is on the automatic track' },
  ],
  'in-ring': stop,
  'in-wave': stop,
  completed: stop,
};

/** The device as it is when nothing of what it holds is on it any more. */
function withoutPatch({ question: { base, device } }: Seen): Change[] {
  const changes: Change[] = [];
  if (device.osBuild !== base)
    changes.push({ field: 'device.osBuild', of: null, to: base, words: `the device is back on ${base}` });
  if (device.installed.length > 0)
    changes.push({ field: 'device.installed', of: null, to: [], words: 'the device lists no patch as installed' });
  return changes;
}

/** A patch of another platform is for no model of this one, whatever is amended. */
function applies({ isAsked, patch, question: { device } }: Seen): Change[] {
  if (!isAsked) return [anotherPatch];
  if (patch === undefined || patch.published?.platform !== device.platform) return [];
  return [
    { field: 'patch', of: patch.patchId, to: 'amended', words: 'the patch gets a variant for its model and base' },
  ];
}

function liftOf({ holdId, expiresAtMs }: PolicyHold): Change {
  const at = Number.isFinite(expiresAtMs) ? toTimeText(expiresAtMs) : undefined;
  const words = `the hold ${holdId} is lifted${at === undefined ? '' : `, or ends at ${at}`}`;
  return { field: 'hold', of: holdId, to: 'lifted', ...(at !== undefined && { at }), words };
}

function start({ patch, question: { policy } }: Seen): Change[] {
  const ofPatch = ({ state }: PolicyRollout) => state.status === 'planned' && state.plan.patchId === patch?.patchId;
  const planned = [...policy.rollouts.values()].find(ofPatch);
  if (planned === undefined) return [anotherRollout('a rollout of the patch is planned and started')];
  const { state, rolloutId: of } = planned;
  const at = state.status === 'planned' ? state.plan.startAt : undefined;
  const words = `the rollout ${of} is started${at === undefined ? '' : `, as planned at ${at}`}`;
  return [{ field: 'rollout', of, to: 'started', ...(at !== undefined && { at }), words }];
}

/** Every rollout of the patch that is stopped: whoever stops one wants its patch to stop. */
function resume({ patch, question: { policy } }: Seen): Change[] {
  const stopped = (patch?.rollouts ?? []).filter(
    ({ rolloutId, state: { status } }) =>
      policy.stoppedRollouts.has(rolloutId) || status === 'paused' || status === 'halted',
  );
  return stopped.map(({ rolloutId: of }) => ({
    ...{ field: 'rollout', of, to: 'resumed' },
    words: `the rollout ${of} is resumed`,
  }));
}

/** A later wave that is for the device, or the ring of a wave that is open. */
function placed(
  rollout: PolicyRollout | undefined,
  candidate: Candidate | undefined,
  ring?: string,
): Change | undefined {
  const state = startedOf(rollout);
  if (rollout === undefined || state === undefined || candidate === undefined) return undefined;
  const { rolloutId: of, audiences } = rollout;
  const included = state.plan.waves.flatMap((wave, index) => {
    const audience = audiences[index];
    return audience !== undefined && includes(audience, candidate) ? [{ number: index + 1, ring: wave.ring }] : [];
  });
  const later = included.find((wave) => wave.number > state.wave && (wave.ring ?? ring) === ring);
  if (later !== undefined && state.status === 'running') {
    const words = `wave ${String(later.number)} of ${of} opens, which is for it`;
    return { field: 'wave', of, to: later.number, words };
  }
  const open = included.find((wave) => wave.number <= state.wave && wave.ring !== undefined);
  if (open?.ring === undefined) return undefined;
  return { field: 'device.ring', of: null, to: open.ring, words: `the device is in the ring ${open.ring}` };
}

function release({ rollout }: Seen): Change[] {
  const state = startedOf(rollout);
  if (rollout === undefined || state === undefined) return [];
  const at = state.status === 'completed' ? toTimeText(watchEndsMs(state.completedAt, state.plan)) : undefined;
  const expected = at === undefined ? 'when the rollout is complete and was watched' : `expected at ${at}`;
  const words = `the hold-back is released, ${expected}`;
  return [{ field: 'hold-back', of: rollout.rolloutId, to: 'released', ...(at !== undefined && { at }), words }];
}

function expose(seen: Seen): Change[] {
  const { rollout, verdict, question } = seen;
  const state = startedOf(rollout);
  if (rollout === undefined || state === undefined) return [];
  const { bucket, wave } = placeOf(seen);
  const to = percentAbove(bucket);
  const turnInMs = verdict?.turnInMs ?? Infinity;
  const at =
    state.status === 'running' && Number.isFinite(turnInMs) && turnInMs > 0
      ? toTimeText(question.nowMs + turnInMs)
      : undefined;
  const words = `its turn comes at ${String(to)} %, ${expectation(seen, at)}`;
  return [{ field: 'exposure', of: rollout.rolloutId, to, wave, ...(at !== undefined && { at }), words }];
}

function expectation({ rollout, verdict }: Seen, at: string | undefined): string {
  if (at !== undefined) return `expected at ${at} if nothing stops the ramp`;
  const state = startedOf(rollout);
  const ramp = state?.plan.waves[(verdict?.wave ?? 0) - 1]?.ramp;
  if (ramp !== undefined && !Number.isFinite(verdict?.turnInMs)) {
    const isOpen = state?.status === 'running' && verdict?.wave === state.wave;
    return isOpen ? `and its wave ends at ${String(ramp.toPercent)} %` : 'and its wave goes no further';
  }
  return 'as soon as the exposure that the ramp wants is granted';
}

/** Every later letter that is open to the device would have to be closed to it. */
function laterOnHold({ question, candidate }: Seen): Change[] {
  const later = question.candidates.slice(0, candidate === undefined ? 0 : question.candidates.indexOf(candidate));
  return later
    .filter((each) => isOffer(judge(each, question)))
    .map(({ patch: { patchId: of } }) => ({
      ...{ field: 'patch', of, to: 'on-hold' },
      words: `${of} is no longer open to it, by a hold or a pull`,
    }));
}

function stop({ directive: { patchId = '' } }: Seen): Change[] {
  return [{ field: 'patch', of: patchId, to: 'on-hold', words: `${patchId} is held, paused or pulled` }];
}

/** The smallest percentage with two decimals at which a bucket is inside. */
function percentAbove(bucket: number): number {
  return Math.min(100, Math.floor(bucket * 10_000 + 1 + ROUNDING) / 100);
}
