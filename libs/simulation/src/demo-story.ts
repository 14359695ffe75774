import { type PatchView, type RolloutView } from '@sluice/api-client';
import { type FullRelease } from './fleet.ts';
import { type Fault } from './harm.ts';
import { standOf } from './operator.ts';
import { type CatalogPatch, realPatch } from './real-patches.ts';

/** One patch of the demo: it comes to everybody, or it fails on some models and is taken back. */
interface Episode {
  readonly patch: CatalogPatch;
  /** The full release that iPhones and iPads move to first, in made-up episodes. */
  readonly fullRelease?: FullRelease;
  readonly replacement?: CatalogPatch;
}

/** What the people of the demo would do now. */
export type Step =
  | { readonly kind: 'upgrade'; readonly fullRelease: FullRelease }
  | { readonly kind: 'publish'; readonly patch: CatalogPatch }
  | { readonly kind: 'plan'; readonly patch: CatalogPatch }
  | { readonly kind: 'start'; readonly rolloutId: string }
  | { readonly kind: 'recall'; readonly patch: CatalogPatch; readonly replacement: CatalogPatch | undefined };

/** What there is, as Sluice tells it; the story goes on from any such state, so a restart needs no memory. */
export interface StoryView {
  readonly nowMs: number;
  readonly patches: ReadonlyMap<string, Pick<PatchView, 'status'>>;
  readonly rollouts: readonly RolloutView[];
  /** When it was first seen that the gates have stopped a rollout, or a part of it. */
  readonly stopSeenAt: ReadonlyMap<string, number>;
  /** The share of iPhones and iPads that run this build, patched or not. */
  shareOn(build: string): number;
}

const MINUTE = 60_000;
/** From the stop to the responder's pull: long enough for a person to read what happened. */
const RESPONSE_MS = 120 * MINUTE;
const UPGRADED_SHARE = 0.8;
/** Versions of made-up full releases begin here, so that nobody takes them for real ones. */
const MADE_UP_VERSION = 99;

/** The one that fails comes first: whoever looks at the demo for a minute sees how a patch is stopped and taken back. */
const realEpisodes: readonly Episode[] = [
  { patch: realPatch('ios-16.5.1-a'), replacement: realPatch('ios-16.5.1-c') },
  { patch: realPatch('ios-26.3.1-a') },
  { patch: realPatch('macos-26.3.1-a') },
  { patch: realPatch('macos-13.4.1-c') },
  { patch: realPatch('ios-16.4.1-a') },
  { patch: realPatch('macos-13.3.1-a') },
  { patch: realPatch('macos-26.3.2-a') },
];

/** The models on which patches with a replacement fail, in the demo. */
const faultyModels = ['iPhone15,2', 'iPhone15,3', 'iPhone18,1', 'iPhone18,2'];

/** In the demo a patch fails exactly where the story has a replacement for it. Made up, as the share is. */
export function demoFault(patchId: string): Fault | undefined {
  const isMadeUpFailure = /^ios-99\.\d*[02468]-a$/.test(patchId);
  if (patchId !== 'ios-16.5.1-a' && !isMadeUpFailure) return undefined;
  return { patchId, harms: [{ kind: 'fails', models: faultyModels, share: 0.6, after: [2, 20] }] };
}

/** What is to be done now; undefined while there is only to wait. */
export function nextStep(view: StoryView): Step | undefined {
  for (const episode of episodes()) {
    const step = stepOf(episode, view);
    if (step !== 'over') return step === 'wait' ? undefined : step;
  }
  return undefined;
}

/** The real patches, then made-up ones for ever; every second of those fails. */
function* episodes(): Generator<Episode> {
  yield* realEpisodes;
  const models = [...new Set([...realEpisodes].flatMap(({ patch }) => iosModels(patch)))];
  for (let number = 1; ; number += 1) {
    const fullRelease = { version: `${String(MADE_UP_VERSION)}.${String(number)}`, build: `99A${String(number)}` };
    const patch = madeUp(fullRelease, 'a', models);
    yield number % 2 === 1
      ? { patch, fullRelease }
      : { patch, fullRelease, replacement: madeUp(fullRelease, 'b', models) };
  }
}

function iosModels({ platform, variants }: CatalogPatch): string[] {
  return platform === 'ios' ? variants.flatMap(({ models }) => models) : [];
}

function madeUp({ version, build }: FullRelease, letter: string, models: string[]): CatalogPatch {
  return {
    patchId: `ios-${version}-${letter}`,
    platform: 'ios',
    baseVersion: version,
    letter,
    variants: [{ build: `${build}${letter}`, prerequisiteBuild: build, models }],
    cves: [],
  };
}

function stepOf({ patch, fullRelease, replacement }: Episode, view: StoryView): Step | 'wait' | 'over' {
  const status = view.patches.get(patch.patchId)?.status;
  if (status === undefined && fullRelease !== undefined && view.shareOn(fullRelease.build) < UPGRADED_SHARE) {
    return { kind: 'upgrade', fullRelease };
  }
  if (status === undefined) return { kind: 'publish', patch };
  if (status !== 'pulled') return rollOut(patch, replacement, view);
  if (replacement === undefined) return 'over';
  const next = view.patches.get(replacement.patchId)?.status;
  if (next === undefined) return { kind: 'publish', patch: replacement };
  return next === 'pulled' ? 'over' : rollOut(replacement, undefined, view);
}

/** A rollout that a person has paused or ended is left to them, and the story goes on beside it. */
function rollOut(patch: CatalogPatch, replacement: CatalogPatch | undefined, view: StoryView): Step | 'wait' | 'over' {
  const ofPatch = view.rollouts.filter(({ patchId }) => patchId === patch.patchId);
  const rollout = ofPatch.find(({ status }) => status !== 'planned' && status !== 'aborted') ?? ofPatch[0];
  if (rollout === undefined) {
    // A patch that a later letter has overtaken before its turn is not worth a rollout.
    return view.patches.get(patch.patchId)?.status === 'published' ? { kind: 'plan', patch } : 'over';
  }
  switch (rollout.status) {
    case 'planned':
      return { kind: 'start', rolloutId: rollout.rolloutId };
    case 'running':
      return standOf(rollout) === undefined ? 'wait' : afterStop(rollout, patch, replacement, view);
    case 'halted':
      return afterStop(rollout, patch, replacement, view);
    case 'completed':
      return standOf(rollout) === 'hold' ? afterStop(rollout, patch, replacement, view) : 'over';
    case 'paused':
    case 'aborted':
      return 'over';
  }
}

function afterStop(
  { rolloutId }: RolloutView,
  patch: CatalogPatch,
  replacement: CatalogPatch | undefined,
  { nowMs, stopSeenAt, patches }: StoryView,
): Step | 'wait' {
  if (nowMs < (stopSeenAt.get(rolloutId) ?? nowMs) + RESPONSE_MS) return 'wait';
  if (replacement !== undefined && !patches.has(replacement.patchId)) return { kind: 'publish', patch: replacement };
  return { kind: 'recall', patch, replacement };
}
