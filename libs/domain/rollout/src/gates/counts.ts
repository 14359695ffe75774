import { HOUR_MS, OUTCOME_HOURS, sum } from '@sluice/domain-cohorts';
import { type Well } from '../pace.ts';
import { type StartedRollout } from '../rollout-state.ts';
import { type Outcomes } from './going-on.ts';
import { openingHour } from './hourly-outcomes.ts';
import { outageOf } from './infrastructure.ts';
import { type GateLedger, heldSlices, isSame } from './ledger.ts';

/** The outcomes that are known of the patch of a rollout, ever and since its open wave was opened; its opening hour counts. */
export function outcomesOf(ledger: GateLedger, { plan, waveOpenedAt }: StartedRollout, nowMs: number): Outcomes {
  const patch = ledger.patches.get(plan.patchId);
  const counted = [...(patch?.outcomes.hours ?? [])];
  const openedHour = openingHour(waveOpenedAt);
  const ofWave = counted.filter(([hour]) => hour >= openedHour);
  const due = ofWave.filter(([hour]) => (hour + 1 + OUTCOME_HOURS) * HOUR_MS <= nowMs);
  return {
    dueOfWave: sum(due.map(([, { started }]) => started)),
    knownOfDue: sum(due.map(([, { known }]) => known)),
    trialsOfWave: sum(ofWave.map(([, { started }]) => started)),
    knownOfWave: sum(ofWave.map(([, { known }]) => known)),
    known: sum(counted.map(([, { known }]) => known)),
    pending: sum([...(patch?.slices.values() ?? [])].map(({ pending }) => pending)),
  };
}

/** What a rollout counts of harm by signal, over all slices that no gate holds. */
export function harmOf(ledger: GateLedger, { rolloutId, plan }: StartedRollout) {
  const patch = ledger.patches.get(plan.patchId);
  const held = heldSlices(ledger, plan.patchId);
  const counted = [...(patch?.slices.values() ?? [])].filter(({ slice }) => !held.some((each) => isSame(each, slice)));
  return patch?.harm.get(rolloutId)?.counts(counted.map(({ key }) => key)) ?? [];
}

/** How many devices of a patch are fine whose trial began before an instant, and how many on the manual track began at all; by slice. */
export function wellOf({ patches }: GateLedger, patchId: string, beforeMs: number): Well[] {
  const slices = [...(patches.get(patchId)?.slices.values() ?? [])];
  return slices.map((trials) => ({ slice: trials.slice, well: trials.wellBefore(beforeMs), manual: trials.manual }));
}

/** Devices that try get no package of the patch: nobody is to blame, and nothing widens. Undefined while they do. */
export function outageFor({ patches }: GateLedger, patchId: string) {
  const supply = patches.get(patchId)?.supply;
  return supply && outageOf(supply);
}
