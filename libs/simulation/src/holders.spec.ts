import { hash } from 'node:crypto';
import { FactPacker, type FactKind, FleetShard, readPackedFacts, viewDevice } from '@sluice/domain-fleet';
import { decide, emptyPolicy, foldPolicy, type PolicyEvent } from '@sluice/domain-rollout';
import { toTimeText } from '@sluice/event-sourcing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

/*
 * Telemetry says who holds a patch from what devices reported, decide from what a device says when it checks in. They are
 * two folds of the same truth: whatever is lost, doubled, late or out of order, both see the build that was last shown.
 */
const BASE = '23D8133';
const NEXT = '23E246';
const builds = { a: '23D771330a', c: '23D771332c' } as const;
const NOON = Date.parse('2026-03-17T12:00:00Z');
const MINUTE = 60_000;
const MODEL = 'iPhone18,1';

type PatchId = keyof typeof builds;
const patchIds = Object.keys(builds) as PatchId[];

interface Said {
  readonly kind: FactKind;
  readonly patchId: PatchId;
  /** What the device runs when it says so, which need not fit what it says. */
  readonly osBuild: string;
}

const said: fc.Arbitrary<Said> = fc.record({
  kind: fc.constantFrom<FactKind>(
    'DeviceObserved',
    'InstallStarted',
    'PatchInstalled',
    'PatchInstallFailed',
    'PatchRolledBack',
    'PatchRemoveFailed',
    'IncidentReported',
  ),
  patchId: fc.constantFrom(...patchIds),
  osBuild: fc.constantFrom(BASE, BASE, builds.a, builds.c, NEXT),
});

interface Delivery extends Said {
  readonly occurredAt: number;
  readonly receivedAt: number;
}

/** What arrives of a history: some reports never do, some twice, all within a day and in any order. */
const deliveries: fc.Arbitrary<readonly Delivery[]> = fc
  .array(fc.record({ said, copies: fc.constantFrom(0, 1, 1, 1, 2), delayMinutes: fc.nat(600) }), { minLength: 1 })
  .map((history) =>
    history
      .flatMap(({ said: what, copies, delayMinutes }, index) => {
        const occurredAt = NOON + index * MINUTE;
        const each = { ...what, occurredAt, receivedAt: occurredAt + delayMinutes * MINUTE };
        return Array.from({ length: copies }, () => each);
      })
      .sort((left, right) => left.receivedAt - right.receivedAt),
  );

function shard(noteAfter: number, reports: readonly Delivery[]): FleetShard {
  const state = new FleetShard();
  const note = () => {
    for (const patchId of patchIds) {
      const source = { stream: `patch-${patchId}`, revision: 0, index: 0 };
      const noted = [{ build: builds[patchId], prerequisiteBuild: BASE }];
      state.note({ type: 'ShardNoted', about: 'builds', patchId, platform: 'ios', builds: noted, source });
    }
  };
  reports.forEach((report, index) => {
    if (index === noteAfter) note();
    state.apply(readPackedFacts(packed(report)));
  });
  if (noteAfter >= reports.length) note();
  return state;
}

function packed({ kind, patchId, osBuild, occurredAt, receivedAt }: Delivery): Uint8Array {
  const packer = new FactPacker();
  packer.add({
    kind,
    deviceHash: hash('sha256', 'd-1', 'binary'),
    reportHash: hash('sha256', `${kind} ${String(occurredAt)}`, 'binary'),
    content: 0,
    deviceId: 'd-1',
    occurredAt,
    receivedAt,
    clockAhead: false,
    said: { platform: 'ios', model: MODEL, osVersion: '26.3.1', osBuild, track: 'automatic', patchId, cause: 'user' },
  });
  return packer.finish().bytes;
}

/** What telemetry says that the device holds. */
function heldByReports(state: FleetShard): string[] {
  const patches = viewDevice(state, 0)?.patches ?? {};
  return Object.keys(patches)
    .filter((patchId) => patches[patchId]?.state === 'installed')
    .sort();
}

const recalled = patchIds.flatMap((letter): PolicyEvent[] => {
  const variants = [{ build: builds[letter], prerequisiteBuild: BASE, models: [MODEL] }];
  const patch = { patchId: letter, platform: 'ios', baseVersion: '26.3.1', letter, variants } as const;
  const at = toTimeText(NOON);
  return [
    { type: 'PatchPublished', ...patch, at },
    { type: 'PatchPulled', patchId: letter, mode: 'recall', reason: 'it smokes', recallEpoch: 1, at },
  ];
});
const policy = recalled.reduce(foldPolicy, emptyPolicy());

/** What decide takes the device to hold: where all patches are recalled, it is told to remove just those. */
function heldByCheckIn(osBuild: string, installed: readonly string[]): string[] {
  const device = { deviceId: 'd-1', platform: 'ios', model: MODEL, osBuild, track: 'automatic', installed } as const;
  return [...(decide(device, policy, NOON, () => 0.5).patchIds ?? [])].sort();
}

describe('holding a patch', () => {
  it('is the same for telemetry and for decide, and that of the build last shown, whatever became of the reports', () => {
    fc.assert(
      fc.property(deliveries, fc.nat(12), (reports, noteAfter) => {
        const last = reports.reduce<Delivery | undefined>(
          (latest, each) => (latest === undefined || each.occurredAt > latest.occurredAt ? each : latest),
          undefined,
        );
        if (last === undefined) return;
        const byBuild = patchIds.find((patchId) => builds[patchId] === last.osBuild);
        const isPending = byBuild === undefined && last.kind === 'PatchInstalled' && last.osBuild === BASE;
        const expected = byBuild !== undefined ? [byBuild] : isPending ? [last.patchId] : [];
        expect(heldByReports(shard(noteAfter, reports))).toEqual(expected);
        // The device lists what it has yet to restart into.
        expect(heldByCheckIn(last.osBuild, isPending ? [last.patchId] : [])).toEqual(expected);
      }),
      { numRuns: 2000 },
    );
  });
});
