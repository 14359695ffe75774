import {
  isSameBase,
  type KnownPatch,
  type Patch,
  type PatchCommand,
  type PatchContent,
  patchDecider,
  type PatchEvent,
  type PresentLedger,
  presentLedger,
  type PullOrder,
  type PullPatch,
  type ReExposure,
  reExposureOf,
} from '@sluice/domain-catalog';
import { type Decider, reject } from '@sluice/event-sourcing';
import { sha256 } from '@sluice/platform';
import { type PatchTable } from './patch-table.ts';

/** What is ordered: what a recall re-opens is found out when it is decided on. */
export type OrderedCommand = Exclude<PatchCommand, PullPatch> | PullOrder;

export type PatchDecider = Decider<Patch, OrderedCommand, PatchEvent>;

/**
 * The decider with the rules that need other patches: whose build, base and letter are, what can replace a pulled patch, and
 * what a recall re-opens.
 * Asked only where something would change, so that a command sent again is still answered with nothing. `over` adds the
 * pulls that are in force without being stored; only a pull itself is judged by what is stored. Where not all patches are known
 * (`isWhole` is false), a recall counts as one that re-opens exploited CVEs: nobody can say that it does not.
 */
export function amongOthers(
  table: PatchTable,
  over: (patch: KnownPatch) => KnownPatch = same,
  isWhole = true,
): PatchDecider {
  const present = (patch: KnownPatch): PresentLedger => {
    const ledger = ledgerOf(patch, table, over);
    return isWhole ? ledger : { ...ledger, reopensExploited: true };
  };
  return {
    ...patchDecider,
    decide(command, patch) {
      const counted = command.type === 'PullPatch' || patch.status === 'absent' ? patch : over(patch);
      const events = patchDecider.decide(withLedger(command, counted, present), counted);
      for (const event of events) checkOthers(event, counted, table, over);
      return events;
    },
  };
}

/** What a recall of the patch re-opens, and the digest of that. */
export function ledgerOf(
  patch: KnownPatch,
  table: PatchTable,
  over: (patch: KnownPatch) => KnownPatch = same,
): ReExposure & PresentLedger {
  const ledger = reExposureOf(patch, table.siblingsOf(patch).map(over));
  return { ...ledger, ...presentLedger(ledger, sha256) };
}

/** A withdrawal re-opens nothing, and neither does a patch that is not there. */
const NOTHING: PresentLedger = { digest: '', reopensExploited: false };

function withLedger(
  command: OrderedCommand,
  patch: Patch,
  present: (patch: KnownPatch) => PresentLedger,
): PatchCommand {
  if (command.type !== 'PullPatch') return command;
  const isRecall = command.mode === 'recall' && patch.status !== 'absent';
  return { ...command, ledger: isRecall ? present(patch) : NOTHING };
}

function same(patch: KnownPatch): KnownPatch {
  return patch;
}

function checkOthers(
  event: PatchEvent,
  patch: Patch,
  table: PatchTable,
  over: (patch: KnownPatch) => KnownPatch,
): void {
  if (event.type === 'PatchPublished') return checkVariants(event, event, table);
  if (patch.status === 'absent') return;
  if (event.type === 'PatchAmended') return checkVariants(event, patch.content, table);
  if (event.type !== 'PatchPulled' && event.type !== 'PullRequested') return;
  if (event.replacement === undefined) return;
  const replacement = table.find(event.replacement);
  if (replacement === undefined) reject('replacement-unsuitable', `there is no patch ${event.replacement}`);
  if (over(replacement).status === 'pulled') reject('replacement-unsuitable', `${event.replacement} was pulled`);
  if (!isSameBase(replacement.content, patch.content)) {
    const { platform, baseVersion } = replacement.content;
    reject('replacement-unsuitable', `${event.replacement} is for ${platform} ${baseVersion}`);
  }
}

/** Each build belongs to one patch, a base is no patch, and a letter stands for one patch on a base build and model. */
function checkVariants(
  { patchId, variants }: Extract<PatchEvent, { type: 'PatchPublished' | 'PatchAmended' }>,
  { platform, letter }: Pick<PatchContent, 'platform' | 'letter'>,
  table: PatchTable,
): void {
  for (const { build, prerequisiteBuild, models } of variants) {
    const owner = table.ownerOf(platform, build);
    if (owner !== undefined && owner !== patchId) reject('build-taken', `${build} belongs to ${owner}`);
    const stacked = table.ownerOf(platform, prerequisiteBuild);
    if (stacked !== undefined) reject('prerequisite-is-patch', `${prerequisiteBuild} is the build of ${stacked}`);
    const [onTop] = table.patchesFor(platform, build);
    if (onTop !== undefined) reject('prerequisite-is-patch', `${onTop.patchId} is for ${build} as its base`);
    for (const other of table.patchesFor(platform, prerequisiteBuild)) {
      if (other.patchId === patchId || other.content.letter !== letter) continue;
      const shared = modelsOn(other, prerequisiteBuild).find((model) => models.includes(model));
      if (shared !== undefined)
        reject('letter-taken', `${other.patchId} is (${letter}) for ${shared} on ${prerequisiteBuild}`);
    }
  }
}

function modelsOn({ content }: KnownPatch, base: string): string[] {
  return content.variants.flatMap(({ prerequisiteBuild, models }) => (prerequisiteBuild === base ? models : []));
}
