import { type RecallPreview } from '@sluice/api';
import { type HoldersAnswer, HOLDERS_PATH, isHoldersAnswer } from '@sluice/contracts/holders-answer';
import { Injectable } from '@nestjs/common';
import { whoIsHit } from '@sluice/domain-rollout';
import { Clock } from '@sluice/event-sourcing';
import { ProblemError, Questions } from '@sluice/platform';
import { Knowledge } from '../knowledge/knowledge.ts';

const TELEMETRY = 'telemetry';

/** What telemetry counted, or why that is not known. */
type Counts = NonNullable<HoldersAnswer['counted']> | { readonly unknownBecause: string };

/**
 * Whom a recall hits: telemetry is asked who holds the patch, when somebody wants to know. It counts devices, which takes a
 * while in a large fleet; the buckets of its health do not tell it, since when a device was last heard of changes all the time.
 */
@Injectable()
export class RecallPreviews {
  /** Those who ask for the same patch at the same time share one question. */
  private readonly underWay = new Map<string, Promise<Counts>>();

  constructor(
    private readonly knowledge: Knowledge,
    private readonly questions: Questions,
    private readonly clock: Clock,
  ) {}

  /** Throws 'patch-not-found' for a patch of which nothing was heard. */
  async of(patchId: string, named: string | undefined): Promise<RecallPreview> {
    if (this.knowledge.sources.views.policy.publishedPatch(patchId) === undefined)
      throw new ProblemError('patch-not-found', `${patchId} is not known here (yet)`);
    const counts = await this.counts(patchId);
    const policy = this.knowledge.currentPolicy();
    const patch = policy.patches.get(patchId);
    const asOf = this.clock.nowText();
    if ('unknownBecause' in counts || patch === undefined) {
      const because = 'unknownBecause' in counts ? counts.unknownBecause : 'the patch is not known here';
      return { patchId, asOf, ...nothingKnown, unknownBecause: because };
    }
    const { holders, inFlight } = counts;
    const hit = whoIsHit(holders, { patch, named, policy, nowMs: this.clock.now() });
    const because = policy.stale ? 'too little is known to offer anything now' : 'the holders are of too many kinds';
    const unknownBecause = hit.replacement.expected === null ? because : null;
    return { patchId, asOf, ...hit, inFlight, unknownBecause };
  }

  private async counts(patchId: string): Promise<Counts> {
    const asked = this.underWay.get(patchId) ?? this.ask(patchId);
    this.underWay.set(patchId, asked);
    try {
      return await asked;
    } finally {
      this.underWay.delete(patchId);
    }
  }

  private async ask(patchId: string): Promise<Counts> {
    const path = `${HOLDERS_PATH}?${new URLSearchParams({ patchId }).toString()}`;
    const answer = await this.questions.ask(TELEMETRY, path);
    if (answer.kind === 'silence') return { unknownBecause: answer.because };
    if (answer.status !== 200) return { unknownBecause: `telemetry answered ${String(answer.status)}` };
    if (!isHoldersAnswer(answer.body))
      return { unknownBecause: 'telemetry answered what this version does not understand' };
    return answer.body.counted ?? { unknownBecause: 'no instance of telemetry answers for a part of the fleet' };
  }
}

const nothingKnown = {
  ...{ holders: null, byModel: null, byTrack: null, byLastReport: null, inFlight: null },
  ...{ replacement: null, withoutReplacement: null },
};
