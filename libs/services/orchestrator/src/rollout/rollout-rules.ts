import { setTimeout as sleep } from 'node:timers/promises';
import { type WaitCode, type WaitCounts } from '@sluice/contracts/wait-reasons';
import { compileAudience } from '@sluice/domain-cohorts';
import {
  approvalsAsked,
  approvalsNeeded,
  type ApprovalsNeeded,
  approvalWords,
  type Awake,
  awakeOf,
  exposedDevices,
  type GoingOn,
  knownSlices,
  type OpensWave,
  matureBefore,
  paceLimit,
  type PaceLimit,
  type Permission,
  type Plan,
  plannedPercent,
  type PublishedPatch,
  slicesOf,
  type StartedRollout,
  type WaveWait,
} from '@sluice/domain-rollout';
import { reject } from '@sluice/event-sourcing';
import { type KnownEnough } from '../knowledge/knowledge.ts';
import { type KnownRollout, type PolicyView } from '../policy/policy.projection.ts';
import { type Views } from '../views.ts';

/** What people and process managers have to keep to alike. */

/** A patch that was published a moment ago may take as long to show here. */
const PATCH_WAIT_MS = 1_000;
const PATCH_POLL_MS = 10;

/** The patch as published. Throws Rejection: patch-unknown, patch-pulled. */
export function offerablePatch(views: Views, patchId: string): PublishedPatch {
  const published = views.policy.publishedPatch(patchId) ?? reject('patch-unknown', patchId);
  if (views.policy.isPulled(patchId)) reject('patch-pulled', patchId);
  return published;
}

/** The slices that the gates of the plan will look at, and the known devices of each. Throws as `offerablePatch`. */
export function hypothesesOf(views: Views, plan: Plan) {
  const published = offerablePatch(views, plan.patchId);
  return { slices: slicesOf(plan, published).length, known: knownSlices(plan, published, views.gates.census()) };
}

/** Waits a moment for a patch that does not show yet. Throws Rejection: patch-unknown. */
export async function publishedPatch(views: Views, patchId: string): Promise<PublishedPatch> {
  for (let waited = 0; waited < PATCH_WAIT_MS; waited += PATCH_POLL_MS) {
    const published = views.policy.publishedPatch(patchId);
    if (published !== undefined) return published;
    await sleep(PATCH_POLL_MS);
  }
  return views.policy.publishedPatch(patchId) ?? reject('patch-unknown', patchId);
}

/** Why nothing may widen, or why a wave does not go on; `words` say it with its numbers. */
export interface Obstacle {
  readonly for: WaitCode;
  readonly words: string;
  readonly counts?: WaitCounts;
}

/** What keeps a rollout from being given a grant at this instant; empty when nothing does. */
export function obstaclesToGrants(knowledge: KnownEnough, rollout: KnownRollout, nowMs: number): Obstacle[] {
  const { rolloutId, plan } = rollout;
  const obstacles: Obstacle[] = knowledge.doubts().map(({ for: code, words }) => ({ for: code, words }));
  obstacles.push(...missingApprovals(knowledge, rollout));
  const { policy, gates } = knowledge.sources.views;
  if (policy.isPulled(plan.patchId)) {
    obstacles.push({ for: 'patch-pulled', words: 'the patch was pulled' });
  }
  if (policy.policy.stoppedRollouts.has(rolloutId)) {
    obstacles.push({ for: 'operator', words: 'it is stopped, though the store has not taken that yet' });
  }
  if (policy.isHeldUnstored(plan)) obstacles.push({ for: 'hold', words: 'a hold that is not stored yet covers it' });
  const hold = policy.holdOverAll(plan, nowMs);
  if (hold !== undefined) {
    obstacles.push({ for: 'hold', words: `the hold ${hold.holdId} covers all of the rollout: ${hold.reason}` });
  }
  const outage = gates.outageOf(plan.patchId);
  if (outage !== undefined) {
    const words = `of the last ${String(outage.tries)} tries ${String(outage.unreached)} got no package`;
    obstacles.push({ for: 'infrastructure', words });
  }
  return obstacles;
}

