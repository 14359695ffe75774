import { type PlanRolloutBody } from '@sluice/api-client';
import { type FleetOptions, type Line } from './fleet.ts';
import { evenFleet, fleetOf2023, fleetOf2026 } from './fleet-lines.ts';
import { type Habit, staleAgents } from './habits.ts';
import { type Fault, type Harm } from './harm.ts';
import { type Choices } from './random.ts';
import { type CatalogPatch, realPatch } from './real-patches.ts';
import { type ScenarioName } from './scenario-result.ts';

/** What happens in a scenario, as plain data. */
export interface Setting {
  readonly patch: CatalogPatch;
  readonly replacement?: CatalogPatch;
  readonly lines: Choices<Line>;
  readonly roamingShare: number;
  readonly fault?: Fault;
  readonly habits?: Choices<Habit | undefined>;
  /** Where the fleet differs from what was asked for. */
  readonly fleet?: Partial<FleetOptions>;
  /** Two waves if not given: a ring, then all. */
  readonly waves?: PlanRolloutBody['waves'];
  /** The server of the packages is away, in hours after the start of the rollout. */
  readonly outage?: { readonly fromHour: number; readonly toHour: number };
  /** The patch is taken back after all have it; some devices are away by then, for so many days. */
  readonly lateRecall?: { readonly awayShare: number; readonly daysMin: number; readonly daysMax: number };
}

export const RING_SHARE = 0.02;
const ROAMING_SHARE = 0.12;

// Few models of a middling share: the ring alone seldom shows the fault, a few per cent of everybody do.
const faultOf2026: Fault = {
  patchId: 'ios-26.3.1-a',
  harms: [{ kind: 'fails', models: ['iPhone17,3', 'iPhone17,4', 'iPhone17,5'], share: 0.4, after: [2, 20] }],
};
const faultOf2023: Fault = {
  patchId: 'ios-16.5.1-a',
  harms: [{ kind: 'fails', models: ['iPhone15,2', 'iPhone15,3'], share: 0.4, after: [2, 20] }],
};
const all = { name: 'all', ramp: { fromPercent: 0, toPercent: 100, minutes: 2880 }, bakeMinutes: 240 };
const beta = { name: 'beta', ring: 'beta', ramp: { fromPercent: 100, toPercent: 100, minutes: 0 }, bakeMinutes: 60 };
const of2026 = { patch: realPatch('ios-26.3.1-a'), lines: fleetOf2026, roamingShare: 0 };

export const settings: Record<ScenarioName, Setting> = {
  healthy: of2026,
  'faulty-patch': { ...of2026, fault: faultOf2026 },
  'offline-tail': { ...of2026, fault: faultOf2026, roamingShare: ROAMING_SHARE },
  'package-outage': { ...of2026, outage: { fromHour: 12, toHour: 13 } },
  'boot-loop': { ...of2026, fault: everywhere({ kind: 'boot-loops', share: 0.05 }) },
  'slow-harm': { ...of2026, fault: everywhere({ kind: 'falls-back', share: 0.05, after: [180, 1200] }) },
  blind: { ...of2026, habits: [['falls-silent', 1]], waves: [all] },
  'small-fleet': {
    ...of2026,
    lines: evenFleet(['iPhone18,1', 'iPhone17,1']),
    fault: everywhere({ kind: 'fails', share: 1, after: [2, 20] }),
    fleet: { devices: 4, isDealt: true, manualShare: 0, ringDevices: 0 },
    waves: [all],
  },
  'stale-agents': {
    ...of2026,
    habits: staleAgents,
    lateRecall: { awayShare: 0.05, daysMin: 1, daysMax: 4 },
  },
  'long-offline': {
    ...of2026,
    lateRecall: { awayShare: 0.05, daysMin: 14, daysMax: 30 },
  },
  reissue: {
    patch: realPatch('ios-16.5.1-a'),
    replacement: realPatch('ios-16.5.1-c'),
    lines: fleetOf2023,
    roamingShare: 0,
    fault: faultOf2023,
  },
};

export function planFor(
  { scenario, seed }: { readonly scenario: ScenarioName; readonly seed: number },
  { patchId }: CatalogPatch,
): PlanRolloutBody {
  return {
    rolloutId: `r-${patchId}`,
    patchId,
    salt: `${scenario}-${patchId}-${String(seed)}`,
    holdBackPercent: 2,
    waves: settings[scenario].waves ?? [beta, all],
    gates: { installFailureRateMax: 0.01 },
  };
}

/** The patch of 2026 harms whatever the model. */
function everywhere(harm: Harm): Fault {
  return { patchId: 'ios-26.3.1-a', harms: [harm] };
}
