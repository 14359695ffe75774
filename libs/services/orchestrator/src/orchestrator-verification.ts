import { Injectable } from '@nestjs/common';
import { firstDifference, Folds, Verifications } from '@sluice/platform';
import { OWN_STREAMS_FOLD } from './own-streams.fold.ts';
import { Sources } from './sources.ts';

/** Compares what devices are answered by with what the own streams say when they are folded from the beginning. */
@Injectable()
export class OrchestratorVerification {
  constructor(sources: Sources, folds: Folds, verifications: Verifications) {
    verifications.add({
      name: 'orchestrator',
      verify: async () => {
        const [live, through] = [sources.views.describeOwn(), sources.applied];
        return firstDifference(live, await folds.run(OWN_STREAMS_FOLD, through));
      },
    });
  }
}
