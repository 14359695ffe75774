import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  BASE_BUILD,
  buildNoted,
  type FactSketch,
  hashOf,
  MINUTE,
  NEXT_BUILD,
  NOON,
  pack,
  PATCHED_BUILD,
  recallNoted,
  rolloutNoted,
} from './facts.fixture.ts';
import { factKinds } from './facts.ts';
import { FleetShard } from './fleet-shard.ts';
import { summarize } from './fleet-views.ts';
import { deadlinesAt } from './health-bucket.ts';
import { type PackedFacts, readPackedFacts } from './packed-facts.ts';
import { RecentReports } from './report-ids.ts';
import { imageOf, packImage, readImage, restoreShard, ShardImageError } from './shard-image.ts';
import { firstDifference, snapshotOf } from './shard-snapshot.ts';

const DAYS = 7;
const DAY = 24 * 60 * MINUTE;
const SINCE = { silent: NOON + 2 * DAY, started: NOON };

class Folded {
  constructor(
    readonly state = new FleetShard(),
    readonly recent = new RecentReports(DAYS),
  ) {}

  apply(facts: PackedFacts): void {
    this.state.apply(facts);
    for (let index = 0; index < facts.count; index += 1) {
      this.recent.add(facts.reports[index * 2] ?? 0, facts.reports[index * 2 + 1] ?? 0, {
        content: facts.contents[index] ?? 0,
        receivedAt: facts.receivedAt[index] ?? 0,
      });
    }
  }
}

/** Through bytes that lie at an odd place, as a body from the network may. */
function sent({ state, recent }: Folded): Folded {
  const bytes = Buffer.concat([Buffer.alloc(1), ...packImage(imageOf(state, recent))]).subarray(1);
  const restored = restoreShard(readImage(bytes), DAYS);
  return new Folded(restored.state, restored.recent);
}

const sketches = fc.record({
  kind: fc.constantFrom(...factKinds),
  device: fc.constantFrom('d-1', 'd-2', 'd-3', 'd-4'),
  patchId: fc.constantFrom('a', 'b', 'c'),
  osBuild: fc.constantFrom(BASE_BUILD, PATCHED_BUILD, NEXT_BUILD),
  minutes: fc.integer({ min: 0, max: 20_000 }),
  withId: fc.boolean(),
});
type Sketch = typeof sketches extends fc.Arbitrary<infer Value> ? Value : never;
const histories = fc.array(fc.array(sketches, { minLength: 1, maxLength: 6 }), { maxLength: 8 });

function toCommits(history: readonly (readonly Sketch[])[]): PackedFacts[] {
  return history.map((facts, commit) =>
    readPackedFacts(
      pack(
        ...facts.map(({ kind, device, patchId, osBuild, minutes, withId }, index): FactSketch => ({
          kind,
          device,
          withId,
          report: `${String(commit)} ${String(index)}`,
          occurredAt: NOON + minutes * MINUTE,
          receivedAt: NOON + commit * 2 * DAY + index,
          said: {
            patchId,
            osBuild,
            cause: 'user',
            ...(minutes % 3 === 0 && { statusEveryHours: 1 + (minutes % 168) }),
            ...(kind === 'IncidentReported' && { signal: 'crash' }),
          },
        })),
      ),
    ),
  );
}

function expectSame(left: Folded, right: Folded): void {
  expect(firstDifference(snapshotOf(left.state), snapshotOf(right.state))).toBeUndefined();
  // The flags of trials, too, which `firstDifference` passes over.
  expect(snapshotOf(right.state).entries).toEqual(snapshotOf(left.state).entries);
  expect(summarize([right.state])).toEqual(summarize([left.state]));
  expect(right.state.profiles.populations()).toEqual(left.state.profiles.populations());
  for (let patch = 0; patch < left.state.patches.size; patch += 1)
    expect(right.state.recallCount(patch, SINCE)).toEqual(left.state.recallCount(patch, SINCE));
  expect(right.state.knownDevices).toBe(left.state.knownDevices);
}

describe('taking an image of a shard', () => {
  it('restores what folding gave, and both go on alike', () => {
    fc.assert(
      fc.property(histories, histories, fc.nat(8), (before, after, announced) => {
        const folded = new Folded();
        folded.state.note(buildNoted('b', NEXT_BUILD));
        toCommits(before).forEach((facts, index) => {
          folded.apply(facts);
          if (index === 2) folded.state.note(buildNoted('a'));
          if (index === 3) folded.state.note(recallNoted('a'));
          if (index === 1) folded.state.note(rolloutNoted('a'));
          if (index === announced) folded.state.drainHealth(deadlinesAt(NOON + index * DAY, 0));
        });
        const restored = sent(folded);
        expectSame(folded, restored);
        for (const each of [folded, restored]) each.state.note(recallNoted('b'));
        for (const facts of toCommits(after)) {
          folded.apply(facts);
          restored.apply(facts);
        }
        expectSame(folded, restored);
        for (const until of [NOON + 9 * DAY, Infinity]) {
          expect(restored.state.drainHealth(deadlinesAt(until, 0))).toEqual(
            folded.state.drainHealth(deadlinesAt(until, 0)),
          );
        }
      }),
    );
  });

  it('goes on adding devices, ids and entries over the ends of chunks', () => {
    const named = (from: number, to: number) =>
      readPackedFacts(
        pack(
          ...Array.from({ length: to - from }, (_, index) => ({
            device: `a-device-with-quite-a-long-name-${String(from + index)}`,
            kind: 'PatchInstalled' as const,
            said: { patchId: 'a' },
          })),
        ),
      );
    const folded = new Folded();
    for (let from = 0; from < 18_000; from += 3_000) folded.apply(named(from, from + 3_000));
    const restored = sent(folded);
    for (const each of [folded, restored]) each.apply(named(18_000, 21_000));
    expectSame(folded, restored);
    for (const index of [0, 17_999, 18_000, 20_999]) {
      const device = restored.state.find(hashOf(`a-device-with-quite-a-long-name-${String(index)}`, 16)) ?? -1;
      expect(restored.state.devices.idOf(device)).toBe(`a-device-with-quite-a-long-name-${String(index)}`);
    }
  });

  it('remembers the reports, and forgets them at the same time', () => {
    const recent = new RecentReports(DAYS);
    for (let low = 1; low < 500; low += 1)
      recent.add(low, low * 7, { content: low, receivedAt: NOON + (low % 3) * DAY });
    const { recent: restored } = sent(new Folded(new FleetShard(), recent));
    for (const each of [recent, restored]) {
      expect([each.find(1, 7, 1), each.find(2, 14, 3), each.find(499, 3493, 499), each.find(2, 15, 2)]).toEqual([
        'same',
        'other',
        'same',
        'new',
      ]);
      each.add(9, 9, { content: 9, receivedAt: NOON + 8 * DAY });
      expect([each.find(1, 7, 1), each.find(2, 14, 2), each.find(3, 21, 3), each.find(9, 9, 9)]).toEqual([
        'same',
        'same',
        'new',
        'same',
      ]);
    }
  });
});

describe('reading an image', () => {
  const whole = Buffer.concat(packImage(imageOf(new FleetShard(), new RecentReports(DAYS))));

  it.each([
    ['is empty', new Uint8Array(0)],
    ['is cut off', whole.subarray(0, -8)],
    ['is too long', Buffer.concat([whole, new Uint8Array(8)])],
    ['is of another version', Buffer.concat([new Uint8Array(new Float64Array([99]).buffer), whole.subarray(8)])],
  ])('throws when it %s', (_name, bytes) => {
    expect(() => readImage(bytes)).toThrow(ShardImageError);
  });
});
