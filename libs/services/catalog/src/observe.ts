import { Injectable } from '@nestjs/common';
import { Metrics } from '@sluice/platform';
import { Patches } from './patch/patches.projection.ts';

const statuses = ['published', 'superseded', 'folded-in', 'pulled'] as const;

/** What the catalog tells those who watch over it; alerts are in deploy/prometheus. */
@Injectable()
export class Observe {
  constructor(patches: Patches, metrics: Metrics) {
    metrics.gaugeBy('sluice_patches', 'Patches of the catalog by their status', {
      label: 'status',
      // Half of the history would show patches as published that are pulled.
      read: () => {
        if (!patches.isRead) return [];
        const all = patches.table.all();
        return statuses.map((status) => [status, all.filter((patch) => patch.status === status).length] as const);
      },
    });
  }
}
