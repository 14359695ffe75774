import { type BucketOf } from '@sluice/domain-cohorts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AskingDevice, decide } from './decide.ts';
import {
  aborted,
  artifact,
  betaWave,
  completed,
  halted,
  minute,
  minuteMs,
  MORNING,
  opened,
  paused,
  phone,
  phonesWave,
  planned,
  policyOf,
  published,
  pulled,
  started,
} from './examples.ts';
import { type HoldEvent } from './hold.ts';
import { describePolicy, emptyPolicy, foldPolicy, type PolicyEvent } from './policy.ts';
import { type RolloutEvent } from './rollout-messages.ts';

const wave2 = [planned(), started(), opened(1), opened(2)];
const complete = [...wave2, completed(minute(1260))];
const superseded: PolicyEvent = { type: 'PatchSuperseded', patchId: 'a', by: 'c', at: MORNING };
const foldedIn: PolicyEvent = { type: 'PatchFoldedIn', patchId: 'a', version: '26.4', build: '23E200', at: MORNING };

const hold = (change: Partial<Extract<HoldEvent, { type: 'HoldPlaced' }>> = {}): HoldEvent => {
  return { type: 'HoldPlaced', holdId: 'h1', slice: {}, reason: 'it smokes', owner: 'ann', at: MORNING, ...change };
};

/** A rollout of patch c that is complete: everyone gets it. */
const ofC = (rolloutId = 'rc'): RolloutEvent[] => [
  planned({ patchId: 'c', waves: [phonesWave] }, rolloutId),
  started(MORNING, 'c', rolloutId),
  opened(1, MORNING, rolloutId),
  completed(MORNING, rolloutId, 'c'),
];

/** What the device is told at a minute, in a world of these events; its bucket is 0.4 unless told otherwise. */
function ask(events: readonly PolicyEvent[], device: Partial<AskingDevice> = {}, minutes = 500, bucket = 0.4) {
  return decide({ ...phone, ...device }, policyOf(...events), minuteMs(minutes), () => bucket);
}

function answer(...asked: Parameters<typeof ask>): string {
  const { directive, patchId = '', reason } = ask(...asked);
  return [directive, patchId, reason].filter(Boolean).join(' ');
}

