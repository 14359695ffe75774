import { type Stand } from './operator.ts';

export const scenarioNames = [
  'healthy',
  'faulty-patch',
  'reissue',
  'offline-tail',
  'stale-agents',
  'long-offline',
  'package-outage',
  'boot-loop',
  'slow-harm',
  'blind',
  'small-fleet',
] as const;
export type ScenarioName = (typeof scenarioNames)[number];

/** What `npm start -- --scenario … --json` prints. Seconds are simulated, except `wallSeconds`. */
export interface ScenarioResult {
  readonly scenario: ScenarioName;
  readonly seed: number;
  readonly devices: number;
  /** Devices whose base and model match the patch of the scenario. */
  readonly eligible: number;
  /** Waves of the plan. */
  readonly waves: number;
  /**
   * How the rollout stood when harm was found: halted, with a hold on the models that are harmed, or waiting for hours
   * because of the evidence, or for a day because nothing is known to go well. Null when it did not.
   */
  readonly stood: Stand | null;
  /** Models on hold when the patch was taken back. */
  readonly heldModels: readonly string[];
  readonly stoodInWave: number | null;
  /** Eligible devices inside the exposure when it stood: by ring in wave 1, from wave 2 on by ring or bucket. */
  readonly devicesExposedThen: number;
  /** Devices that had begun to install by then. */
  readonly devicesBegunThen: number;
  /** In Sluice's words. */
  readonly stoodBecause: string | null;
  readonly simulatedSecondsUntilThen: number | null;
  /** What the rollout waited for at some time, beside its own ramp and bake. */
  readonly waitedFor: readonly string[];
  readonly recall: RecallResult | null;
  /** Facts that the fleet has reported, as `GET /v1/fleet` counts them. */
  readonly events: number;
  readonly replayMatches: boolean;
  readonly wallSeconds: number;
}

export interface RecallResult {
  readonly devices: number;
  readonly removed: number;
  /** Devices that went on to another build, such as that of the replacement. */
  readonly replaced: number;
  /** Devices that a person retired, for they could not remove it. */
  readonly retired: number;
  readonly remaining: number;
  /** Devices that installed the patch on a directive given after its pull. */
  readonly reinstalled: number;
  /** Until half of them, and 99 %, were free of the patch; null when that was not reached. */
  readonly p50Seconds: number | null;
  readonly p99Seconds: number | null;
}

/** What the pace exposes while nothing is known to go well. */
const PACE_FIRST = 300;
/** Devices on the manual track are offered it beside them, and a share of buckets is not quite that share of the devices. */
const CHANCE = 0.3;
/** Of four devices, all of which fail: exposed, and begun. */
const SMALL_FLEET_MAX = 3;

/** What every scenario promises; a run that breaks it must not look like a success to a script. */
export function isAsPromised(result: ScenarioResult): boolean {
  const { scenario, stood, recall, replayMatches, waitedFor, heldModels } = result;
  const recalledAll = recall !== null && recall.remaining === 0 && recall.reinstalled === 0;
  switch (scenario) {
    case 'healthy':
      return replayMatches && stood === null;
    case 'package-outage':
      return replayMatches && stood === null && waitedFor.includes('infrastructure') && heldModels.length === 0;
    case 'stale-agents':
    case 'long-offline':
      return replayMatches && stood === null && recalledAll;
    case 'blind':
      // Nothing is known to go well, so that no more are exposed than the pace begins with.
      return (
        replayMatches &&
        stood === 'wait' &&
        waitedFor.includes(result.eligible > PACE_FIRST ? 'pace' : 'outcomes') &&
        result.devicesExposedThen <= PACE_FIRST * (1 + CHANCE) &&
        recalledAll
      );
    case 'small-fleet':
      return (
        replayMatches &&
        stood !== null &&
        result.devicesExposedThen <= SMALL_FLEET_MAX &&
        result.devicesBegunThen <= SMALL_FLEET_MAX &&
        recalledAll
      );
    default:
      return replayMatches && stood !== null && recalledAll;
  }
}

/** The result for people: a line a figure. */
export function inWords(result: ScenarioResult): string {
  return `\n${Object.entries(result)
    .map(([name, value]) => `${name.padEnd(24)}${typeof value === 'object' ? JSON.stringify(value) : String(value)}`)
    .join('\n')}\n`;
}
