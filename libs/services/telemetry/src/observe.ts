import { Injectable } from '@nestjs/common';
import { sum } from '@sluice/domain-cohorts';
import { deviceFlags } from '@sluice/domain-fleet';
import { type Measured, Metrics } from '@sluice/platform';
import { FleetQueries } from './fleet/fleet-queries.ts';
import { RolloutsView } from './fleet/rollouts-view.projection.ts';
import { HealthTotals } from './health/health.projection.ts';

/** Patches with series of their own. */
const PATCHES_MEASURED_MAX = 50;

/** What telemetry tells those who watch over it; alerts are in deploy/prometheus. */
@Injectable()
export class Observe {
  /** Reports by what became of them. */
  readonly reports;
  readonly unknownFields;
  readonly unknownPatches;
  readonly removalsFailed;

  constructor(
    private readonly queries: FleetQueries,
    private readonly totals: HealthTotals,
    private readonly rollouts: RolloutsView,
    metrics: Metrics,
  ) {
    const reports = metrics.counter('sluice_reports_total', 'Reports by what became of them', ['outcome']);
    this.reports = {
      accepted: reports.labels({ outcome: 'accepted' }),
      duplicates: reports.labels({ outcome: 'duplicate' }),
      refused: reports.labels({ outcome: 'refused' }),
      handedOn: reports.labels({ outcome: 'handed-on' }),
    };
    this.unknownFields = metrics.counter('sluice_reports_unknown_fields_total', 'Fields of reports that are not known');
    this.unknownPatches = metrics.counter(
      'sluice_reports_unknown_patches_total',
      'Reports on patches that were not published, as far as it was heard',
    );
    this.removalsFailed = metrics.counter('sluice_removals_failed_total', 'Removals that devices could not carry out');
    this.showFleet(metrics);
    this.showPatches(metrics);
  }

  private showFleet(metrics: Metrics): void {
    const { queries } = this;
    const { fleet } = queries;
    metrics.gaugeBy('sluice_devices_flagged', 'Devices of the own shards of which something is odd, by what it is', {
      label: 'flag',
      read: () =>
        new Map(deviceFlags.map((flag) => [flag, sum(fleet.owned().map(({ state }) => state.flags.count(flag)))])),
    });
    metrics.gauge(
      'sluice_device_kinds',
      'Kinds of devices in the fullest of the own shards; beyond 65,536 none is taken',
      () => Math.max(0, ...fleet.owned().map(({ state }) => state.profiles.size)),
    );
    metrics.gauge('sluice_shards_owned', 'Shards of the fleet that this instance owns', () => fleet.owned().length);
    metrics.gauge(
      'sluice_shards_without_owner',
      'Shards that no instance owns as far as this one knows, or whose owner did not answer it when last asked',
      () => queries.shardsWithoutOwner(),
    );
  }

  private showPatches(metrics: Metrics): void {
    metrics.gauges('sluice_patch_installs', 'Installs of a patch whose rollout is watched, by what became of them', {
      labels: ['patch', 'outcome'],
      read: () =>
        this.measured().flatMap((patch): Measured<'patch' | 'outcome'>[] => {
          const { cells } = this.totals.of(patch);
          const count = (of: 'trials' | 'failures' | 'fine' | 'pending') => sum(cells.map((cell) => cell[of]));
          return [
            [{ patch, outcome: 'started' }, count('trials')],
            [{ patch, outcome: 'failed' }, count('failures')],
            [{ patch, outcome: 'fine' }, count('fine')],
            [{ patch, outcome: 'pending' }, count('pending')],
          ];
        }),
    });
    metrics.gauges('sluice_patch_holders', 'Devices that hold a patch whose rollout is watched', {
      labels: ['patch'],
      read: () => this.measured().map((patch) => [{ patch }, this.totals.of(patch).holders.holders] as const),
    });
  }

  private measured(): string[] {
    return this.rollouts.watchedPatches().slice(-PATCHES_MEASURED_MAX);
  }
}
