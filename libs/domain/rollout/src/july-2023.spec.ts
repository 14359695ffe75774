import { describe, expect, it } from 'vitest';
import { type CatalogEvent } from './catalog-events.ts';
import { type AskingDevice, decide } from './decide.ts';
import {
  aborted,
  betaWave,
  completed,
  granted,
  granting,
  minute,
  minuteMs,
  opened,
  planned,
  policyOf,
} from './examples.ts';
import { type Plan } from './plan.ts';
import { type PolicyEvent } from './policy.ts';

/*
 * The history of July 2023: 16.5.1 (a) made web pages fail, was withdrawn and taken back; (c) followed; 16.6 contains the
 * fix. Builds and order are those of the time, percents and minutes are made up.
 */
const BASE = '20F75';
const BUILD_A = '20F770750b';
const BUILD_C = '20F770750d';
const MODELS = ['iPhone14,2', 'iPad13,18'];
const id = (letter: string) => `ios-16.5.1-${letter}`;

function published(letter: string, build: string, minutes: number): CatalogEvent {
  const variants = [{ build, prerequisiteBuild: BASE, models: MODELS }];
  const patch = { patchId: id(letter), platform: 'ios', baseVersion: '16.5.1', letter, variants } as const;
  return { type: 'PatchPublished', ...patch, at: minute(minutes) };
}

function pulled(mode: 'withdraw' | 'recall', recallEpoch: number, minutes: number): CatalogEvent {
  return { type: 'PatchPulled', patchId: id('a'), mode, reason: 'web pages fail', recallEpoch, at: minute(minutes) };
}

const waves: Plan['waves'] = [
  betaWave,
  { name: 'all', ramp: { fromPercent: 0, toPercent: 100, minutes: 1000 }, bakeMinutes: 60 },
];
const ofC = { rolloutId: 'rc' };

/** Each step with what happened in it, and the minute in which all devices ask. */
const steps: readonly { readonly name: string; readonly asks: number; readonly events: readonly PolicyEvent[] }[] = [
  {
    name: '(a) is out',
    asks: 90,
    events: [
      published('a', BUILD_A, 0),
      planned({ patchId: id('a'), waves }, 'ra'),
      granting(minute(0), id('a'), 'ra'),
      opened(1, minute(0), 'ra'),
      granted(1, 0, 10, { rolloutId: 'ra' }),
      opened(2, minute(10), 'ra'),
      granted(2, 10, 80, { rolloutId: 'ra', percents: [0, 100], because: 'ramp' }),
      completed(minute(80), 'ra', id('a')),
    ],
  },
  { name: 'withdrawn', asks: 110, events: [pulled('withdraw', 1, 100), aborted(minute(100), 'ra')] },
  { name: 'recalled', asks: 130, events: [pulled('recall', 2, 120)] },
  { name: '(c) is published', asks: 150, events: [published('c', BUILD_C, 140)] },
  {
    name: '(c) at 1 %',
    asks: 190,
    events: [
      planned({ patchId: id('c'), waves }, 'rc'),
      granting(minute(160), id('c'), 'rc'),
      opened(1, minute(160), 'rc'),
      granted(1, 160, 170, ofC),
      opened(2, minute(170), 'rc'),
      granted(2, 170, 180, { ...ofC, percents: [0, 1], because: 'ramp' }),
    ],
  },
  {
    name: '(c) is halted',
    asks: 210,
    events: [
      {
        type: 'RolloutHalted',
        rolloutId: 'rc',
        wave: 2,
        by: 'responder',
        reason: 'looking',
        exposurePercent: 1,
        at: minute(200),
      },
    ],
  },
  {
    name: '(c) at 10 %',
    asks: 250,
    events: [
      { type: 'RolloutResumed', rolloutId: 'rc', at: minute(220) },
      granted(2, 220, 240, { ...ofC, percents: [1, 10], because: 'ramp' }),
    ],
  },
  {
    name: '(c) at 100 %',
    asks: 350,
    events: [granted(2, 250, 340, { ...ofC, percents: [10, 100], because: 'ramp' })],
  },
  {
    name: '(c) is in 16.6',
    asks: 370,
    events: [{ type: 'PatchFoldedIn', patchId: id('c'), version: '16.6', build: '20G75', at: minute(360) }],
  },
];

/** A kind of device, its bucket, and what each step is to tell it; – where it does not ask. */
type Kind = readonly [name: string, bucket: number, says: Partial<AskingDevice>, answers: readonly string[]];

const nothing = Array.from({ length: 9 }, () => 'none no-patch');
const installed = 'none a already-installed';
const onC = 'none c already-installed';
const removed = 'remove a recalled';
const offered = 'remove a recalled, offer c';
const withheld = 'none a pulled';
const planless = 'none c no-rollout';
const halted = 'none c rollout-paused';
const beyond = 'none c beyond-exposure';
const getsA = 'install a completed';
const getsC = 'install c in-wave';
const movesOn = 'install c recalled';