describe('deciding for a device', () => {
  it.each<[string, string, ...Parameters<typeof ask>]>([
    ['no patch is for its base', 'none no-patch', [published('a'), ...wave2], { osBuild: '23X1' }],
    ['no patch is for its model', 'none no-patch', [published('a'), ...wave2], { model: 'iPhone9,9' }],
    ['no patch is for its platform', 'none no-patch', [published('a'), ...wave2], { platform: 'macos' }],
    ['its full release contains the fix', 'none a folded-in', [published('a'), foldedIn], { osBuild: '23E200' }],
    [
      'it follows the full release',
      'none a folded-in',
      [published('a'), foldedIn],
      { osBuild: '23F1', osVersion: '26.5' },
    ],
    [
      'it came before the full release',
      'none no-patch',
      [published('a'), foldedIn],
      { osBuild: '23D9', osVersion: '26.3.2' },
    ],
    ['nothing was planned', 'none a no-rollout', [published('a')]],
    ['nothing was started', 'none a no-rollout', [published('a'), planned()]],
    ['the rollout was aborted', 'none a rollout-aborted', [published('a'), ...wave2, aborted(minute(9))]],
    ['it has the patch', 'none a already-installed', [published('a'), ...wave2], { installed: ['a'] }],
    [
      'its build says that it has the patch',
      'none a already-installed',
      [published('a'), ...wave2],
      { osBuild: '23D77133a' },
    ],
    ['the patch was withdrawn', 'none a pulled', [published('a'), ...wave2, pulled('a', 'withdraw')]],
    [
      'the patch was withdrawn, and it has it',
      'none a already-installed',
      [published('a'), pulled('a', 'withdraw')],
      { installed: ['a'] },
    ],
    ['everything is on hold', 'none a on-hold', [published('a'), ...wave2, hold()]],
    ['its model is on hold', 'none a on-hold', [published('a'), ...wave2, hold({ slice: { model: ['iPhone18,1'] } })]],
    [
      'its family is on hold for this patch',
      'none a on-hold',
      [published('a'), ...wave2, hold({ patchId: 'a', slice: { family: ['iPhone'] } })],
    ],
    [
      'the hold is for others',
      'install a in-wave',
      [published('a'), ...wave2, hold({ slice: { base: ['23X1'] } }), hold({ holdId: 'h2', patchId: 'b' })],
    ],
    ['the hold has expired', 'install a in-wave', [published('a'), ...wave2, hold({ expiresAt: minute(499) })]],
    ['the rollout is paused', 'none a rollout-paused', [published('a'), ...wave2, paused(minute(480))]],
    ['the rollout is halted', 'none a rollout-paused', [published('a'), ...wave2, halted(minute(480))]],
    ['no open wave is for it', 'none a outside-audience', [published('a'), ...wave2], { model: 'iPad16,3' }],
    ['its wave is not open yet', 'none a outside-audience', [published('a'), planned(), started(), opened(1)]],
    ['its turn has not come', 'none a beyond-exposure', [published('a'), ...wave2], {}, 399],
    ['it belongs to the hold-back', 'none a hold-back', [published('a'), ...wave2], {}, 1100, 0.98],
    ['its user removed the patch', 'none a removed-by-user', [published('a'), ...wave2], { removed: ['a'] }],
    [
      'the install failed three times',
      'none a failed-too-often',
      [published('a'), ...wave2],
      { failed: [{ patchId: 'a', attempts: 3 }] },
    ],
    [
      'the install failed twice',
      'install a in-wave',
      [published('a'), ...wave2],
      { failed: [{ patchId: 'a', attempts: 2 }] },
    ],
    ['its user decides', 'offer a manual-track', [published('a'), ...wave2], { track: 'manual' }],
    [
      'it is in the ring',
      'install a in-ring',
      [published('a'), planned(), started(), opened(1)],
      { ring: 'beta' },
      0,
      0.99,
    ],
    ['the ramp has reached it', 'install a in-wave', [published('a'), ...wave2], {}, 401],
    ['it comes after the end', 'install a completed', [published('a'), ...complete], {}, 5000],
    ['it is held back after the end, too', 'none a hold-back', [published('a'), ...complete], {}, 5000, 0.99],
    [
      'it comes after the end, and was never meant',
      'none a outside-audience',
      [published('a'), ...complete],
      { model: 'iPad16,3' },
      5000,
    ],
    [
      'a later letter is not open to the device, this one stands',
      'install a completed',
      [published('a'), ...complete, published('c'), superseded],
      {},
      5000,
    ],
    [
      'the later letter was pulled',
      'install a completed',
      [published('a'), ...complete, published('c'), superseded, pulled('c', 'withdraw')],
      {},
      5000,
    ],
    [
      'it stays on the base of a patch that was folded in',
      'install a completed',
      [published('a'), ...complete, foldedIn],
      {},
      5000,
    ],
    [
      'the patch is superseded, and its rollout runs on',
      'install a in-wave',
      [published('a'), ...wave2, published('c'), superseded],
    ],
  ])('when %s: %s', (_, expected, ...asked) => {
    expect(answer(...asked)).toBe(expected);
  });

  it('tells all that an install needs', () => {
    expect(ask([published('a'), ...wave2])).toEqual({
      directive: 'install',
      patchId: 'a',
      rolloutId: 'r1',
      wave: 2,
      artifact,
      reason: 'in-wave',
      lease: { expiresAt: minute(560), recallEpoch: 0 },
      nextCheckInSeconds: expect.any(Number) as number,
    });
  });

  it('asks the device back when its turn comes, else within the hour of its lease', () => {
    const seconds = (minutes: number) => ask([published('a'), ...wave2], {}, minutes).nextCheckInSeconds;
    expect([355, 390, 399.9].map(seconds)).toEqual([2700, 600, 60]);
    expect(seconds(0)).toBeGreaterThan(2880);
    expect(seconds(0)).toBeLessThanOrEqual(3600);
  });

  it('asks devices that came together back apart, evenly, and each hour in another order', () => {
    const asked = (hour: number) =>
      Array.from({ length: 7200 }, (_, n) => ask([], { deviceId: `d-${String(n)}` }, 60 * hour).nextCheckInSeconds);
    const [first, second] = [asked(0), asked(1)];
    expect(asked(0)).toEqual(first);
    for (const seconds of [first, second]) {
      const minutes = Map.groupBy(seconds, (each) => Math.floor((each - 2881) / 60));
      expect([...minutes.keys()].sort((one, other) => one - other)).toEqual([...Array(12).keys()]);
      // 600 devices a minute, by chance less or more: five times the standard deviation is 117.
      for (const each of minutes.values()) expect(Math.abs(each.length - 600)).toBeLessThan(117);
    }
    const [one, other] = [first, second].map((each) => each.map((seconds) => (seconds - 3240.5) / 720));
    const together = (one ?? []).reduce((sum, each, n) => sum + each * (other?.[n] ?? 0), 0) / 7200;
    // The correlation of uniform parts, whose variance is a twelfth.
    expect(Math.abs(together * 12)).toBeLessThan(0.06);
  });

  it('hears of a rollout before its patch', () => {
    expect(answer([...wave2, published('a')])).toBe('install a in-wave');
  });

  it('takes the models that an amendment adds', () => {
    const variant = { build: '23D77999a', prerequisiteBuild: '23D8133', models: ['iPhone9,9'] };
    const amended: PolicyEvent = { type: 'PatchAmended', patchId: 'a', variants: [variant], at: MORNING };
    expect(answer([published('a'), ...wave2, amended], { model: 'iPhone9,9' })).toBe('install a in-wave');
    expect(answer([published('a'), ...wave2, amended])).toBe('install a in-wave');
  });
});

