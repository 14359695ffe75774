import { Injectable } from '@nestjs/common';
import { describePolicy, makesVersion } from '@sluice/domain-rollout';
import { type Commit, type KnownState, type NamedReceipt, receiptAfter } from '@sluice/event-sourcing';
import { GatesView } from './gates/gates.projection.ts';
import { PolicyView } from './policy/policy.projection.ts';
import { type OwnEvent, ownEventsOf } from './publications.ts';
import { RecallsView } from './recall/recalls.projection.ts';

/** All that the orchestrator knows, in memory, as folds of its own streams, of the catalog and of the fleet's health. */
@Injectable()
export class Views {
  readonly policy = new PolicyView();
  readonly gates = new GatesView();
  readonly recalls = new RecallsView();
  /** By rollout: the commit that last paused or halted it, and when. */
  readonly stopped = new Map<string, { readonly revision: number; readonly since: string }>();
  /** By rollout: since when its wave waits, as it is told: what waits again after a halt does so from then on. */
  readonly waits = new Map<string, { readonly wave: number; readonly since: string }>();
  private readonly revisions = new Map<string, number>();
  private readonly receipts = new Map<string, string>();
  private readonly versions = new Map<string, number>();

  /** A commit of the own streams; state and revision move in the same step. */
  applyOwn(commit: Commit): void {
    for (const event of ownEventsOf(commit)) {
      this.noteWait(event);
      switch (event.type) {
        case 'PullRecorded':
        case 'RecallPaused':
        case 'RecallResumed':
          this.recalls.applyOwn(event);
          this.policy.applyOwn(event);
          break;
        case 'RecallStarted':
        case 'RecallCompleted':
        case 'RecallReopened':
          this.recalls.applyOwn(event);
          break;
        case 'HoldPlaced':
        case 'HoldLifted':
        case 'HoldExpired':
          this.policy.applyOwn(event);
          break;
        case 'RolloutPaused':
        case 'RolloutHalted':
          this.stopped.set(event.rolloutId, { revision: commit.revision, since: event.at });
          this.policy.applyOwn(event);
          break;
        case 'RolloutPlanned':
        case 'RolloutReplanned':
        case 'RolloutApproved':
        case 'RolloutStarted':
        case 'WaveOpened':
        case 'ExposureGranted':
        case 'WaveBaked':
        case 'WaveWaiting':
        case 'RolloutResumed':
        case 'RolloutCompleted':
        case 'RolloutAborted':
          this.policy.applyOwn(event);
          break;
      }
    }
    this.gates.applyOwn(commit);
    this.revisions.set(commit.stream, commit.revision);
    const receipt = receiptAfter(commit.body, undefined);
    if (receipt !== undefined) this.receipts.set(commit.stream, receipt);
    if (ownEventsOf(commit).some(makesVersion)) this.versions.set(commit.stream, commit.revision);
  }

  /** The version of an own stream, which its ETag has: the revision of the last commit that changed more than grants and waits. */
  versionOf(stream: string): number | undefined {
    return this.versions.get(stream);
  }

  /** The state of an own stream with the revision and the receipt through which it shows here: what a process manager decides on. */
  known<State>(stream: string, state: State): KnownState<State> {
    const [revision, receipt] = [this.revisions.get(stream), this.receipts.get(stream)];
    return { state, ...(revision !== undefined && { revision }), ...(receipt !== undefined && { receipt }) };
  }

  /** The last receipt of an own stream, for what follows from it in another one; undefined where it has none. */
  causeIn(stream: string): NamedReceipt | undefined {
    const receipt = this.receipts.get(stream);
    return receipt === undefined ? undefined : { stream, receipt };
  }

  private noteWait(event: OwnEvent): void {
    if (event.type === 'WaveWaiting') {
      const { rolloutId, wave, at: since } = event;
      if (this.waits.get(rolloutId)?.wave !== wave) this.waits.set(rolloutId, { wave, since });
    } else if (event.type === 'RolloutHalted' || event.type === 'RolloutAborted' || event.type === 'WaveBaked') {
      this.waits.delete(event.rolloutId);
    }
  }

  /** What the own streams say, as plain JSON, to compare it with another fold of them; without what the catalog added. */
  describeOwn() {
    return { ...describePolicy(this.policy.policy), recalls: Object.fromEntries(this.recalls.states) };
  }
}
