import { type HealthEvent } from '@sluice/contracts/events';
import { SETTLED } from '@sluice/domain-cohorts';
import { type GateVerdict, Series } from '@sluice/domain-rollout';

/** Points that are kept of each series. */
const POINTS_KEPT = 400;

/** Installs of a patch: begun, fine by now, failed. */
type Outcomes = readonly [started: number, fine: number, failed: number];

/**
 * Installs of each patch over time, from all buckets; and the evidence of each rollout, from the verdicts that this process has
 * come to: what it was before a restart is not kept.
 */
export class HistoryView {
  private readonly patches = new Map<string, { sums: Outcomes; readonly series: Series }>();
  private readonly evidence = new Map<string, Series>();

  applyHealth({ patches, installs, to }: HealthEvent): void {
    const touched = new Set<string>();
    for (const [row, patch] of installs.patch.entries()) {
      const patchId = patches[patch];
      // Of buckets of the first version nobody knows when they began.
      if (patchId === undefined || installs.cohort[row] === SETTLED) continue;
      const of = (column: 'started' | 'fine' | 'failed' | 'relapsed') => installs[column][row] ?? 0;
      const its = this.patches.get(patchId) ?? { sums: [0, 0, 0] as const, series: new Series(3, POINTS_KEPT) };
      const [started, fine, failed] = its.sums;
      its.sums = [started + of('started'), fine + of('fine') - of('relapsed'), failed + of('failed')];
      this.patches.set(patchId, its);
      touched.add(patchId);
    }
    const toMs = Date.parse(to);
    for (const patchId of touched) {
      const its = this.patches.get(patchId);
      its?.series.add(toMs, its.sums);
    }
  }

  /** A verdict on the counts up to an instant. */
  applyVerdict(rolloutId: string, atMs: number, verdict: GateVerdict): void {
    const logSum = verdict.says === 'go' ? verdict.logSum : verdict.evidence.logSum;
    // Nothing is counted yet.
    if (!Number.isFinite(logSum)) return;
    const series = this.evidence.get(rolloutId) ?? new Series(1, POINTS_KEPT, 'largest');
    this.evidence.set(rolloutId, series);
    series.add(atMs, [logSum]);
  }

  /** Installs of a patch that were counted up to an instant since another one. */
  outcomesBetween(patchId: string, fromMs: number, toMs: number): Outcomes {
    const series = this.patches.get(patchId)?.series;
    const [before, now] = [series?.valuesAt(fromMs) ?? [], series?.valuesAt(toMs) ?? []];
    const since = (column: number) => (now[column] ?? 0) - (before[column] ?? 0);
    return [since(0), since(1), since(2)];
  }

  /** The largest sums of evidence of a rollout in (after, through], as logarithms. */
  evidenceWithin(rolloutId: string, afterMs: number, throughMs: number): number[] {
    const points = this.evidence.get(rolloutId)?.within(afterMs, throughMs) ?? [];
    return points.flatMap(({ values }) => values);
  }
}
