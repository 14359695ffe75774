import { FactPacker, type NewFact } from './fact-packer.ts';
import { type FactKind, type Said } from './facts.ts';
import { FleetShard } from './fleet-shard.ts';
import { type DeviceView, viewDevice } from './fleet-views.ts';
import { readPackedFacts } from './packed-facts.ts';
import { type BuildsNoted, type RolloutNoted, type PullNoted } from './shard-notes.ts';

export const BASE_BUILD = '23D8133';
export const PATCHED_BUILD = '23D771330a';
/** The build of (c), which replaces (a). */
export const C_BUILD = '23D771332c';
/** A full release that contains the fix. */
export const NEXT_BUILD = '23E200';
export const NOON = Date.parse('2026-11-24T12:00:00Z');
export const MINUTE = 60_000;

/** A fact in few words: what is not given is as for a phone on its base build that reports at noon. */
export interface FactSketch {
  readonly kind?: FactKind;
  readonly device?: string;
  readonly report?: string;
  readonly content?: number;
  readonly occurredAt?: number;
  readonly receivedAt?: number;
  readonly clockAhead?: boolean;
  readonly withId?: boolean;
  readonly said?: Partial<Said>;
}

export function fact({ kind = 'DeviceObserved', device = 'd-1', said = {}, ...rest }: FactSketch = {}): NewFact {
  const occurredAt = rest.occurredAt ?? NOON;
  const observed: Said = {
    platform: 'ios',
    model: 'iPhone18,1',
    osVersion: '26.3.1',
    osBuild: BASE_BUILD,
    track: 'automatic',
    ...said,
  };
  return {
    kind,
    deviceHash: hashOf(device, 16),
    reportHash: hashOf(rest.report ?? `${device} ${kind} ${String(occurredAt)}`, 8),
    content: rest.content ?? 0,
    deviceId: rest.withId === false ? undefined : device,
    occurredAt,
    receivedAt: rest.receivedAt ?? occurredAt,
    clockAhead: rest.clockAhead ?? false,
    said: kind === 'DeviceRetired' ? undefined : observed,
  };
}

export function pack(...facts: readonly FactSketch[]): Uint8Array {
  const packer = new FactPacker();
  for (const each of facts) packer.add(fact(each));
  return packer.finish().bytes;
}

const source = { stream: 'patch-a', revision: 0, index: 0 };

/** A note that a build is that of a patch, on the base of the phones here. */
export function buildNoted(patchId: string, build = PATCHED_BUILD): BuildsNoted {
  const builds = [{ build, prerequisiteBuild: BASE_BUILD }];
  return { type: 'ShardNoted', about: 'builds', patchId, platform: 'ios', builds, source };
}

export function recallNoted(patchId: string, recallEpoch = 1): PullNoted {
  return { type: 'ShardNoted', about: 'pull', patchId, mode: 'recall', recallEpoch, source };
}

/** A note that a rollout of the patch started at noon: a ring first, then phones, then everybody. */
export function rolloutNoted(patchId: string, change: Partial<RolloutNoted> = {}): RolloutNoted {
  const waves = [{ ring: 'beta' }, { audience: { family: ['iPhone'] } }, {}];
  const its = { rolloutId: 'r1', patchId, salt: 'salt', startedAt: new Date(NOON).toISOString(), waves };
  return { type: 'ShardNoted', about: 'rollout', ...its, source: { ...source, stream: 'rollout-r1' }, ...change };
}

/** A shard that knows the builds of (a) and (c), and has folded each fact as a commit of its own. */
export function notedShardOf(...facts: readonly FactSketch[]): FleetShard {
  const shard = new FleetShard();
  shard.note(buildNoted('a'));
  shard.note(buildNoted('c', C_BUILD));
  apply(shard, ...facts);
  return shard;
}

export function apply(shard: FleetShard, ...facts: readonly FactSketch[]): void {
  for (const each of facts) shard.apply(readPackedFacts(pack(each)));
}

/** A shard that has folded each fact as a commit of its own. */
export function shardOf(...facts: readonly FactSketch[]): FleetShard {
  const shard = new FleetShard();
  apply(shard, ...facts);
  return shard;
}

export function view(shard: FleetShard, device = 'd-1'): DeviceView | undefined {
  const found = shard.find(hashOf(device, 16));
  return found === undefined ? undefined : viewDevice(shard, found);
}

// A stand-in for SHA-256, which the domain may not compute: FNV-1a with a counter, as many bytes as wanted.
export function hashOf(text: string, bytes: number): string {
  const codes = Array.from({ length: bytes }, (_, offset) => {
    let hash = 2166136261 ^ offset;
    for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 16777619);
    return (hash ^ (hash >>> 15)) & 0xff;
  });
  return String.fromCharCode(...codes);
}