describe('choosing among the letters of a base', () => {
  const both = [published('a'), ...complete, published('c'), superseded];

  it.each<[string, string, ...Parameters<typeof ask>]>([
    ['the highest that applies', 'install c completed', [...both, ...ofC()]],
    [
      'an upgrade for who has the lower one',
      'install c completed',
      [...both, ...ofC()],
      { osBuild: '23D77133a', installed: ['a'] },
    ],
    [
      'the lower one while the higher one is not rolled out',
      'install a in-wave',
      [published('a'), ...wave2, published('c'), superseded],
    ],
    ['the lower one when the higher one was pulled', 'install a completed', [...both, ...ofC(), pulled('c', 'recall')]],
    [
      'nothing lower than what the device has',
      'none c already-installed',
      [published('a'), ...complete, published('c')],
      { installed: ['c'] },
    ],
    [
      'the reason of the one that is on its way',
      'none c rollout-paused',
      [...both, ...ofC().slice(0, 3), { ...paused(minute(1)), rolloutId: 'rc' }],
      { installed: ['a'] },
    ],
    ['what the device has, when nothing else is on its way', 'none a already-installed', both, { installed: ['a'] }],
  ])('tells %s: %s', (_, expected, ...asked) => {
    expect(answer(...asked)).toBe(expected);
  });

  it('orders letters by length, then by the alphabet', () => {
    const letters = ['b', 'aa', 'z'].flatMap((letter) => [
      published(letter),
      planned({ patchId: letter, waves: [phonesWave] }, letter),
      started(MORNING, letter, letter),
      opened(1, MORNING, letter),
    ]);
    expect(ask(letters).patchId).toBe('aa');
  });
});

describe('rolling a patch out twice', () => {
  it('brings it where the earlier rollout, that is complete, was meant', () => {
    const pads = planned({ waves: [{ ...phonesWave, audience: { family: ['iPad'] } }] }, 'r2');
    const world = [published('a'), ...complete, pads, started(minute(1300), 'a', 'r2'), opened(1, minute(1300), 'r2')];
    expect(ask(world, {}, 1400)).toMatchObject({ directive: 'install', rolloutId: 'r1', reason: 'completed' });
    expect(ask(world, { model: 'iPad16,3' }, 1400)).toMatchObject({ reason: 'beyond-exposure', rolloutId: 'r2' });
    const stopped: PolicyEvent = { ...paused(minute(1350)), rolloutId: 'r2' };
    expect(ask([...world, stopped], {}, 1400)).toMatchObject({ directive: 'none', reason: 'rollout-paused' });
  });

  it('does not bring the patch back by an earlier rollout when the latest is aborted, until another one starts', () => {
    const second = [planned({}, 'r2'), started(minute(1300), 'a', 'r2'), opened(1, minute(1300), 'r2')];
    const ended = [published('a'), ...complete, ...second, aborted(minute(1350), 'r2')];
    expect(answer(ended, {}, 5000)).toBe('none a rollout-aborted');
    const third = [
      planned({ waves: [betaWave] }, 'r3'),
      started(minute(1400), 'a', 'r3'),
      opened(1, minute(1400), 'r3'),
    ];
    expect(answer([...ended, planned({}, 'r3')], {}, 5000)).toBe('none a rollout-aborted');
    expect(answer([...ended, ...third], {}, 5000)).toBe('install a completed');
    // One that was never started has brought nothing, and ends nothing.
    expect(answer([published('a'), ...complete, planned({}, 'r2'), aborted(minute(1350), 'r2')], {}, 5000)).toBe(
      'install a completed',
    );
  });
});

