import {
  isSameBase,
  type KnownPatch,
  type Patch,
  type PatchCommand,
  patchDecider,
  type PatchEvent,
} from '@sluice/domain-catalog';
import { type Decider, reject } from '@sluice/event-sourcing';
import { type PatchTable } from './patch-table.ts';

export type PatchDecider = Decider<Patch, PatchCommand, PatchEvent>;

/**
 * The decider with the rules that need other patches: whose a build is, and what can replace a pulled patch.
 * Asked only where something would change, so that a command sent again is still answered with nothing. `over` adds the
 * pulls that are in force without being stored; only a pull itself is judged by what is stored.
 */
export function amongOthers(table: PatchTable, over: (patch: KnownPatch) => KnownPatch = same): PatchDecider {
  return {
    ...patchDecider,
    decide(command, patch) {
      const counted = command.type === 'PullPatch' || patch.status === 'absent' ? patch : over(patch);
      const events = patchDecider.decide(command, counted);
      for (const event of events) checkOthers(event, counted, table, over);
      return events;
    },
  };
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
  if (event.type === 'PatchPublished') return checkBuilds(event, event.platform, table);
  if (patch.status === 'absent') return;
  if (event.type === 'PatchAmended') return checkBuilds(event, patch.content.platform, table);
  if (event.type !== 'PatchPulled' || event.replacement === undefined) return;
  const replacement = table.find(event.replacement);
  if (replacement === undefined) reject('replacement-unsuitable', `there is no patch ${event.replacement}`);
  if (over(replacement).status === 'pulled') reject('replacement-unsuitable', `${event.replacement} was pulled`);
  if (!isSameBase(replacement.content, patch.content)) {
    const { platform, baseVersion } = replacement.content;
    reject('replacement-unsuitable', `${event.replacement} is for ${platform} ${baseVersion}`);
  }
}

function checkBuilds(
  { patchId, variants }: Extract<PatchEvent, { type: 'PatchPublished' | 'PatchAmended' }>,
  platform: Parameters<PatchTable['ownerOf']>[0],
  table: PatchTable,
): void {
  for (const { build } of variants) {
    const owner = table.ownerOf(platform, build);
    if (owner !== undefined && owner !== patchId) reject('build-taken', `${build} belongs to ${owner}`);
  }
}
