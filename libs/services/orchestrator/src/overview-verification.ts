import { Injectable } from '@nestjs/common';
import { firstDifference, Folds, Verifications } from '@sluice/platform';
import { OWN_BOOK_FOLD } from './own-book.ts';
import { Overview } from './overview.projection.ts';

/** Compares what devices are answered by with what the own streams say when they are folded from the beginning. */
@Injectable()
export class OverviewVerification {
  constructor(overview: Overview, folds: Folds, verifications: Verifications) {
    verifications.add({
      name: 'orchestrator',
      verify: async () => {
        const { through, book } = overview.snapshot();
        return firstDifference(book, await folds.run(OWN_BOOK_FOLD, through));
      },
    });
  }
}
