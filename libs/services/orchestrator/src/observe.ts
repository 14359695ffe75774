import { setImmediate as nextTurn } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { type Directive } from '@sluice/contracts/device-protocol';
import { ALPHA, isWaveOver, type StartedRollout } from '@sluice/domain-rollout';
import { Clock, Traces } from '@sluice/event-sourcing';
import { type Measured, Metrics, sharedWhileUnderWay } from '@sluice/platform';
import { FirstRefusals } from './check-in/first-refusals.ts';
import { Knowledge } from './knowledge/knowledge.ts';
import { type KnownHold } from './policy/policy.projection.ts';
import { exposureOf } from './rollout/rollout-rules.ts';
import { waitsFor } from './rollout/rollout-views.ts';

/** Series of holds and of recalls; what is beyond is in the sums only. */
const PATCHES_MEASURED_MAX = 50;

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
    new MeasuredRollouts(knowledge, () => clock.now()).show(metrics);
    this.showHolds(metrics);
    this.showRecalls(metrics);
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
      () => this.ofHistory(() => waitingRollouts(knowledge, clock.now())),
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
      metrics.gauge(`sluice_rollouts_${status}`, `Rollouts that are ${status}`, () =>
        this.ofHistory(() => sources.views.policy.rollouts().filter((each) => each.status === status).length),
      );
    }
  }

  /** Before the own history is read, what it holds is not known. */
  private ofHistory<Value>(read: () => Value): Value | undefined {
    return this.knowledge.sources.own().isRead ? read() : undefined;
  }

  private showHolds(metrics: Metrics): void {
    const { policy } = this.knowledge.sources.views;
    metrics.gauges('sluice_holds', 'Holds in force, by the patch (empty: every patch) and who placed them', {
      labels: ['patch', 'by'],
      read: () => this.ofHistory(() => countHolds(policy.holds())) ?? [],
    });
    metrics.gauge('sluice_holds_active', 'Holds in force, of all patches', () =>
      this.ofHistory(() => policy.holds().filter(({ status }) => status === 'active').length),
    );
  }

  private showRecalls(metrics: Metrics): void {
    const { recalls } = this.knowledge.sources.views;
    const open = () => this.ofHistory(() => recalls.recalls().filter(({ status }) => status !== 'completed'));
    metrics.gauge('sluice_recalls_open', 'Recalls whose patch some device still holds', () => open()?.length);
    // What is not known of all shards has no value, and not 0.
    metrics.gauges('sluice_recall_remaining_devices', 'Devices that hold a recalled patch still, by how they are', {
      labels: ['patch', 'state'],
      read: () =>
        (this.knowledge.healthIsRead ? (open() ?? []) : []).slice(-PATCHES_MEASURED_MAX).flatMap(({ patchId }) => {
          const count = recalls.progressOf(patchId)?.count;
          if (count === undefined || count === null) return [];
          const { waiting, offline, failing, inFlight } = count;
          const states = { waiting, offline, failing, installing: inFlight };
          return Object.entries(states).map(([state, value]) => [{ patch: patchId, state }, value] as const);
        }),
    });
  }
}

function countHolds(holds: readonly KnownHold[]): Iterable<Measured<'patch' | 'by'>> {
  const counts = new Map<string, Measured<'patch' | 'by'>>();
  for (const { status, patchId = '', evidence } of holds) {
    if (status !== 'active') continue;
    const by = evidence === undefined ? 'person' : 'gate';
    const key = `${by} ${patchId}`;
    if (!counts.has(key) && counts.size >= PATCHES_MEASURED_MAX) continue;
    counts.set(key, [{ patch: patchId, by }, (counts.get(key)?.[1] ?? 0) + 1]);
  }
  return counts.values();
}

function waitingRollouts({ sources }: Knowledge, nowMs: number): number {
  const open = sources.views.policy.openRollouts();
  return open.filter((rollout) => rollout.status === 'running' && isWaveOver(rollout, nowMs)).length;
}

/** Each has some fifteen series, and a scrape looks at each. */
const ROLLOUTS_MEASURED_MAX = 50;

/** Those that move come first. */
const ORDER: Readonly<Record<StartedRollout['status'], number>> = {
  running: 0,
  halted: 1,
  paused: 2,
  completed: 3,
};

const labels = ['rollout', 'patch'] as const;

/** What is measured of a rollout at one instant; undefined is not known. */
interface MeasuredRollout {
  readonly labels: Record<(typeof labels)[number], string>;
  readonly wave: number;
  readonly plannedPercent: number;
  readonly grantedPercent: number;
  readonly exposedDevices: number | undefined;
  readonly eligibleDevices: number | undefined;
  readonly evidence: number | undefined;
  readonly waits: ReadonlySet<string>;
}

/**
 * Metrics of each rollout that has started and not ended: an aborted one is over, a completed one when its hold-back is
 * released. Of many, the first ones in the order of `ORDER`, then the last started.
 */
