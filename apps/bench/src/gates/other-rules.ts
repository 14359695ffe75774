import { type InstallRow, type Slice } from '@sluice/domain-cohorts';
import { logRateEvidence } from '@sluice/domain-rollout';

/** Who stops the rollout: the gates of Sluice, its gate of before, or a threshold on the errors of the whole group, as hawkBit has it. */
export type Rule = 'sluice' | 'former' | 'hawkbit';

const HAWKBIT_SHARE = 0.02;
const FORMER_ALPHA = 0.001;

/** The counts that the rules of others look at. */
export class OtherRules {
  private readonly former: { n: number; x: number }[];
  private errors = 0;

  constructor(
    private readonly slices: readonly Slice[],
    private readonly world: { readonly devices: number; readonly tolerated: number },
  ) {
    this.former = slices.map(() => ({ n: 0, x: 0 }));
  }

  count(rows: readonly InstallRow[]): void {
    for (const { slice, started, failed } of rows) {
      this.errors += failed;
      const counts = this.former[this.slices.indexOf(slice)];
      if (counts === undefined) continue;
      counts.n += started;
      counts.x += failed;
    }
  }

  says(rule: Exclude<Rule, 'sluice'>): 'go' | 'halt' {
    const { devices, tolerated } = this.world;
    if (rule === 'hawkbit') return this.errors > HAWKBIT_SHARE * devices ? 'halt' : 'go';
    const limit = Math.log(this.slices.length / FORMER_ALPHA);
    return this.former.some((each) => each.x > 1 && logRateEvidence(each, tolerated) >= limit) ? 'halt' : 'go';
  }
}