describe('recalling a patch', () => {
  const recalled = [published('a'), ...wave2, pulled('a', 'recall')];

  it('removes it from whoever says to have it, or reports its build', () => {
    const removal = { directive: 'remove', reason: 'recalled', patchId: 'a', patchIds: ['a'] };
    expect(ask(recalled, { installed: ['a'] })).toMatchObject({ ...removal, lease: { recallEpoch: 1 } });
    expect(ask(recalled, { osBuild: '23D77133a' })).toMatchObject(removal);
  });

  it('believes the build, and no list that says something else', () => {
    const world = [...recalled, published('c')];
    // It has left the base of the patch.
    expect(answer(recalled, { osBuild: '23E200', installed: ['a'] })).toBe('none no-patch');
    // It runs the next letter, or the recalled one.
    expect(answer(world, { osBuild: '23D77133c', installed: ['a', 'c'] })).toBe('none c already-installed');
    expect(ask(world, { osBuild: '23D77133a', installed: ['c'] })).toMatchObject({
      directive: 'remove',
      patchIds: ['a'],
    });
  });

  it('names everything that falls with it, as long as the build says nothing', () => {
    const { patchIds } = ask([...recalled, published('c')], { installed: ['a', 'c', 'unheard-of'] });
    expect(patchIds?.toSorted()).toEqual(['a', 'c']);
  });

  it('leaves devices alone that do not have it', () => {
    expect(answer(recalled)).toBe('none a pulled');
  });

  it('brings the replacement to devices inside its exposure', () => {
    const world = [published('a'), ...wave2, published('c'), ...ofC(), pulled('a', 'recall', 'c')];
    expect(answer(world, { installed: ['a'] })).toBe('install c recalled');
    const manual = ask(world, { installed: ['a'], track: 'manual' });
    expect(manual).toMatchObject({ directive: 'remove', patchIds: ['a'], reason: 'recalled' });
    expect(manual.offer).toEqual({ patchId: 'c', rolloutId: 'rc', wave: 1, artifact });
    expect(answer([...world, hold({ patchId: 'c' })], { installed: ['a'] })).toBe('remove a recalled');
  });

  it('brings the next letter that stands when no replacement is named, or that one is not open', () => {
    const world = [published('a'), ...wave2, published('b'), published('c'), ...ofC()];
    expect(answer([...world, pulled('a', 'recall')], { installed: ['a'] })).toBe('install c recalled');
    expect(answer([...world, pulled('a', 'recall', 'b')], { installed: ['a'] })).toBe('install c recalled');
  });

  it('removes it while the replacement has not reached the device', () => {
    const begun = ofC().slice(0, 3);
    const world = [published('a'), ...wave2, published('c'), ...begun, pulled('a', 'recall', 'c')];
    expect(answer(world, { installed: ['a'] }, 399)).toBe('remove a recalled');
    expect(answer(world, { installed: ['a'] }, 401)).toBe('install c recalled');
  });

  it('ends after three failures a day, and only for what the device has', () => {
    const failed = (attempts: number, patchId = 'a') =>
      answer(recalled, { installed: ['a'], removeFailed: [{ patchId, attempts }] });
    expect(failed(2)).toBe('remove a recalled');
    expect(failed(3)).toBe('none a remove-failed-too-often');
    expect(failed(3, 'b')).toBe('remove a recalled');
    const world = [published('a'), ...wave2, published('c'), ...ofC(), pulled('a', 'recall', 'c')];
    const stubborn = { installed: ['a'], removeFailed: [{ patchId: 'a', attempts: 3 }] };
    expect(answer(world, stubborn)).toBe('install c recalled');
    expect(answer(world, { ...stubborn, track: 'manual' })).toBe('offer c recalled');
  });

  it('waits while a person has paused it, and goes on when it is resumed', () => {
    const pause = { patchId: 'a', recallEpoch: 1, at: MORNING } as const;
    const stopped: PolicyEvent[] = [...recalled, { type: 'RecallPaused', reason: 'it hurts', ...pause }];
    expect(answer(stopped, { installed: ['a'] })).toBe('none a recall-paused');
    expect(answer([...stopped, { type: 'RecallResumed', ...pause }], { installed: ['a'] })).toBe('remove a recalled');
  });

  it('goes on under the global stop, unless that stops removals too', () => {
    expect(answer([...recalled, hold()], { installed: ['a'] })).toBe('remove a recalled');
    expect(answer([...recalled, hold({ removals: true })], { installed: ['a'] })).toBe('none a on-hold');
    expect(answer([...recalled, hold({ removals: true, expiresAt: minute(499) })], { installed: ['a'] })).toBe(
      'remove a recalled',
    );
  });

  it('reaches the devices in steps where its command named a pace', () => {
    const policy = policyOf(published('a'), ...wave2, {
      ...pulled('a', 'recall'),
      removePerHourMax: 10,
    } as PolicyEvent);
    const of = (share: number) => {
      const patch = policy.patches.get('a');
      if (patch !== undefined) patch.removalShare = share;
      const { directive, reason } = decide({ ...phone, installed: ['a'] }, policy, minuteMs(500), () => 0.4);
      return `${directive} ${reason}`;
    };
    expect(policy.patches.get('a')?.removalShare).toBe(0);
    expect([of(0), of(0.4), of(0.41), of(1)]).toEqual([
      'none recall-ramp',
      'none recall-ramp',
      'remove recalled',
      'remove recalled',
    ]);
  });

  it('offers what still stands to a device that came back to the base', () => {
    const world = [published('a'), ...wave2, published('c'), ...ofC(), pulled('a', 'recall')];
    expect(answer(world)).toBe('install c completed');
  });
});

