import { type ProcessManager } from '@sluice/event-sourcing';
import { ChangeHold } from '../commands.ts';
import { contextOf, type OwnCommand, type Situation } from '../situation.ts';

/** Ends holds in time. */
export const holdsProcess: ProcessManager<Situation, OwnCommand> = { kind: 'process', name: 'holds', decide };

function decide({ views, knowledge, nowMs, at }: Situation): readonly OwnCommand[] {
  // By a clock that is not believed no hold ends.
  if (!knowledge.clockIsSound) return [];
  return views.policy.expiringHolds().flatMap((hold) => {
    const { holdId, expiresAt } = hold;
    if (expiresAt === undefined || Date.parse(expiresAt) > nowMs) return [];
    return [
      new ChangeHold(
        { type: 'ExpireHold', holdId, at },
        contextOf('expired', holdId),
        views.known(`hold-${holdId}`, hold),
      ),
    ];
  });
}
