import { Injectable } from '@nestjs/common';
import { EventFeed } from '@sluice/event-feed';
import { isWaveOver } from '@sluice/domain-rollout';
import { Clock } from '@sluice/event-sourcing';
import { Metrics } from '@sluice/platform';
import { Knowledge } from './knowledge/knowledge.ts';

/** What the orchestrator tells those who watch over it; alerts are in deploy/prometheus. */
@Injectable()
export class OrchestratorMetrics {
  constructor(knowledge: Knowledge, clock: Clock, feed: EventFeed, metrics: Metrics) {
    const { sources } = knowledge;
    metrics.gauge('sluice_policy_stale', 'Whether the policy is stale, so that nothing is offered (0 or 1)', () =>
      knowledge.currentPolicy().stale ? 1 : 0,
    );
    metrics.gauge('sluice_blind', 'Whether too little is known to widen anything (0 or 1)', () =>
      knowledge.doubts().length > 0 ? 1 : 0,
    );
    metrics.gauge(
      'sluice_rollouts_waiting',
      'Running rollouts whose open wave is over in time, and waits for something else',
      () => waitingRollouts(knowledge, clock.now()),
    );
    metrics.gauge(
      'sluice_catalog_silent_seconds',
      'Time since the catalog was heard of (seconds)',
      () => feed.silentForMs('catalog') / 1000,
    );
    metrics.gauge(
      'sluice_telemetry_silent_seconds',
      'Time since telemetry was heard of (seconds)',
      () => feed.silentForMs('telemetry') / 1000,
    );
    for (const status of ['running', 'halted'] as const) {
      metrics.gauge(
        `sluice_rollouts_${status}`,
        `Rollouts that are ${status}`,
        () => sources.views.policy.rollouts().filter((rollout) => rollout.status === status).length,
      );
    }
    metrics.gauge(
      'sluice_recalls_open',
      'Recalls whose patch some device still holds',
      () => sources.views.recalls.recalls().filter(({ status }) => status !== 'completed').length,
    );
  }
}

function waitingRollouts({ sources }: Knowledge, nowMs: number): number {
  const open = sources.views.policy.openRollouts();
  return open.filter((rollout) => rollout.status === 'running' && isWaveOver(rollout, nowMs)).length;
}
