import { describe, expect, it } from 'vitest';
import { type AskingDevice } from './decide.ts';
import {
  aborted,
  betaWave,
  completed,
  granted,
  granting,
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
import { explain, explainNobody, type Explanation, type Unknown } from './explain.ts';
import { type HoldEvent } from './hold.ts';
import { emptyPolicy, type PolicyEvent } from './policy.ts';

const wave2 = [planned(), started(), opened(1), opened(2)];
const inWave = [published('a'), ...wave2];
const recalled = [...inWave, pulled('a', 'recall')];
const holder = { osBuild: '23D77133a' };
const hold = (change: Partial<Extract<HoldEvent, { type: 'HoldPlaced' }>> = {}): HoldEvent => {
  return { type: 'HoldPlaced', holdId: 'h1', slice: {}, reason: 'it smokes', owner: 'ann', at: MORNING, ...change };
};
const ofC: PolicyEvent[] = [
  published('c'),
  planned({ patchId: 'c', waves: [phonesWave] }, 'rc'),
  started(MORNING, 'c', 'rc'),
  opened(1, MORNING, 'rc'),
  completed(MORNING, 'rc', 'c'),
];
const recallPaused: PolicyEvent = {
  type: 'RecallPaused',
  patchId: 'a',
  recallEpoch: 1,
  reason: 'it hurts',
  at: MORNING,
};

interface Asking {
  readonly device?: Partial<AskingDevice>;
  readonly minutes?: number;
  readonly bucket?: number;
  readonly patchId?: string;
  readonly unknown?: Unknown;
  readonly stale?: true;
}

function ask(events: readonly PolicyEvent[], asking: Asking = {}): Explanation {
  const { device, minutes = 500, bucket = 0.4, patchId, unknown, stale = false } = asking;
  const policy = Object.assign(policyOf(...events), { stale });
  const asked = { device: { ...phone, ...device }, policy, nowMs: minuteMs(minutes), bucketOf: () => bucket };
  return explain({ ...asked, staleBecause: stale ? ['the catalog is silent for 40 s'] : [] }, patchId, unknown);
}

describe('explaining a reason', () => {
  it.each<[Explanation['reason'], string, readonly PolicyEvent[], Asking?]>([
    [
      'recalled',
      'd-1 is directed to remove a: it has a, which was recalled (it smokes). This would change it: the device is back on 23D8133.',
      recalled,
      { device: holder },
    ],
    [
      'recall-paused',
      'd-1 is told to do nothing: it has a, which was recalled (it smokes), and its recall is paused. This would change it: its recall is resumed.',
      [...recalled, recallPaused],
      { device: holder },
    ],
    [
      'on-hold',
      'd-1 is told to do nothing: it has a, which was recalled (it smokes), and the hold h1 stops removals. This would change it: the hold h1 is lifted.',
      [...recalled, hold({ removals: true })],
      { device: holder },
    ],
    [
      'recall-ramp',
      'd-1 is told to do nothing: it has a, which was recalled (it smokes), and the turn of its bucket 0.4 has not come at 0. This would change it: its recall comes to 40.01 %.',
      [...inWave, { ...pulled('a', 'recall'), removePerHourMax: 10 } as PolicyEvent],
      { device: holder },
    ],
    [
      'remove-failed-too-often',
      'd-1 is told to do nothing: it has a, which was recalled (it smokes), and 3 removals failed within a day, of at most 3. This would change it: a day passes since it failed to remove a.',
      recalled,
      { device: { ...holder, removeFailed: [{ patchId: 'a', attempts: 3 }] } },
    ],
    [
      'policy-stale',
      'd-1 is told to do nothing: too little is known to offer anything: the catalog is silent for 40 s. This would change it: the policy is fresh again.',
      inWave,
      { stale: true },
    ],
    [
      'no-patch',
      'd-1 is told to do nothing: no patch of the catalog is for iPhone18,1 on 23X1. This would change it: a patch for its model and base is published.',
      inWave,
      { device: { osBuild: '23X1' } },
    ],
    [
      'no-patch',
      'd-1 is told to do nothing; of a: a is for iPhone18,1, iPhone17,1, iPad16,3 on 23D8133, and not for iPhone18,1 on 23X1. This would change it: the patch gets a variant for its model and base.',
      inWave,
      { device: { osBuild: '23X1' }, patchId: 'a' },
    ],
    [
      'already-installed',
      'd-1 is told to do nothing: it has a. This would change it: the device is back on 23D8133; and the device lists no patch as installed.',
      inWave,
      { device: { ...holder, installed: ['a'] } },
    ],
    [
      'folded-in',
      'd-1 is told to do nothing: its base contains the fix, which came with 26.4. This would change it: a patch for its model and base is published.',
      [published('a'), { type: 'PatchFoldedIn', patchId: 'a', version: '26.4', build: '23E200', at: MORNING }],
      { device: { osBuild: '23E200' } },
    ],
    [
      'superseded',
      'd-1 is directed to install c; of a: c is open to it, which is later than a. This would change it: c is no longer open to it, by a hold or a pull.',
      [...inWave, ...ofC],
      { patchId: 'a' },
    ],
    [
      'pulled',
      'd-1 is told to do nothing: a was pulled (withdraw): it smokes. This would change it: a later letter for its model and base is published; a pull is never undone.',
      [...inWave, pulled('a', 'withdraw')],
    ],
    [
      'pulled',
      'd-1 is told to do nothing; of a: a was pulled (withdraw): it smokes. Nothing changes that.',
      [...inWave, pulled('a', 'withdraw')],
      { patchId: 'a' },
    ],
    [
      'on-hold',
      `d-1 is told to do nothing: the hold h1 keeps a from it until ${minute(900)}. This would change it: the hold h1 is lifted, or ends at ${minute(900)}.`,
      [...inWave, hold({ expiresAt: minute(900) })],
    ],
    [
      'no-rollout',
      'd-1 is told to do nothing: no rollout of a has started. This would change it: the rollout r1 is started.',
      [published('a'), planned()],
    ],
    [
      'rollout-aborted',
      'd-1 is told to do nothing: the rollout r1 was aborted. This would change it: another rollout of a starts.',
      [...inWave, aborted(minute(9))],
    ],
    [
      'rollout-paused',
      'd-1 is told to do nothing: the rollout r1 is paused: lunch. This would change it: the rollout r1 is resumed.',
      [...inWave, paused(minute(480))],
    ],
    [
      'outside-audience',
      'd-1 is told to do nothing: wave 2 of r1 would be for it, and 1 of 2 are open. This would change it: wave 2 of r1 opens, which is for it.',
      [published('a'), planned(), started(), opened(1)],
    ],
    [
      'outside-audience',
      'd-1 is told to do nothing: no wave of r1 is for it, and 1 of 1 are open. This would change it: the device is in the ring beta.',
      [published('a'), planned({ waves: [betaWave] }), started(), opened(1)],
    ],
    [
      'hold-back',
      `d-1 is told to do nothing: its bucket 0.99 is in the hold-back, which begins at 0.98. This would change it: the hold-back is released, expected at ${minute(1260 + 72 * 60)}.`,
      [...inWave, completed(minute(1260))],
      { bucket: 0.99, minutes: 1300 },
    ],
    [
      'beyond-exposure',
      `d-1 is told to do nothing: its turn has not come: its bucket is 0.62, and the share of wave 2 is 0.5. This would change it: its turn comes at 62.01 %, expected at ${minute(620)} if nothing stops the ramp.`,
      inWave,
      { bucket: 0.62 },
    ],
    [
      'beyond-exposure',
      'd-1 is told to do nothing: its turn has not come: its bucket is 0.4, and the share of wave 1 is 0.1. This would change it: its turn comes at 40.01 %, and its wave ends at 10 %.',
      [
        published('a'),
        planned({ waves: [{ ...phonesWave, ramp: { fromPercent: 0, toPercent: 10, minutes: 10 } }] }),
        granting(),
        opened(1),
        granted(1, 0, 10, { percents: [0, 10], because: 'ramp' }),
      ],
    ],
    [
      'removed-by-user',
      'd-1 is told to do nothing: its user removed a. This would change it: the device no longer says that its user removed the patch.',
      inWave,
      { device: { removed: ['a'] } },
    ],
    [
      'failed-too-often',
      'd-1 is told to do nothing: 3 installs of a failed, and after 3 there is no other. This would change it: the device forgets its failed attempts.',
      inWave,
      { device: { failed: [{ patchId: 'a', attempts: 3 }] } },
    ],
    [
      'manual-track',
      'd-1 is offered a: its user decides, for it is on the manual track. This would change it: the device is on the automatic track.',
      inWave,
      { device: { track: 'manual' } },
    ],
    [
      'in-ring',
      'd-1 is directed to install a: wave 1 of r1 has reached it. This would change it: a is held, paused or pulled.',
      inWave,
      { device: { ring: 'beta' }, bucket: 0.99, minutes: 0 },
    ],
    [
      'in-wave',
      'd-1 is directed to install a: wave 2 of r1 has reached it. This would change it: a is held, paused or pulled.',
      inWave,
    ],
    [
      'completed',
      'd-1 is directed to install a: wave 2 of r1 has reached it. This would change it: a is held, paused or pulled.',
      [...inWave, completed(minute(1260))],
      { minutes: 5000 },
    ],
  ])('says of %s: %s', (reason, words, events, asking) => {
    expect(ask(events, asking)).toMatchObject({ reason, words });
  });

  it('has the values that each rule looked at', () => {
    const { rules, decidedBy } = ask([...inWave, ...ofC, pulled('c', 'withdraw')], {
      bucket: 0.62,
      device: { removed: ['a'] },
    });
    expect(decidedBy).toBe('beyond-exposure');
    const looked = rules.filter(({ outcome }) => outcome !== 'not-reached');
    expect(Object.fromEntries(looked.map(({ rule, values }) => [rule, values]))).toEqual({
      recalled: { held: [], recalled: null },
      'policy-stale': { stale: false, because: [] },
      'no-patch': { platform: 'ios', model: 'iPhone18,1', base: '23D8133', patches: ['c', 'a'] },
      'already-installed': { held: [] },
      'folded-in': { base: '23D8133', osVersion: null, foldedInto: null },
      superseded: { by: null },
      pulled: { mode: null, at: null, recallEpoch: 0 },
      'on-hold': { holds: [], until: null },
      'no-rollout': { rollout: 'r1', status: 'running', aborted: null },
      'rollout-paused': { rollout: 'r1', status: 'running', because: null, unstored: false },
      'outside-audience': { rollout: 'r1', opened: 2, waves: 2, isFor: ['2'], ring: null },
      'hold-back': { bucket: 0.62, heldFrom: 0.98 },
      'beyond-exposure': { bucket: 0.62, share: 0.5, wave: 2 },
    });
    expect(rules.slice(looked.length).map(({ rule, outcome, values }) => [rule, outcome, values])).toEqual([
      ['removed-by-user', 'not-reached', {}],
      ['failed-too-often', 'not-reached', {}],
      ['manual-track', 'not-reached', {}],
      ['in-wave', 'not-reached', {}],
    ]);
  });

  it('names the other patches for the device, and what stands before them', () => {
    expect(ask([...inWave, ...ofC, hold({ patchId: 'c' })]).others).toEqual([{ patchId: 'c', reason: 'on-hold' }]);
  });
});

describe('explaining what nobody knows', () => {
  it('gives no answer where it hangs on what the user removed, and names the rule', () => {
    const explained = ask(inWave, { unknown: { removed: ['a'] } });
    expect(explained).toMatchObject({ directive: null, reason: null, decidedBy: null, changes: [], patchId: 'a' });
    expect(explained.unknown).toEqual([
      {
        ...{ field: 'removed', rule: 'removed-by-user', matters: true },
        words: 'it is not known whether its user removed a',
      },
    ]);
    const outcomes = explained.rules.map(({ rule, outcome }) => [rule, outcome]);
    expect(outcomes.slice(-5)).toEqual([
      ['beyond-exposure', 'passed'],
      ['removed-by-user', 'unknown'],
      ['failed-too-often', 'not-reached'],
      ['manual-track', 'not-reached'],
      ['in-wave', 'not-reached'],
    ]);
  });

  it('answers where the answer is the same whatever it is', () => {
    const explained = ask(inWave, { bucket: 0.9, unknown: { removed: ['a'] } });
    expect(explained).toMatchObject({ reason: 'beyond-exposure', unknown: [{ field: 'removed', matters: false }] });
  });

  it.each<[string, readonly PolicyEvent[], Unknown]>([
    ['how often a removal failed', recalled, { removeFailed: ['a'] }],
    [
      'how far a recall had come',
      [...inWave, { ...pulled('a', 'recall'), removePerHourMax: 10 } as PolicyEvent],
      { removalShare: true },
    ],
  ])('leaves the recall open where it is not known %s', (_, events, unknown) => {
    const { directive, rules } = ask(events, { device: holder, unknown });
    expect([directive, rules[0]?.rule, rules[0]?.outcome]).toEqual([null, 'recalled', 'unknown']);
  });

  it('answers by the policy where it is not known whether it was stale, and says so', () => {
    const { directive, rules, unknown } = ask(inWave, { unknown: { stale: true } });
    expect(directive).toMatchObject({ directive: 'install' });
    expect(rules[1]).toMatchObject({ rule: 'policy-stale', outcome: 'unknown' });
    expect(unknown).toMatchObject([{ field: 'stale', matters: false }]);
  });

  it('judges of a device that is not known nothing but what is about no device', () => {
    const policy = policyOf(...inWave);
    const { directive, rules, unknown } = explainNobody(policy, 'nothing was heard of it', 'a');
    const judged = rules.filter(({ outcome }) => outcome !== 'unknown').map(({ rule, outcome }) => [rule, outcome]);
    expect([directive, judged]).toEqual([
      null,
      [
        ['policy-stale', 'passed'],
        ['pulled', 'passed'],
      ],
    ]);
    expect(unknown).toHaveLength(rules.length - 2);
    expect(explainNobody(emptyPolicy(), 'x').unknown).toHaveLength(rules.length - 1);
  });
});
