import { type Directive } from '@sluice/contracts/device-protocol';
import { type CatalogEvent } from '@sluice/contracts/events';
import { type FeedEvent } from '@sluice/event-feed';
import { type Clock, type Traces } from '@sluice/event-sourcing';

/** Pulls that wait for their first check-in. Of more, the oldest are not traced to the end. */
const AWAITED_MAX = 100;

interface Awaited {
  readonly traceparent: string;
  readonly sinceMs: number;
}

/** Ends the trace of a pull with the first check-in that was refused for it: from then on the patch is offered to nobody here. */
export class FirstRefusals {
  private readonly awaited = new Map<string, Awaited>();

  constructor(
    private readonly traces: Traces,
    private readonly clock: Clock,
  ) {}

  /** To be called with each event of the catalog as it happens, and not with those that are read again. */
  hear({ traceparent, data }: FeedEvent): void {
    const { type, ...event } = data as CatalogEvent;
    if (type !== 'PatchPulled' || traceparent === undefined) return;
    // Pulled again, it is the youngest.
    this.awaited.delete(event.patchId);
    this.awaited.set(event.patchId, { traceparent, sinceMs: this.clock.now() });
    if (this.awaited.size <= AWAITED_MAX) return;
    const [oldest = ''] = this.awaited.keys();
    this.awaited.delete(oldest);
  }

  /** To be called with each directive; costs next to nothing while no pull waits. The step says nothing of the device. */
  note(directive: Directive): void {
    if (this.awaited.size === 0) return;
    const { reason, patchId, patchIds = [] } = directive;
    if (reason === 'pulled' && patchId !== undefined) this.end(patchId, directive);
    if (reason === 'recalled') for (const each of patchIds) this.end(each, directive);
  }

  private end(patchId: string, { directive, reason }: Directive): void {
    const awaited = this.awaited.get(patchId);
    if (awaited === undefined) return;
    this.awaited.delete(patchId);
    const details = {
      'sluice.patch': patchId,
      'sluice.directive': directive,
      'sluice.reason': reason,
      'sluice.ms_since_heard': this.clock.now() - awaited.sinceMs,
    };
    this.traces.begin('first refused check-in', awaited.traceparent, { details }).end();
  }
}
