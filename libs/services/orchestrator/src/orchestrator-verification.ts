import { Injectable } from '@nestjs/common';
import { EventStore } from '@sluice/event-sourcing';
import { firstDifference, Folds, type ReceiptsFound, type ReceiptsInput, Verifications } from '@sluice/platform';
import { OWN_STREAMS_FOLD, RECEIPTS_FOLD } from './own-streams.fold.ts';
import { OWN_STREAMS } from './publications.ts';
import { Sources } from './sources.ts';

/** Compares what devices are answered by with what the own streams say when they are folded from the beginning, and checks their receipts. */
@Injectable()
export class OrchestratorVerification {
  constructor(sources: Sources, folds: Folds, store: EventStore, verifications: Verifications) {
    verifications.add({
      name: 'orchestrator',
      verify: async () => {
        const [live, through] = [sources.views.describeOwn(), sources.applied];
        return firstDifference(live, await folds.run(OWN_STREAMS_FOLD, through));
      },
    });
    verifications.addReceipts({
      name: 'orchestrator',
      check: async (named, progress) => {
        const input: ReceiptsInput = { prefixes: OWN_STREAMS, through: await store.head(), named };
        return (await folds.run(RECEIPTS_FOLD, input, progress)) as ReceiptsFound;
      },
    });
  }
}