/** How many approvals a plan needs now: by itself, or for an audience as large as its own. */
export function approvalsAskedOf({ sources, healthIsRead, approvalRule }: KnownEnough, plan: Plan): number {
  const { policy, gates } = sources.views;
  const census = healthIsRead ? gates.census() : undefined;
  return approvalsAsked(plan, approvalRule, { published: policy.publishedPatch(plan.patchId), census });
}

/** What people have to do before the present plan widens; empty where enough of them have approved it. */
export function missingApprovals(knowledge: KnownEnough, rollout: KnownRollout): Obstacle[] {
  const { needed, missing } = neededApprovals(knowledge, rollout);
  return missing === 0 ? [] : [{ for: 'approvals', words: approvalWords(rollout.approvals, needed) }];
}

/** Asked for anew whenever it is to widen: the patch may have got models, and the fleet devices, since it was planned. */
export function neededApprovals(knowledge: KnownEnough, { approvals, plan, status }: KnownRollout): ApprovalsNeeded {
  return approvalsNeeded(approvals, status === 'aborted' ? 0 : approvalsAskedOf(knowledge, plan));
}

/** The permission to widen a wave, the open one or the next: there when nothing speaks against it, as far as the pace goes. */
export function permissionFor(
  knowledge: KnownEnough,
  rollout: KnownRollout,
  nowMs: number,
  wave: number,
): Permission | undefined {
  if (obstaclesToGrants(knowledge, rollout, nowMs).length > 0) return undefined;
  const percentMax = paceOf(knowledge, rollout, nowMs, wave)?.percentMax;
  return percentMax === undefined ? undefined : { passMs: knowledge.passMs, percentMax };
}

/** How far the pace lets a wave go, the open one or the next; undefined while too little is known to say. */
export function paceOf(
  knowledge: KnownEnough,
  rollout: KnownRollout,
  nowMs: number,
  wave: number,
): PaceLimit | undefined {
  const { gates } = knowledge.sources.views;
  const { plan } = rollout;
  const throughMs = knowledge.healthThroughMs();
  const awake = awakeAmong(knowledge.sources.views, plan, nowMs);
  if (awake === undefined || throughMs === undefined) return undefined;
  return paceLimit(rollout, wave, gates.wellOf(plan.patchId, matureBefore(plan, throughMs)), awake);
}

/** What a command that opens a wave needs; while the health is not all read, nobody knows who is awake. */
export function opensWave(knowledge: KnownEnough, rollout: KnownRollout, nowMs: number, wave: number): OpensWave {
  const { sources, healthIsRead } = knowledge;
  const awake = healthIsRead ? awakeAmong(sources.views, rollout.plan, nowMs) : undefined;
  return {
    awake: awake && awakeOf(rollout, wave, awake),
    permission: permissionFor(knowledge, rollout, nowMs, wave),
  };
}

/** What the pace and the evidence of a wave look at; undefined when the patch is not known. */
function awakeAmong({ policy, gates }: Views, { patchId }: Plan, nowMs: number): Awake | undefined {
  const published = policy.publishedPatch(patchId);
  const isHeld = policy.heldSlices(patchId, nowMs);
  return published && { published, census: gates.census(), nowMs, isHeld };
}

/** What keeps a wave from ending: as for grants, and health that is not known through its end. */
export function obstaclesToTheEnd(knowledge: KnownEnough, rollout: StartedRollout, nowMs: number): Obstacle[] {
  const obstacles = obstaclesToGrants(knowledge, rollout, nowMs);
  if (isKnownToTheEnd(knowledge, rollout) || obstacles.some(({ for: code }) => code === 'health')) return obstacles;
  return [...obstacles, { for: 'health', words: "the health of the fleet is not known through the wave's end yet" }];
}

/** Whether the health is known through the end of what was granted to the open wave. */
export function isKnownToTheEnd(knowledge: KnownEnough, { exposure }: StartedRollout): boolean {
  const endMs = exposure.by === 'grants' ? (exposure.grant?.toMs ?? Infinity) : Infinity;
  const throughMs = knowledge.healthThroughMs();
  return throughMs !== undefined && throughMs >= endMs;
}

