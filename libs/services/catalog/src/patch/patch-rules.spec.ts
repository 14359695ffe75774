import { type PatchEvent, type PullOrder } from '@sluice/domain-catalog';
import { fold } from '@sluice/event-sourcing';
import { describe, expect, it } from 'vitest';
import { amongOthers, ledgerOf } from './patch-rules.ts';
import { PatchTable } from './patch-table.ts';

const at = '2026-11-24T10:00:00.000Z';
const published: PatchEvent = {
  ...{ type: 'PatchPublished', patchId: 'p-a', platform: 'ios', baseVersion: '26.3.1', letter: 'a', cves: [], at },
  variants: [{ build: '23D771330a', prerequisiteBuild: '23D8133', models: ['iPhone18,1'] }],
};
const order: PullOrder = { type: 'PullPatch', patchId: 'p-a', mode: 'recall', reason: 'bad', by: 'ann', at };

function rules(isWhole: boolean) {
  const table = new PatchTable();
  table.apply(published);
  const decider = amongOthers(table, (patch) => patch, isWhole);
  const patch = fold(decider, [published]);
  const types = (pull: PullOrder) => decider.decide(pull, patch).map(({ type }) => type);
  const digest = patch.status === 'absent' ? '' : ledgerOf(patch, table).digest;
  return { types, digest };
}

describe('judging a recall among other patches', () => {
  it('takes one that re-opens nothing exploited from one person, without a digest', () => {
    expect(rules(true).types(order)).toEqual(['PatchPulled']);
  });

  it('takes it for one that re-opens exploited CVEs where not all patches are known, and withdraws at once', () => {
    const { types, digest } = rules(false);
    expect(() => types(order)).toThrow(expect.objectContaining({ code: 'ledger-not-named' }) as Error);
    expect(types({ ...order, ledgerDigest: digest })).toEqual(['PatchPulled', 'PullRequested']);
    expect(types({ ...order, mode: 'withdraw' })).toEqual(['PatchPulled']);
  });
});