class MeasuredRollouts {
  /** Of one instant, for all metrics and all scrapes that come while it is made. */
  private readonly measured = sharedWhileUnderWay(() => this.measureAll());

  constructor(
    private readonly knowledge: Knowledge,
    private readonly nowMs: () => number,
  ) {}

  show(metrics: Metrics): void {
    this.add(metrics, 'sluice_rollout_wave', 'The wave that was opened last, from 1', ({ wave }) => wave);
    this.add(
      metrics,
      'sluice_rollout_planned_percent',
      'Share of the buckets that the plan and the grants let in at this instant (percent)',
      ({ plannedPercent }) => plannedPercent,
    );
    this.add(
      metrics,
      'sluice_rollout_granted_percent',
      'Share of the buckets at the end of what is granted (percent)',
      ({ grantedPercent }) => grantedPercent,
    );
    this.add(
      metrics,
      'sluice_rollout_exposed_devices',
      'Known eligible devices inside the exposure',
      ({ exposedDevices }) => exposedDevices,
    );
    this.add(
      metrics,
      'sluice_rollout_eligible_devices',
      'Known eligible devices of all waves',
      ({ eligibleDevices }) => eligibleDevices,
    );
    this.add(
      metrics,
      'sluice_rollout_evidence',
      'Natural logarithm of the sum of evidence against the rollout',
      ({ evidence }) => evidence,
    );
    metrics.gauge(
      'sluice_rollout_evidence_limit',
      'What the evidence has to reach to hold or halt',
      () => -Math.log(ALPHA),
    );
    metrics.gauges('sluice_rollout_waits', 'What a rollout waits for (1 for each reason)', {
      labels: [...labels, 'for'],
      read: async () =>
        (await this.measured()).flatMap((each) =>
          [...each.waits].map((reason) => [{ ...each.labels, for: reason }, 1] as const),
        ),
    });
    metrics.gauge(
      'sluice_rollouts_not_measured',
      `Rollouts that have not ended and are not measured, because more than ${String(ROLLOUTS_MEASURED_MAX)} are under way`,
      () => (this.isRead ? Math.max(0, this.all().length - ROLLOUTS_MEASURED_MAX) : undefined),
    );
  }

  private add(
    metrics: Metrics,
    name: string,
    help: string,
    read: (measured: MeasuredRollout) => number | undefined,
  ): void {
    metrics.gauges(name, help, {
      labels,
      read: async () =>
        (await this.measured()).flatMap((each) => {
          const value = read(each);
          return value === undefined ? [] : [[each.labels, value] as const];
        }),
    });
  }

  private get isRead(): boolean {
    return this.knowledge.sources.own().isRead;
  }

  /** One rollout a turn: check-ins and pulls come in between. */
  private async measureAll(): Promise<readonly MeasuredRollout[]> {
    if (!this.isRead) return [];
    const nowMs = this.nowMs();
    const measured: MeasuredRollout[] = [];
    for (const rollout of this.firstOnes()) {
      measured.push(measure(rollout, this.knowledge, nowMs));
      await nextTurn();
    }
    return measured;
  }

  private firstOnes(): StartedRollout[] {
    return this.all()
      .sort((left, right) => ORDER[left.status] - ORDER[right.status] || (left.startedAt < right.startedAt ? 1 : -1))
      .slice(0, ROLLOUTS_MEASURED_MAX);
  }

  private all(): StartedRollout[] {
    const open = this.knowledge.sources.views.policy.openRollouts();
    return open.filter((rollout): rollout is StartedRollout => 'startedAt' in rollout && !isOver(rollout));
  }
}

function measure(rollout: StartedRollout, knowledge: Knowledge, nowMs: number): MeasuredRollout {
  const { views } = knowledge.sources;
  const { isRead } = knowledge.sources.catalog();
  const { rolloutId, plan, wave } = rollout;
  const { plannedPercent, devices } = exposureOf(views, rollout, nowMs);
  const verdict = views.gates.verdictOn(rollout);
  return {
    labels: { rollout: rolloutId, patch: plan.patchId },
    wave,
    plannedPercent,
    grantedPercent: exposureOf(views, rollout, grantedUntilMs(rollout) ?? nowMs).plannedPercent,
    exposedDevices: isRead ? devices?.exposed : undefined,
    eligibleDevices: isRead ? devices?.eligible : undefined,
    evidence: verdict === undefined || verdict.says === 'go' ? verdict?.logSum : verdict.evidence.logSum,
    waits: new Set(waitsFor(rollout, knowledge, nowMs).map((wait) => wait.for)),
  };
}

function isOver(rollout: StartedRollout): boolean {
  return rollout.status === 'completed' && rollout.released !== undefined;
}

function grantedUntilMs({ exposure }: StartedRollout): number | undefined {
  return exposure.by === 'grants' ? exposure.grant?.toMs : undefined;
}
