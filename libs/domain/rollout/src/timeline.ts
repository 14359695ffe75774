import { durationsOf, rampPercent } from '@sluice/domain-cohorts';
import { plannedPercent } from './exposure.ts';
import { type Plan, watchEndsMs } from './plan.ts';
import { type RolloutEvent } from './rollout-messages.ts';
import { evolve, type Rollout } from './rollout-state.ts';

/** Something that happened to a rollout, by the type of its event. */
export interface TimelineMark {
  readonly at: string;
  readonly what: string;
  readonly wave?: number;
  readonly words?: string;
}

/** How far a rollout was at an instant, in percent of buckets; null before its start. */
export interface ExposurePoint {
  readonly atMs: number;
  /** If nothing had ever kept it from going on, by the plan of that instant. */
  readonly plannedPercent: number | null;
  readonly grantedPercent: number | null;
}

/** What the evidence came to when something was decided on it. */
export interface DecidedEvidence {
  readonly atMs: number;
  readonly logSum: number;
}

export interface RolloutTimeline {
  readonly startedAtMs: number | undefined;
  /** When it was aborted, or its watch was over: from then on nothing changes. */
  readonly endedAtMs: number | undefined;
  /** The receipt of the pull that aborted it; undefined also where the pull has none. */
  readonly endedBy: string | undefined;
  readonly points: readonly ExposurePoint[];
  readonly marks: readonly TimelineMark[];
  readonly evidence: readonly DecidedEvidence[];
}

/**
 * What became of a rollout, by the events of its stream: its exposure at so many instants, evenly from its start to now, or to
 * its abort or the end of its watch; and all that happened to it but its grants.
 */
export function rolloutTimeline(
  events: readonly RolloutEvent[],
  { nowMs, points: count }: { readonly nowMs: number; readonly points: number },
): RolloutTimeline {
  const msOf = (type: RolloutEvent['type']) => {
    const event = events.find((each) => each.type === type);
    return event === undefined ? undefined : Date.parse(event.at);
  };
  const startedAtMs = msOf('RolloutStarted');
  const last = events.reduce<Rollout>(evolve, { status: 'absent' });
  const endedAtMs = last.status === 'completed' ? watchEndsMs(last.completedAt, last.plan) : msOf('RolloutAborted');
  const endedBy = events.find((each) => each.type === 'RolloutAborted')?.cause?.receipt;
  const marks = events.flatMap((event) => markOf(event) ?? []);
  const evidence = events.flatMap((event) =>
    'evidence' in event && 'logSum' in event.evidence
      ? [{ atMs: Date.parse(event.at), logSum: event.evidence.logSum }]
      : [],
  );
  const points =
    startedAtMs === undefined
      ? []
      : exposures(events, { startedAtMs, count, throughMs: Math.min(endedAtMs ?? nowMs, nowMs) });
  return { startedAtMs, endedAtMs, endedBy, points, marks, evidence };
}

type Percents = Omit<ExposurePoint, 'atMs'>;

function exposures(
  events: readonly RolloutEvent[],
  {
    startedAtMs,
    throughMs,
    count,
  }: { readonly startedAtMs: number; readonly throughMs: number; readonly count: number },
): ExposurePoint[] {
  let state: Rollout = { status: 'absent' };
  let last: Percents = { plannedPercent: null, grantedPercent: null };
  let next = 0;
  const stepMs = Math.max(1, (throughMs - startedAtMs) / Math.max(1, count - 1));
  // An aborted rollout stays where it was.
  const reached = (rollout: Rollout, atMs: number): Percents =>
    'exposure' in rollout
      ? {
          plannedPercent: percentWithoutStops(rollout.plan, atMs - startedAtMs),
          grantedPercent: plannedPercent(rollout, atMs),
        }
      : last;
  return Array.from({ length: count }, (_, index): ExposurePoint => {
    const atMs = Math.min(throughMs, Math.round(startedAtMs + index * stepMs));
    for (let event = events[next]; event !== undefined && Date.parse(event.at) <= atMs; event = events[++next]) {
      if (event.type === 'RolloutAborted') last = reached(state, Date.parse(event.at));
      state = evolve(state, event);
    }
    last = reached(state, atMs);
    return { atMs, ...last };
  }).filter(({ atMs }, index, all) => atMs !== all[index - 1]?.atMs);
}

/** How far a plan would have gone after so long, in percent of buckets: the widest of its waves, without rings and hold-back. */
function percentWithoutStops({ waves, holdBackPercent }: Plan, sinceMs: number): number {
  let [beginsMs, widest] = [0, 0];
  for (const wave of waves) {
    if (sinceMs < beginsMs) break;
    if (wave.ring === undefined) widest = Math.max(widest, rampPercent(wave.ramp, sinceMs - beginsMs));
    beginsMs += durationsOf(wave).endMs;
  }
  return Math.min(100 - holdBackPercent, widest);
}

/** Grants are the exposure, and no marks. */
function markOf(event: RolloutEvent): TimelineMark | undefined {
  const { at, type: what } = event;
  const wave = 'wave' in event && { wave: event.wave };
  switch (event.type) {
    case 'ExposureGranted':
      return undefined;
    case 'WaveWaiting':
      return { at, what, ...wave, words: event.waitsFor.map(({ words }) => words).join('; ') };
    case 'WaveBaked': {
      const words = event.forced === undefined ? event.reason : `forced: ${event.forced}`;
      return { at, what, ...wave, ...(words !== undefined && { words }) };
    }
    case 'RolloutResumed': {
      const words = event.reason ?? event.evidenceSeen;
      return { at, what, ...(words !== undefined && { words }) };
    }
    case 'RolloutReplanned':
    case 'RolloutPaused':
    case 'RolloutHalted':
    case 'RolloutAborted':
      return { at, what, ...wave, words: event.reason };
    case 'RolloutApproved':
      return { at, what, words: `by ${event.by}` };
    case 'RolloutPlanned':
    case 'RolloutStarted':
    case 'WaveOpened':
    case 'RolloutCompleted':
      return { at, what, ...wave };
  }
}