// Written by hand from design §3.3. Buckets below 0.01 are reached at 1 %, those below 0.1 at 10 %.
// prettier-ignore
const kinds: readonly Kind[] = [
  ['on the base, early', 0.005, {},
    [getsA, withheld, withheld, planless, getsC, halted, getsC, getsC, getsC]],
  ['on the base', 0.05, {},
    [getsA, withheld, withheld, planless, beyond, halted, getsC, getsC, getsC]],
  ['on the base, late', 0.5, {},
    [getsA, withheld, withheld, planless, beyond, halted, beyond, getsC, getsC]],
  ['held back', 0.99, {},
    ['none a hold-back', withheld, withheld, planless, 'none c hold-back', halted, 'none c hold-back',
      'none c hold-back', 'none c hold-back, update to 16.6']],
  ['in the ring', 0.99, { ring: 'beta' },
    [getsA, withheld, withheld, planless, 'install c in-ring', halted, 'install c in-ring', 'install c in-ring',
      'install c in-ring']],
  ['on an older base', 0.05, { osBuild: '20F66', osVersion: '16.5' }, nothing],
  ['on the next full release', 0.05, { osBuild: '20G75', osVersion: '16.6' },
    [...nothing.slice(1), 'none c folded-in']],
  ['on a full release after that', 0.05, { osBuild: '20H19', osVersion: '16.7' },
    [...nothing.slice(1), 'none c folded-in']],
  ['on (a), early', 0.005, { osBuild: BUILD_A, installed: [id('a')] },
    [installed, installed, removed, removed, movesOn, removed, movesOn, movesOn, movesOn]],
  ['on (a)', 0.05, { osBuild: BUILD_A, installed: [id('a')] },
    [installed, installed, removed, removed, removed, removed, movesOn, movesOn, movesOn]],
  ['on (a), with an empty list', 0.05, { osBuild: BUILD_A },
    [installed, installed, removed, removed, removed, removed, movesOn, movesOn, movesOn]],
  ['on (a), with a wrong list', 0.05, { osBuild: BUILD_A, installed: [id('c')] },
    [installed, installed, removed, removed, removed, removed, movesOn, movesOn, movesOn]],
  ['with (a) installed, not restarted yet', 0.05, { installed: [id('a')] },
    [installed, installed, removed, removed, removed, removed, movesOn, movesOn, movesOn]],
  ['on (a), failed to remove it three times', 0.5, { osBuild: BUILD_A, removeFailed: [{ patchId: id('a'), attempts: 3 }] },
    [installed, installed, 'none a remove-failed-too-often', 'none a remove-failed-too-often',
      'none a remove-failed-too-often', 'none a remove-failed-too-often', 'none a remove-failed-too-often', movesOn,
      movesOn]],
  ['on (a), manual', 0.005, { osBuild: BUILD_A, track: 'manual' },
    [installed, installed, removed, removed, offered, removed, offered, offered, offered]],
  ['on (a), offline through all of it', 0.05, { osBuild: BUILD_A, installed: [id('a')] },
    ['–', '–', '–', '–', '–', '–', '–', '–', movesOn]],
  ['on (c)', 0.05, { osBuild: BUILD_C, installed: [id('c')] },
    ['–', '–', '–', onC, onC, onC, onC, onC, onC]],
  ['on (c), with the list of before', 0.05, { osBuild: BUILD_C, installed: [id('a')] },
    ['–', '–', '–', onC, onC, onC, onC, onC, onC]],
  ['manual', 0.05, { track: 'manual' },
    ['offer a manual-track', withheld, withheld, planless, beyond, halted, 'offer c manual-track',
      'offer c manual-track', 'offer c manual-track']],
  ['whose user removed both', 0.005, { removed: [id('a'), id('c')] },
    ['none a removed-by-user', withheld, withheld, planless, 'none c removed-by-user', halted,
      'none c removed-by-user', 'none c removed-by-user', 'none c removed-by-user, update to 16.6']],
  ['that failed both three times', 0.005,
    { failed: [{ patchId: id('a'), attempts: 3 }, { patchId: id('c'), attempts: 3 }] },
    ['none a failed-too-often', withheld, withheld, planless, 'none c failed-too-often', halted,
      'none c failed-too-often', 'none c failed-too-often', 'none c failed-too-often, update to 16.6']],
  ['of an unknown model', 0.05, { model: 'iPhone99,9' }, nothing],
  ['of another platform', 0.05, { platform: 'macos', model: 'Mac14,2' }, nothing],
];

function answerOf(device: Partial<AskingDevice>, bucket: number, step: number): string {
  const policy = policyOf(...steps.slice(0, step + 1).flatMap(({ events }) => events));
  const asking: AskingDevice = {
    deviceId: 'd-1',
    platform: 'ios',
    model: 'iPhone14,2',
    osBuild: BASE,
    osVersion: '16.5.1',
    track: 'automatic',
    installed: [],
    ...device,
  };
  const { directive, patchId, reason, offer, updateTo } = decide(
    asking,
    policy,
    minuteMs(steps[step]?.asks ?? 0),
    () => bucket,
  );
  const words = [directive, patchId?.replace(id(''), ''), reason].filter((word) => word !== undefined).join(' ');
  const more = [
    ...(offer === undefined ? [] : [`offer ${offer.patchId.replace(id(''), '')}`]),
    ...(updateTo === undefined ? [] : [`update to ${updateTo}`]),
  ];
  return [words, ...more].join(', ');
}

describe('the history of July 2023', () => {
  describe.each(kinds)('tells a device %s', (_, bucket, says, answers) => {
    it.each(steps.map(({ name }, index) => [name, answers[index] ?? 'no answer was written down', index] as const))(
      'when %s: %s',
      (_name, expected, index) => {
        if (expected !== '–') expect(answerOf(says, bucket, index)).toBe(expected);
      },
    );
  });

  it('is told to twenty kinds of device at least', () => {
    expect(kinds.length).toBeGreaterThanOrEqual(20);
    expect(new Set(kinds.map(([name]) => name)).size).toBe(kinds.length);
  });
});
