import { Injectable } from '@nestjs/common';
import { BEGINNING, Clock, EventStore, toEdge } from '@sluice/event-sourcing';
import { Folds, pastInstant, ProblemError } from '@sluice/platform';
import { Sources } from '../sources.ts';
import {
  AS_OF,
  type AsOfInput,
  type AsOfResult,
  type PastAnswers,
  type PastQuestions,
  type PastSubject,
} from './as-of.fold.ts';
import { CatalogLog } from './catalog-log.ts';

/** What the past answered: the instant, where the own streams were read through, and the answer. */
export interface PastReply<Subject extends PastSubject> {
  readonly asOf: string;
  readonly position: string | null;
  readonly answer: PastAnswers[Subject];
}

/** Rollouts, holds, recalls and explanations as of an instant, from the own store and from what the catalog had recorded. */
@Injectable()
export class AsOf {
  private readonly catalog = new CatalogLog();

  constructor(
    private readonly sources: Sources,
    private readonly folds: Folds,
    private readonly store: EventStore,
    private readonly clock: Clock,
  ) {
    sources.onEvent((event) => {
      if (event.stream.startsWith('patch-')) this.catalog.add(event);
    });
  }

  /** The instant of an `?at=`. Throws 'invalid-request', 'at-in-future'. */
  instant(at: string): string {
    return pastInstant(at, this.clock);
  }

  /** Throws 'invalid-request', 'at-in-future', 'at-before-first-record', 'overloaded'. */
  async ask<Subject extends PastSubject>(
    subject: Subject,
    at: string,
    question: PastQuestions[Subject],
  ): Promise<PastReply<Subject>> {
    const asOf = this.instant(at);
    const { lineage } = this.store;
    const { rampsUntilMs } = this.sources.views.policy.policy;
    const input: AsOfInput<Subject> = {
      ...{ at: asOf, lineage, catalog: this.catalog.until(asOf), rampsUntilMs },
      ...{ subject, question },
    };
    const result = (await this.folds.run(AS_OF, input)) as AsOfResult<Subject>;
    const { firstRecordedAt, position, answer } = result;
    const first = earlier(firstRecordedAt ?? undefined, this.catalog.firstAt);
    if (first === undefined || asOf < first) {
      throw new ProblemError('at-before-first-record', first === undefined ? 'nothing is recorded yet' : first);
    }
    return { asOf, position: toEdge(lineage, position ?? BEGINNING), answer };
  }
}

function earlier(one: string | undefined, other: string | undefined): string | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return one < other ? one : other;
}
