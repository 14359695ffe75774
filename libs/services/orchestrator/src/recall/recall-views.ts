import { type RecallView } from '@sluice/api';
import { lastLeaseMs } from '@sluice/domain-rollout';
import { toTimeText } from '@sluice/event-sourcing';
import { type PolicyView } from '../policy/policy.projection.ts';
import { type KnownRecall } from './recalls.projection.ts';

/** What a recall is without its counts. */
export function recallState(recall: KnownRecall, policy: PolicyView) {
  return {
    ...recall,
    status: recall.status === 'removing' ? ('running' as const) : recall.status,
    leasesUntil: policy.wasOffered(recall.patchId) ? toTimeText(lastLeaseMs(recall)) : null,
  };
}

/** A recall of the past. How many devices had removed the patch by then is in the health of the fleet, and not folded anew. */
export function viewPastRecall(recall: KnownRecall, policy: PolicyView): RecallView {
  const devices = { devices: null, removed: null, freed: null, replaced: null, retired: null, remaining: null };
  const reExposed = null;
  const remaining = { failing: null, offline: null, waiting: null, inFlight: null, begun: null, begunFailed: null };
  const quantiles = { p50Seconds: null, p90Seconds: null, p99Seconds: null };
  return { ...recallState(recall, policy), ...devices, ...remaining, reExposed, ...quantiles };
}
