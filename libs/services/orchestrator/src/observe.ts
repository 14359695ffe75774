import { Injectable } from '@nestjs/common';
import { type Directive } from '@sluice/contracts';
import { isWaveOver } from '@sluice/domain-rollout';
import { Clock, Traces } from '@sluice/event-sourcing';
import { Metrics } from '@sluice/platform';
import { FirstRefusals } from './check-in/first-refusals.ts';
import { Knowledge } from './knowledge/knowledge.ts';

/** What the orchestrator tells those who watch over it; alerts are in deploy/prometheus. */
@Injectable()
export class Observe {
  readonly unknownFields;
  private readonly countDirective;
  private readonly refusals: FirstRefusals;

  constructor(
    private readonly knowledge: Knowledge,
    private readonly clock: Clock,
    metrics: Metrics,
    traces: Traces,
  ) {
    this.unknownFields = metrics.counter(
      'sluice_check_in_unknown_fields_total',
      'Fields of check-ins that this version does not know',
    );
    this.countDirective = metrics.tally('sluice_directives_total', 'Directives given, by kind and reason', [
      'directive',
      'reason',
    ]);
    this.showKnowledge(metrics);
    this.refusals = new FirstRefusals(traces, clock);
    const { sources } = knowledge;
    sources.onEvent((event) => {
      if (event.type === 'PatchPulled' && sources.catalog().isRead) this.refusals.hear(event);
    });
  }

  /** To be called with each directive. */
  directed(directive: Directive): void {
    this.countDirective(directive.directive, directive.reason);
    this.refusals.note(directive);
  }

  private showKnowledge(metrics: Metrics): void {
    const { knowledge, clock } = this;
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
      () => sources.catalog().silentMs / 1000,
    );
    metrics.gauge(
      'sluice_telemetry_silent_seconds',
      'Time since telemetry was heard of (seconds)',
      () => sources.telemetry().silentMs / 1000,
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
