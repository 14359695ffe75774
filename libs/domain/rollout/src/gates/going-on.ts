import { compileAudience } from '@sluice/domain-cohorts';
import { belongs, type Census, populationsOf } from '../census.ts';
import { shareOf } from '../exposure.ts';
import { CAUTION, type SumEvidence, type GateVerdict } from './verdict.ts';
import { type PublishedPatch } from '../catalog-events.ts';
import { type StartedRollout } from '../rollout-state.ts';

/** Why a wave does not go on, in numbers. Words and the command that ends it: `wait-reasons.ts` of the contracts. */
export type WaveWait =
  /** Outcomes of installs that began since the wave opened; `awake` devices are expected to be new to the patch. */
  | { readonly for: 'outcomes'; readonly known: number; readonly needed: number; readonly awake: number }
  /** Nobody who is awake was exposed by the wave, and no outcome of the patch is known: a person has to decide. */
  | { readonly for: 'person' }
  /** Failures whose start was not reported: once their deadline has passed, they would halt the rollout. */
  | { readonly for: 'pending-failures'; readonly failures: number }
  /** The evidence against it is too near to its limit: the sum of all tests, and from which on nothing widens. */
  | { readonly for: 'evidence'; readonly evidence: number; readonly limit: number };

/** What the gates and the evidence say at a wave's end, or for an advance. */
export type GoingOn =
  | { readonly says: 'go' }
  | {
      readonly says: 'wait';
      readonly waits: readonly WaveWait[];
      /** Where it waits because of the gates: what they found, or would find if the pending failures counted. */
      readonly evidence?: SumEvidence;
    }
  | { readonly says: 'halt'; readonly evidence: SumEvidence };

/** Counts of one patch over all its slices. */
export interface Outcomes {
  /** Trials that started since the wave opened, and how many of them have an outcome. */
  readonly trialsOfWave: number;
  readonly knownOfWave: number;
  /** Those of them that are so old that an outcome is due, and how many of these have one. */
  readonly dueOfWave: number;
  readonly knownOfDue: number;
  /** Outcomes of the patch, ever. */
  readonly known: number;
  /** Failures without a reported start whose deadline still runs. */
  readonly pending: number;
}

/** What going on is decided on; `withPending` is what the gates would say if the pending failures counted. */
export interface GoingOnQuestion {
  readonly rollout: StartedRollout;
  readonly verdict: GateVerdict;
  readonly withPending: GateVerdict;
  readonly outcomes: Outcomes;
  readonly awake: number;
}

/** One failure in so many trials is what a gate tolerates: with three times as many, harm would most likely have shown. */
const TRIALS_PER_TOLERATED_FAILURE = 3;
/** Beyond this, evidence is no number to show. */
const EXPONENT_MAX = 100;

/** Whether a wave may go on, on the counts that are there now. Nothing passes on no outcome, but where the plan asks only for time. */
export function goingOn({ rollout, verdict, withPending, outcomes, awake }: GoingOnQuestion): GoingOn {
  if (verdict.says === 'halt') return { says: 'halt', evidence: verdict.evidence };
  const waits: WaveWait[] = [];
  let evidence: SumEvidence | undefined;
  if (verdict.says !== 'go') {
    ({ evidence } = verdict);
    waits.push(tooNear(evidence));
  } else if (withPending.says === 'hold' || withPending.says === 'halt') {
    ({ evidence } = withPending);
    waits.push({ for: 'pending-failures', failures: outcomes.pending });
  }
  if (rollout.plan.gates.goOn !== 'time') waits.push(...missingOutcomes(rollout, outcomes, awake));
  return waits.length === 0 ? { says: 'go' } : { says: 'wait', waits, ...(evidence && { evidence }) };
}

/** How many outcomes a wave needs that was the first to expose so many awake devices: half of them are enough. */
export function neededOutcomes(tolerated: number, awake: number): number {
  return Math.max(1, Math.ceil(Math.min(TRIALS_PER_TOLERATED_FAILURE / tolerated, awake / 2)));
}

/** The evidence as a number for people: the sum of all tests, and its limit for widening. */
function tooNear({ logSum, logLimit }: SumEvidence): WaveWait {
  return {
    for: 'evidence',
    evidence: Math.round(Math.exp(Math.min(logSum, EXPONENT_MAX))),
    limit: Math.round(CAUTION * Math.exp(logLimit)),
  };
}

function missingOutcomes({ plan }: StartedRollout, outcomes: Outcomes, awake: number): WaveWait[] {
  const needed = neededOutcomes(plan.gates.installFailureRateMax, awake);
  const known = awake < needed ? outcomes.known : outcomes.knownOfWave;
  // Where most of what is due is not heard of again, the few that are prove nothing.
  const half = Math.ceil(outcomes.dueOfWave / 2);
  if (known >= needed && outcomes.knownOfDue < half)
    return [{ for: 'outcomes', known: outcomes.knownOfDue, needed: half, awake }];
  if (known >= needed) return [];
  return [awake === 0 && outcomes.known === 0 ? { for: 'person' } : { for: 'outcomes', known, needed, awake }];
}

/** Known eligible devices, and how many of them are expected inside the exposure; in rings, their members' share. */
export function exposedDevices(
  rollout: StartedRollout,
  published: PublishedPatch,
  { census, nowMs }: { readonly census: Census; readonly nowMs: number },
): { readonly eligible: number; readonly exposed: number } {
  const waves = rollout.plan.waves.map(({ ring, audience }, index) => ({
    ring,
    audience: compileAudience(audience),
    share: shareOf(rollout, index + 1, nowMs),
  }));
  let [eligible, exposed] = [0, 0];
  for (const each of populationsOf(published, census)) {
    const shares = waves.filter((wave) => belongs(each, wave.audience, wave.ring)).map(({ share }) => share);
    if (shares.length === 0) continue;
    eligible += each.devices;
    exposed += each.devices * Math.max(...shares);
  }
  return { eligible, exposed: Math.round(exposed) };
}
