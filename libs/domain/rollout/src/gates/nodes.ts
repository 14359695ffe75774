// As a type only: else the messages would bring the verdict, and with it all gates, before one of them is there.
import type { KnownSlice } from '../rollout-messages.ts';
import { familyOf, type Slice, sliceKey, sum } from '@sluice/domain-cohorts';

/** How far devices are put together, widest first. */
export const levels = ['all', 'family', 'model', 'slice'] as const;
export type Level = (typeof levels)[number];

/** Devices that are looked at together. Those with the same devices on several levels are one node: its weights are added. */
export interface Node {
  readonly level: Level;
  /** The family, the model, or model and base; empty for all. */
  readonly of: string;
  /** Keys of its slices, in order. */
  readonly slices: readonly string[];
  readonly weight: number;
}

/** The chance that a rollout in which nothing is wrong is ever halted, over all its tests and slices. */
export const ALPHA = 0.001;

const POOLED = 0.5;
const BY_SLICE = 0.5;
/** Of each half, for what appears only later. */
const RESERVE = 0.1;
const pooledLevels = ['all', 'family', 'model'] as const;
/** The part of all devices together; where they are also one family or one model, they have more. */
export const ALL_DEVICES_WEIGHT = POOLED / pooledLevels.length;

/**
 * The nodes of a rollout with their parts of its α, which come to 1 at most and are fixed at its start (design §3.4): half for
 * devices together (all, by family, by model, alike), half for slices by the root of their known devices; the j-th slice
 * that appears later gets 1/(j(j+1)) of what was kept.
 */
export function nodesOf(known: readonly KnownSlice[], later: readonly Slice[]): Node[] {
  const nodes = new Map<string, { -readonly [Key in keyof Node]: Node[Key] }>();
  const add = (level: Level, of: string, slices: readonly string[], weight: number) => {
    // A pool that has all devices of a slice or of a wider pool is that one.
    const key = [...slices].sort().join();
    const node = nodes.get(key);
    if (node === undefined) nodes.set(key, { level, of, slices, weight });
    else Object.assign(node, { level, of, weight: node.weight + weight });
  };
  const grouped = (level: Level, slices: readonly Slice[]) => {
    const groups = new Map<string, string[]>();
    for (const slice of slices)
      groups.set(nameAt(level, slice), [...(groups.get(nameAt(level, slice)) ?? []), sliceKey(slice)]);
    return groups;
  };
  const all = [...known, ...later];
  // Where nobody was known at the start, everybody comes later.
  const kept = known.length === 0 ? 1 : RESERVE;
  for (const level of pooledLevels) {
    const [atStart, now] = [grouped(level, known), grouped(level, all)];
    const newNames = [...now.keys()].filter((of) => !atStart.has(of));
    for (const [of, slices] of now) {
      const isKnown = atStart.has(of);
      const share = isKnown ? (1 - kept) / atStart.size : kept * shareOfLater(newNames.indexOf(of));
      // There is one of all devices, whoever comes later.
      add(level, of, slices, (POOLED / pooledLevels.length) * (level === 'all' ? 1 : share));
    }
  }
  const roots = sum(known.map(({ devices }) => Math.sqrt(devices)));
  for (const slice of known) {
    const share = roots === 0 ? 1 / known.length : Math.sqrt(slice.devices) / roots;
    add('slice', nameAt('slice', slice), [sliceKey(slice)], BY_SLICE * (1 - kept) * share);
  }
  later.forEach((slice, index) =>
    add('slice', nameAt('slice', slice), [sliceKey(slice)], BY_SLICE * kept * shareOfLater(index)),
  );
  return [...nodes.values()];
}

interface Appeared {
  readonly slice: Slice;
  readonly key: string;
}

/** What is known of a rollout stays the same from look to look, and slices appear rarely. */
const nodesKept = new WeakMap<readonly KnownSlice[], { readonly keys: readonly string[]; readonly nodes: Node[] }>();

/** The nodes of a rollout by its slices that were known at the start, and all that appeared by now, in that order. */
export function nodesAmong(known: readonly KnownSlice[], appeared: readonly Appeared[]): readonly Node[] {
  const before = nodesKept.get(known);
  const isSame =
    before?.keys.length === appeared.length && before.keys.every((key, index) => key === appeared[index]?.key);
  if (before !== undefined && isSame) return before.nodes;
  const knownKeys = new Set(known.map(sliceKey));
  const later = appeared.filter(({ key }) => !knownKeys.has(key)).map(({ slice }) => slice);
  const nodes = nodesOf(known, later);
  nodesKept.set(known, { keys: appeared.map(({ key }) => key), nodes });
  return nodes;
}

/** Of what is kept: 1/2, 1/6, 1/12, … */
function shareOfLater(index: number): number {
  return 1 / ((index + 1) * (index + 2));
}

function nameAt(level: Level, { model, base }: Slice): string {
  switch (level) {
    case 'all':
      return '';
    case 'family':
      return familyOf(model);
    case 'model':
      return model;
    case 'slice':
      return `${model} (${base})`;
  }
}
