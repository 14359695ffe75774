import { setTimeout as sleep } from 'node:timers/promises';
import { type Plan, type PublishedPatch, slicesOf } from '@sluice/domain-rollout';
import { reject } from '@sluice/event-sourcing';
import { type Views } from '../views.ts';

/** A patch that was published a moment ago may take as long to show here. */
const PATCH_WAIT_MS = 1_000;
const PATCH_POLL_MS = 10;

/** What people and process managers have to keep to alike. Each throws Rejection. */

/** The patch as published. Throws patch-unknown, patch-pulled. */
export function offerablePatch(views: Views, patchId: string): PublishedPatch {
  const published = views.policy.publishedPatch(patchId) ?? reject('patch-unknown', patchId);
  if (views.policy.isPulled(patchId)) reject('patch-pulled', patchId);
  return published;
}

/** How many slices the gates of the plan will look at. Throws as `offerablePatch`. */
export function hypothesesOf(views: Views, plan: Plan): number {
  return slicesOf(plan, offerablePatch(views, plan.patchId)).length;
}

/** Waits a moment for a patch that does not show yet. Throws patch-unknown. */
export async function publishedPatch(views: Views, patchId: string): Promise<PublishedPatch> {
  for (let waited = 0; waited < PATCH_WAIT_MS; waited += PATCH_POLL_MS) {
    const published = views.policy.publishedPatch(patchId);
    if (published !== undefined) return published;
    await sleep(PATCH_POLL_MS);
  }
  return views.policy.publishedPatch(patchId) ?? reject('patch-unknown', patchId);
}
