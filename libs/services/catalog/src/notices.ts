import { Injectable } from '@nestjs/common';
import { type PatchEvent } from '@sluice/domain-catalog';
import { type Commit } from '@sluice/event-sourcing';
import { type Notice, type NoticeSource, Webhooks } from '@sluice/platform';
import { recallRequestId } from './attention.ts';
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
    return Promise.resolve(patchEventsOf(commit).flatMap(noticeOf));
  }
}

function noticeOf(event: PatchEvent): Notice[] {
  if (event.type !== 'PatchPulled' && event.type !== 'PullRequested') return [];
  const { type, patchId, recallEpoch, at: since } = event;
  const isRecall = type === 'PatchPulled' && event.mode === 'recall';
  return [
    {
      id: type === 'PatchPulled' ? `patch-pulled:${patchId}:${String(recallEpoch)}` : recallRequestId(patchId, event),
      ...{ kind: 'patch-pulled', state: 'happened', key: `patch:${patchId}`, service: 'catalog' },
      ...{ severity: 'critical', about: { patchId }, since, words: wordsOf(event) },
      command: isRecall ? `sluice recall show ${patchId}` : `sluice patch show ${patchId}`,
    },
  ];
}

function wordsOf(event: Extract<PatchEvent, { type: 'PatchPulled' | 'PullRequested' }>): string {
  const { type, patchId, mode, replacement } = event;
  if (type === 'PullRequested') return `a recall of ${patchId} is asked for: a second person has to confirm it`;
  return mode === 'withdraw' ? withdrawn(patchId) : recalled(patchId, replacement);
}

function withdrawn(patchId: string): string {
  return `${patchId} was withdrawn: it is offered to no device any more`;
}

function recalled(patchId: string, replacement: string | undefined): string {
  const instead = replacement === undefined ? '' : `, or to go on to ${replacement}`;
  return `${patchId} was recalled: every device that holds it is directed to remove it${instead}`;
}
