import { type HolderKind } from '@sluice/domain-cohorts';
import { describe, expect, it } from 'vitest';
import { granted, granting, minute, minuteMs, opened, planned, policyOf, published, pulled } from './examples.ts';
import { type PolicyEvent } from './policy.ts';
import { whoIsHit } from './recall-preview.ts';

const phones: HolderKind = {
  ...{ platform: 'ios', model: 'iPhone18,1', base: '23D8133', track: 'automatic' },
  ...{ withinDay: 700, withinWeek: 200, longer: 100 },
};
const nobody = { withinDay: 0, withinWeek: 0, longer: 0 };
const kinds: HolderKind[] = [
  phones,
  { ...phones, track: 'manual', ...nobody, withinDay: 50 },
  { ...phones, model: 'iPad16,3', ...nobody, longer: 30 },
];

/** A rollout of the patch that has granted its first wave, for everybody, so many percent. */
const rolledOut = (patchId: string, percent: number, change: object = {}): PolicyEvent[] => {
  const wave = { name: 'all', ramp: { fromPercent: percent, toPercent: percent, minutes: 0 }, bakeMinutes: 600 };
  const rolloutId = `r-${patchId}`;
  return [
    planned({ patchId, waves: [{ ...wave, ...change }], holdBackPercent: 0, salt: patchId }, rolloutId),
    granting(minute(0), patchId, rolloutId),
    opened(1, minute(0), rolloutId),
    granted(1, 0, 600, { percents: [percent, percent], rolloutId }),
  ];
};

function hit(events: readonly PolicyEvent[], { named, stale = false }: { named?: string; stale?: boolean } = {}) {
  const policy = policyOf(published('a'), ...events);
  policy.stale = stale;
  const patch = policy.patches.get('a');
  if (patch === undefined) throw new Error('it was published');
  return whoIsHit(kinds, { patch, named, policy, nowMs: minuteMs(10) });
}

describe('finding whom a recall hits', () => {
  it('adds up the holders by model, track, and when they were last heard of', () => {
    expect(hit([])).toEqual({
      holders: 1080,
      byModel: [
        { model: 'iPhone18,1', devices: 1050 },
        { model: 'iPad16,3', devices: 30 },
      ],
      byTrack: { automatic: 1030, manual: 50 },
      byLastReport: { withinDay: 750, withinWeek: 200, longer: 130 },
      replacement: { atMost: 0, expected: 0 },
      withoutReplacement: 1080,
    });
  });

  const models = (letter: string, ...of: string[]) => {
    const event = published(letter);
    if (event.type !== 'PatchPublished') throw new Error('not published');
    return { ...event, variants: event.variants.map((variant) => ({ ...variant, models: of })) };
  };

  it.each([
    ['whom a later letter is for, and nobody while no rollout brings it', [published('c')], 1080, 0],
    ['so many of them as lie inside its exposure', [published('c'), ...rolledOut('c', 25)], 1080, 270],
    ['all of them at full exposure', [published('c'), ...rolledOut('c', 100)], 1080, 1080],
    ['those of its models only', [models('c', 'iPad16,3'), ...rolledOut('c', 100)], 30, 30],
    [
      'those of its audience only',
      [published('c'), ...rolledOut('c', 50, { audience: { model: ['iPad16,3'] } })],
      1080,
      15,
    ],
    ['nobody outside of a ring', [published('c'), ...rolledOut('c', 100, { ring: 'beta' })], 1080, 0],
    ['nobody once it was pulled', [published('c'), ...rolledOut('c', 100), pulled('c', 'withdraw')], 0, 0],
    [
      'whom any later letter is for',
      [models('c', 'iPad16,3'), models('d', 'iPhone18,1'), ...rolledOut('d', 10)],
      1080,
      105,
    ],
  ] as [string, PolicyEvent[], number, number][])('may have a replacement: %s', (_, events, atMost, expected) => {
    expect(hit(events)).toMatchObject({ replacement: { atMost, expected }, withoutReplacement: 1080 - atMost });
  });

  it('counts nobody who is on hold or whose rollout is paused', () => {
    const rolled = [published('c'), ...rolledOut('c', 100)];
    const slice = { model: ['iPhone18,1'] };
    const held = {
      type: 'HoldPlaced',
      holdId: 'h',
      patchId: 'c',
      slice,
      reason: 'r',
      owner: 'o',
      at: minute(1),
    } as const;
    expect(hit([...rolled, held])).toMatchObject({ replacement: { atMost: 1080, expected: 30 } });
    const paused = { type: 'RolloutPaused', rolloutId: 'r-c', reason: 'lunch', at: minute(1) } as const;
    expect(hit([...rolled, paused])).toMatchObject({ replacement: { atMost: 1080, expected: 0 } });
  });

  it('goes by the replacement that the pull names, or the one that is looked at, also of an earlier letter', () => {
    const earlier = [published('_'), ...rolledOut('_', 100)];
    expect(hit(earlier).replacement).toEqual({ atMost: 0, expected: 0 });
    expect(hit([...earlier, pulled('a', 'recall', '_')]).replacement).toEqual({ atMost: 1080, expected: 1080 });
    expect(hit(earlier, { named: '_' }).replacement).toEqual({ atMost: 1080, expected: 1080 });
  });

  it('does not look at what is offered to holders of more kinds than it can', () => {
    const policy = policyOf(published('a'), published('c'), ...rolledOut('c', 100));
    const patch = policy.patches.get('a');
    const many = Array.from({ length: 1001 }, (_, n) => ({ ...phones, ring: `r-${String(n)}` }));
    const hitBy = (all: readonly HolderKind[]) =>
      patch && whoIsHit(all, { patch, policy, nowMs: minuteMs(10) }).replacement;
    expect(hitBy(many)).toEqual({ atMost: 1_001_000, expected: null });
    expect(hitBy(many.slice(1))).toEqual({ atMost: 1_000_000, expected: 1_000_000 });
  });

  it('knows the most and not the rest while nobody knows what is offered', () => {
    expect(hit([published('c'), ...rolledOut('c', 100)], { stale: true }).replacement).toEqual({
      atMost: 1080,
      expected: null,
    });
  });
});