/** What the evidence says of going on. A patch that is not known any more says nothing good. */
export function goingOnOf(views: Views, rollout: StartedRollout, nowMs: number): GoingOn {
  const awake = awakeAmong(views, rollout.plan, nowMs);
  return awake === undefined
    ? { says: 'wait', waits: [{ for: 'person' }] }
    : (views.gates.goingOn(rollout, awake) ?? { says: 'wait', waits: [] });
}

/** The wave's evidence as obstacles, with words for people. */
export function obstaclesToGoingOn(goingOn: GoingOn): Obstacle[] {
  switch (goingOn.says) {
    case 'go':
      return [];
    case 'halt':
      return [{ for: 'gate', words: 'a gate says halt' }];
    case 'wait':
      return goingOn.waits.map((wait) => {
        const { for: code, ...counts } = wait;
        return { for: code, words: wordsOf(wait), counts };
      });
  }
}

/** How far a rollout has come at an instant; `devices` is undefined while no eligible device is known. */
export interface RolloutExposure {
  /** Of buckets. */
  readonly plannedPercent: number;
  /** Known eligible devices of all waves, and those of them inside the exposure. */
  readonly devices: { readonly eligible: number; readonly exposed: number } | undefined;
}

/** What views, metrics and events say of how far a rollout has come. */
export function exposureOf(views: Views, rollout: StartedRollout, nowMs: number): RolloutExposure {
  const { policy, gates } = views;
  const atMs = rampInstant(rollout, policy, nowMs);
  const published = gates.isRead() ? policy.publishedPatch(rollout.plan.patchId) : undefined;
  const devices = published && exposedDevices(rollout, published, { census: gates.census(), nowMs: atMs });
  return {
    plannedPercent: plannedPercent(rollout, atMs),
    devices: devices === undefined || devices.eligible === 0 ? undefined : devices,
  };
}

/** The buckets that the grants, or a ramp from before them, let in by an instant (percent). */
export function plannedAt(rollout: StartedRollout, policy: PolicyView, nowMs: number): number {
  return plannedPercent(rollout, rampInstant(rollout, policy, nowMs));
}

/** Ramps from before grants stand still at the last record of the run before, as decisions on devices go by them. */
function rampInstant({ exposure }: StartedRollout, { policy }: PolicyView, nowMs: number): number {
  return exposure.by === 'ramp' ? Math.min(nowMs, policy.rampsUntilMs) : nowMs;
}

/** Another rollout of the patch that was halted, and is not what the evidence was named for yet. */
export function haltedBefore(views: Views, { patchId }: Plan, rolloutId: string): string | undefined {
  return views.policy.haltedRolloutsOf(patchId).find((halted) => halted !== rolloutId);
}

/** Audiences of the plan that match no variant of the patch, as faults with what would match. */
export function audienceFaults(plan: Pick<Plan, 'waves'>, published: PublishedPatch) {
  return plan.waves.flatMap(({ audience }, index) => {
    const wave = { waves: [{ audience }] } as unknown as Plan;
    if (audience === undefined || slicesOf(wave, published).length > 0) return [];
    const { models, bases } = compileAudience({
      model: published.variants.flatMap((variant) => variant.models),
      base: published.variants.map(({ prerequisiteBuild }) => prerequisiteBuild),
    });
    const detail = `matches no variant of the patch; it is for the models ${listed(models)} on ${listed(bases)}`;
    return [{ path: `/waves/${String(index)}/audience`, code: 'matches-nothing', detail }];
  });
}

const LISTED_MAX = 8;

function listed(values: ReadonlySet<string> | undefined): string {
  const all = [...(values ?? [])];
  const more = all.length > LISTED_MAX ? ` and ${String(all.length - LISTED_MAX)} more` : '';
  return `${all.slice(0, LISTED_MAX).join(', ')}${more}`;
}

function wordsOf(wait: WaveWait): string {
  switch (wait.for) {
    case 'outcomes':
      return `outcomes known: ${String(wait.known)}, needed: ${String(wait.needed)}`;
    case 'person':
      return 'the wave reached nobody who could prove anything: a person has to decide';
    case 'evidence':
      return `the evidence against it is at ${String(wait.evidence)}: from ${String(wait.limit)} on nothing widens`;
    case 'pending-failures':
      return `${String(wait.failures)} failures without a reported start would halt it once they count`;
  }
}