describe('naming the full release', () => {
  it('tells a device on the old base what to update to where nothing is offered', () => {
    expect(ask([published('a'), foldedIn])).toMatchObject({ reason: 'no-rollout', updateTo: '26.4' });
    expect(ask([published('a'), ...complete, foldedIn])).not.toHaveProperty('updateTo');
    expect(ask([published('a'), foldedIn], { osBuild: '23E200' })).not.toHaveProperty('updateTo');
    expect(ask([published('a'), foldedIn], { installed: ['a'] })).not.toHaveProperty('updateTo');
  });

  it.each(['withdraw', 'recall'] as const)(
    'is the same whether the patch was folded in before its %s or after it',
    (mode) => {
      const folding = [published('a'), ...complete, foldedIn, pulled('a', mode)];
      const pulling = [published('a'), ...complete, pulled('a', mode), foldedIn];
      for (const device of [{}, { installed: ['a'] }, { osBuild: '23E200' }])
        expect(ask(pulling, device)).toEqual(ask(folding, device));
      expect(ask(pulling)).toMatchObject({ directive: 'none', reason: 'pulled', updateTo: '26.4' });
      expect(ask(pulling, { installed: ['a'] })).not.toHaveProperty('updateTo');
    },
  );
});

describe('choosing the package', () => {
  const own = { url: 'https://example.com/phone', sha256: 'b'.repeat(64), sizeBytes: 7 };
  const byModel = (more: object): PolicyEvent => {
    const { variants, ...patch } = published('a') as Extract<PolicyEvent, { type: 'PatchPublished' }>;
    return { ...patch, variants: variants.map((variant) => ({ ...variant, ...more })) };
  };

  it('takes that of the model, else the one for all', () => {
    const world = [byModel({ artifacts: [{ models: ['iPhone18,1'], ...own }] }), ...complete];
    expect(ask(world).artifact).toEqual(own);
    expect(ask(world, { model: 'iPhone17,1' }).artifact).toEqual(artifact);
    const alone = [byModel({ artifact: undefined, artifacts: [{ models: ['iPhone17,1'], ...own }] }), ...complete];
    expect(ask(alone)).not.toHaveProperty('artifact');
  });

  it('keeps the package for all when a model is added later', () => {
    const variant = { build: '23D77133a', prerequisiteBuild: '23D8133', models: ['iPhone16,1'] };
    const amended: PolicyEvent = { type: 'PatchAmended', patchId: 'a', variants: [variant], at: MORNING };
    const world = [published('a'), amended, ...complete];
    expect(ask(world, { model: 'iPhone16,1' }).artifact).toEqual(artifact);
    const late: PolicyEvent = {
      ...amended,
      variants: [{ ...variant, models: ['iPhone16,2'], artifacts: [{ models: ['iPhone16,2'], ...own }] }],
    };
    expect(ask([...world, late], { model: 'iPhone16,2' }).artifact).toEqual(own);
    expect(ask([...world, late]).artifact).toEqual(artifact);
  });
});

