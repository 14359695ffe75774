import { compileAudience, sum } from '@sluice/domain-cohorts';
import { reject } from '@sluice/event-sourcing';
import { type PublishedPatch } from './catalog-events.ts';
import { belongs, type Census, coveredDevices, populationsOf } from './census.ts';
import { type Plan } from './plan.ts';

/** That a person has approved a plan, at the revision that was seen. */
export interface Approval {
  readonly by: string;
  readonly revision: number;
  readonly at: string;
}

/**
 * Who has approved the present plan of a rollout. `required`: the most that its plans and its start have ever asked for, so that
 * nobody gets around it by another plan. `plannedBy` is unknown of a plan from before it was kept.
 */
export interface Approvals {
  readonly plannedBy?: string;
  readonly required: number;
  readonly given: readonly Approval[];
}

/** How many approvals an audience needs, whatever its plan says, that is above a share of the known devices. */
export interface ApprovalRule {
  readonly required: number;
  readonly abovePercent: number;
}

/** How many people have to approve the present plan, and how many of them are missing. */
export interface ApprovalsNeeded {
  readonly needed: number;
  readonly missing: number;
}

/**
 * What the present plan needs: `asked` approvals, or as many as were ever asked for, by others than who planned it. Where nobody
 * knows who planned it, one of those who approve may be that person, so that one more is needed.
 */
export function approvalsNeeded({ plannedBy, required, given }: Approvals, asked = 0): ApprovalsNeeded {
  const most = Math.max(required, asked);
  const needed = most > 0 && plannedBy === undefined ? most + 1 : most;
  return { needed, missing: Math.max(0, needed - given.length) };
}

/** Refuses what widens while approvals are missing: with how many are given, and by whom. */
export function rejectUnapproved(approvals: Approvals, asked?: number): void {
  const { needed, missing } = approvalsNeeded(approvals, asked);
  if (missing > 0) reject('approval-missing', approvalWords(approvals, needed));
}

/** "1 of 2 approvals are given, by alice". */
export function approvalWords({ given }: Approvals, needed: number): string {
  const whom = given.length === 0 ? '' : `, by ${given.map(({ by }) => by).join(', ')}`;
  return `${String(given.length)} of ${String(needed)} approvals are given${whom}`;
}

/**
 * How many approvals a plan needs now: what it says itself, or the rule says for its audience. An audience whose share of the
 * known devices is unknown counts as above any share: while the health is not read (no census), nobody is known, or nobody is
 * known to be in it yet, for devices may still come to its base.
 */
export function approvalsAsked(
  plan: Plan,
  { required, abovePercent }: ApprovalRule,
  { published, census }: { readonly published: PublishedPatch | undefined; readonly census: Census | undefined },
): number {
  const own = plan.approvalsRequired ?? 0;
  if (own >= required) return own;
  const share = published && census && audienceShare(plan, published, census);
  return share === undefined || share * 100 > abovePercent ? required : own;
}

/** The known devices that some wave of the plan is for, as a share of all; undefined where none of them is known. */
function audienceShare({ waves }: Plan, published: PublishedPatch, census: Census): number | undefined {
  const audiences = waves.map(({ ring, audience }) => ({ ring, audience: compileAudience(audience) }));
  const eligible = [...populationsOf(published, census)].filter((each) =>
    audiences.some(({ ring, audience }) => belongs(each, audience, ring)),
  );
  const devices = sum(eligible.map((each) => each.devices));
  return devices === 0 ? undefined : devices / coveredDevices({}, undefined, census);
}
