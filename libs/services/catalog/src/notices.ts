import { Injectable } from '@nestjs/common';
import { type Commit } from '@sluice/event-sourcing';
import { type Notice, type NoticeSource, Webhooks } from '@sluice/platform';
import { patchEventsOf } from './patch/patch-table.ts';
import { PATCH_STREAMS } from './publications.ts';

/** What receivers of webhooks are told of the catalog: pulls. Not why, which is what a person wrote. */
@Injectable()
export class CatalogNotices implements NoticeSource {
  readonly streams = PATCH_STREAMS;

  constructor(webhooks: Webhooks) {
    webhooks.add(this);
  }

  noticesOf(commit: Commit): Promise<readonly Notice[]> {
    const pulls = patchEventsOf(commit).filter((event) => event.type === 'PatchPulled');
    return Promise.resolve(
      pulls.map(({ patchId, mode, recallEpoch, replacement, at: since }) => ({
        ...{ id: `patch-pulled:${patchId}:${String(recallEpoch)}`, kind: 'patch-pulled', state: 'happened' },
        ...{ key: `patch:${patchId}`, service: 'catalog', severity: 'critical', about: { patchId }, since },
        words: mode === 'withdraw' ? withdrawn(patchId) : recalled(patchId, replacement),
        command: mode === 'withdraw' ? `sluice patch show ${patchId}` : `sluice recall show ${patchId}`,
      })),
    );
  }
}

function withdrawn(patchId: string): string {
  return `${patchId} was withdrawn: it is offered to no device any more`;
}

function recalled(patchId: string, replacement: string | undefined): string {
  const instead = replacement === undefined ? '' : `, or to go on to ${replacement}`;
  return `${patchId} was recalled: every device that holds it is directed to remove it${instead}`;
}