describe('deciding on a stale policy', () => {
  const stale = (events: readonly PolicyEvent[], device: Partial<AskingDevice> = {}) => {
    const policy = { ...policyOf(...events), stale: true };
    const { directive, reason } = decide({ ...phone, ...device }, policy, minuteMs(500), () => 0.4);
    return `${directive} ${reason}`;
  };

  it('offers nothing', () => {
    expect(stale([published('a'), ...wave2])).toBe('none policy-stale');
    expect(stale([])).toBe('none policy-stale');
  });

  it('still takes back what was recalled, without going on to a replacement', () => {
    const world = [published('a'), published('c'), ...ofC(), pulled('a', 'recall', 'c')];
    expect(stale(world, { installed: ['a'] })).toBe('remove recalled');
  });
});

describe('exposing devices', () => {
  const devices = Array.from({ length: 2000 }, (_, index) => `d-${String(index)}`);
  const bucketOf: BucketOf = (_, deviceId) => Number(deviceId.slice(2)) / devices.length;
  const policy = policyOf(published('a'), planned({ waves: [betaWave, phonesWave] }), ...wave2.slice(1));
  const inside = (minutes: number) =>
    devices.filter((deviceId) => {
      return decide({ ...phone, deviceId }, policy, minuteMs(minutes), bucketOf).directive === 'install';
    });

  it('keeps a device inside a wave inside', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1200 }), fc.integer({ min: 0, max: 300 }), (minutes, later) => {
        const after = new Set(inside(minutes + later));
        expect(inside(minutes).filter((deviceId) => !after.has(deviceId))).toEqual([]);
      }),
      { numRuns: 25 },
    );
  });

  it('reaches the share that the ramp says', () => {
    expect(inside(500).length / devices.length).toBeCloseTo(0.5, 1);
    expect(inside(1000).length / devices.length).toBeCloseTo(0.98, 1);
  });
});

describe('folding a policy', () => {
  const events: PolicyEvent[] = [
    published('a'),
    published('c'),
    superseded,
    foldedIn,
    pulled('a', 'recall', 'c'),
    ...complete,
    paused(minute(5)),
    aborted(minute(6)),
    ...ofC(),
    hold(),
    hold({ patchId: 'a' }),
    { type: 'HoldLifted', holdId: 'h1', reason: 'fixed', at: MORNING },
    { type: 'HoldExpired', holdId: 'h1', at: MORNING },
    { type: 'PatchAmended', patchId: 'c', variants: [], at: MORNING },
  ];

  it('never throws, and always decides, whatever the order of events', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...events), { maxLength: 40 }),
        fc.subarray(['a', 'c']),
        (history, installed) => {
          const policy = history.reduce(foldPolicy, emptyPolicy());
          expect(decide({ ...phone, installed }, policy, minuteMs(10), () => 0.4).directive).toBeTypeOf('string');
          expect(() => structuredClone(describePolicy(policy))).not.toThrow();
        },
      ),
    );
  });

  it('forgets what is over: a lifted hold, a rollout that was aborted', () => {
    const lifted: PolicyEvent = { type: 'HoldLifted', holdId: 'h1', reason: 'fixed', at: MORNING };
    expect(answer([published('a'), ...wave2, hold(), lifted])).toBe('install a in-wave');
    expect(describePolicy(policyOf(...wave2, aborted(minute(5)))).patches).toMatchObject([
      { rollouts: [], aborted: 'r1' },
    ]);
  });
});
