import { Injectable } from '@nestjs/common';
import { type Requested } from '@sluice/domain-catalog';
import { Attention, type AttentionSource, type Finding, type Findings } from '@sluice/platform';
import { Patches } from './patch/patches.projection.ts';

/** What needs a person at the catalog: recalls that one person has asked for. */
@Injectable()
export class CatalogAttention implements AttentionSource {
  readonly service = 'catalog';

  constructor(
    attention: Attention,
    private readonly patches: Patches,
  ) {
    attention.add(this);
  }

  look(): Findings {
    if (!this.patches.isRead) {
      return { found: [], unknown: [{ kinds: ['recall-requested'], because: 'the patches are not all read' }] };
    }
    const found = this.patches.table.all().flatMap((patch): Finding[] => {
      if (patch.status !== 'pulled' || patch.requested === undefined) return [];
      const { patchId, requested } = patch;
      const { by, reason, at: since } = requested;
      return [
        {
          ...{ id: recallRequestId(patchId, requested), kind: 'recall-requested' },
          ...{ severity: 'critical', about: { patchId }, since },
          words: `${by} asks for a recall of ${patchId}, which re-opens exploited CVEs: a second person has to confirm it; until then it is withdrawn, and devices keep it. Why: ${reason}`,
          command: `sluice patch pull ${patchId} --mode recall --reason "<why>"`,
        },
      ];
    });
    return { found, unknown: [] };
  }
}

/** Another request for the same patch, which may be of the same epoch, is another one. */
export function recallRequestId(patchId: string, { recallEpoch, at }: Pick<Requested, 'recallEpoch' | 'at'>): string {
  return `recall-requested:${patchId}:${String(recallEpoch)}:${at.replaceAll(/[-:.]/g, '')}`;
}
