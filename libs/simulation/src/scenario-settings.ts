import { type Fault } from './device-reports.ts';
import { fleetOf2023, fleetOf2026, type Line } from './fleet.ts';
import { type Habit, staleAgents } from './habits.ts';
import { type Choices } from './random.ts';
import { type CatalogPatch, realPatch } from './real-patches.ts';
import { type ScenarioName } from './scenario-result.ts';

/** What a scenario is made of. */
export interface Setting {
  readonly patch: CatalogPatch;
  readonly replacement?: CatalogPatch;
  readonly lines: Choices<Line>;
  readonly roamingShare: number;
  readonly fault?: Fault;
  readonly habits?: Choices<Habit | undefined>;
  /** However many are asked for, so many devices. */
  readonly devices?: number;
  /** No ring comes first. */
  readonly oneWave?: true;
  /** The server of the packages is away, in hours after the start of the rollout. */
  readonly outage?: { readonly fromHour: number; readonly toHour: number };
  /** The patch is taken back after all have it; some devices are away by then, for so many days. */
  readonly lateRecall?: { readonly awayShare: number; readonly daysMin: number; readonly daysMax: number };
}

const ROAMING_SHARE = 0.12;

// Few models of a middling share: the ring alone seldom shows the fault, a few per cent of everybody do.
const faultOf2026: Fault = {
  patchId: 'ios-26.3.1-a',
  models: ['iPhone17,3', 'iPhone17,4', 'iPhone17,5'],
  failureRate: 0.4,
};
const faultOf2023: Fault = {
  patchId: 'ios-16.5.1-a',
  models: ['iPhone15,2', 'iPhone15,3'],
  failureRate: 0.4,
};
const twoModels: Choices<Line> = [
  [
    {
      platform: 'ios',
      models: [
        ['iPhone17,1', 1],
        ['iPhone18,1', 1],
      ],
      fullReleases: [[{ version: '26.3.1', build: '23D8133' }, 1]],
    },
    1,
  ],
];
const of2026 = { patch: realPatch('ios-26.3.1-a'), lines: fleetOf2026, roamingShare: 0 };

export const settings: Record<ScenarioName, Setting> = {
  healthy: of2026,
  'faulty-patch': { ...of2026, fault: faultOf2026 },
  'offline-tail': { ...of2026, fault: faultOf2026, roamingShare: ROAMING_SHARE },
  'boot-loop': { ...of2026, fault: { patchId: 'ios-26.3.1-a', failureRate: 0.05, manner: 'boot-loop' } },
  'slow-harm': {
    ...of2026,
    fault: { patchId: 'ios-26.3.1-a', failureRate: 0.05, manner: 'fall-back', afterHours: [3, 20] },
  },
  blind: { ...of2026, habits: [['says-nothing', 1]], oneWave: true },
  'small-fleet': {
    ...of2026,
    lines: twoModels,
    devices: 4,
    oneWave: true,
    fault: { patchId: 'ios-26.3.1-a', failureRate: 1 },
  },
  'package-outage': { ...of2026, outage: { fromHour: 12, toHour: 15 } },
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
