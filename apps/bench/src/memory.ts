import { execFile, execFileSync } from 'node:child_process';
import { hash } from 'node:crypto';
import { promisify } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { FactPacker, type FactKind, FleetShard, type NewFact, readPackedFacts, summarize } from '@sluice/domain-fleet';
import { BASE_BUILD, MODELS, PATCHED_BUILD } from './examples.ts';
import { coreSeconds, type Figure, inWords } from './figure.ts';

/** Makes this program fold a fleet, say what that took, and end: in a process of its own, nothing else is in memory. */
export const MEMORY_FLAG = '--memory-of';

const SHARDS = 8;
const FACTS_PER_COMMIT = 8000;
/** So many devices come first, so that code and buffers are there before the first measurement. */
const WARM_UP_DEVICES = 20_000;
/** 10 million devices in 1 GiB. */
const TARGET_BYTES = 2 ** 30 / 10_000_000;
/** The key of a device alone takes so many: less was not measured, whatever a figure says. */
const BYTES_MIN = 16;
const BYTES_MAX = 2000;
const RING_COUNT = 8;
const NEXT_BUILD = `${PATCHED_BUILD}c`;
const START_MS = Date.parse('2026-11-24T08:00:00Z');
const HOUR_MS = 3_600_000;

interface Measured {
  readonly facts: number;
  /** Resident memory of the process as `ps` has it, before the first device and after the last. */
  readonly bytesBefore: number;
  readonly bytesAfter: number;
  readonly foldSeconds: number;
}

/** What a device with two patches takes of the resident memory, and how long its fold takes. Throws when that is no sane figure. */
export async function measureMemory(devices: number): Promise<Figure[]> {
  const program = process.argv[1] ?? '';
  const { stdout } = await promisify(execFile)(process.execPath, [program, MEMORY_FLAG, String(devices)]);
  const { facts, bytesBefore, bytesAfter, foldSeconds } = JSON.parse(stdout) as Measured;
  const perDevice = (bytesAfter - bytesBefore) / devices;
  if (!(perDevice > BYTES_MIN && perDevice < BYTES_MAX))
    throw new Error(
      `${String(perDevice)} bytes a device cannot be: ${String(bytesBefore)} to ${String(bytesAfter)} bytes`,
    );
  return [
    {
      what: 'resident memory per device with two patches',
      value: perDevice,
      unit: 'bytes',
      target: TARGET_BYTES,
      beside: `${inWords(devices)} devices; the process has ${inWords(bytesAfter / 2 ** 20)} MiB, ${inWords(bytesBefore / 2 ** 20)} without them`,
      limitedBy:
        'records of 40 bytes a device and 16 a patch, its id, the table of keys; the ids of recent reports come beside it',
    },
    {
      what: 'fold of their facts, one core',
      value: facts / foldSeconds,
      unit: 'perSecond',
      beside: `${inWords(facts)} facts in ${inWords(foldSeconds)} s`,
      limitedBy: 'memory latency: each fact meets another device',
    },
  ];
}

/** Folds the fleet, prints what was measured as JSON. Throws when the fleet is not what was folded. */
export function foldInProcess(devices: number): void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  foldFleet(WARM_UP_DEVICES);
  collect();
  const bytesBefore = residentBytes();
  const { shards, facts, foldSeconds } = foldFleet(devices);
  collect();
  const bytesAfter = residentBytes();
  const { devices: known, patches } = summarize(shards);
  const [first, second] = [patches['a']?.replaced, patches['c']?.installed];
  if (known !== devices || first !== devices || second !== devices)
    throw new Error(
      `of ${String(devices)} devices ${String(known)} are known, ${String(first)} had (a), ${String(second)} have (c)`,
    );
  const measured: Measured = { facts, bytesBefore, bytesAfter, foldSeconds };
  process.stdout.write(JSON.stringify(measured));
}

const life: readonly { readonly kind: FactKind; readonly osBuild: string; readonly patchId?: string }[] = [
  { kind: 'DeviceObserved', osBuild: BASE_BUILD },
  { kind: 'InstallStarted', osBuild: BASE_BUILD, patchId: 'a' },
  { kind: 'PatchInstalled', osBuild: PATCHED_BUILD, patchId: 'a' },
  { kind: 'InstallStarted', osBuild: PATCHED_BUILD, patchId: 'c' },
  { kind: 'PatchInstalled', osBuild: NEXT_BUILD, patchId: 'c' },
];

/** A fleet whose devices all installed (a), then (c). Facts are made commit by commit, and none is kept. */
function foldFleet(devices: number): { shards: FleetShard[]; facts: number; foldSeconds: number } {
  const shards = Array.from({ length: SHARDS }, notedShard);
  const packers = shards.map(() => new FactPacker());
  let [facts, foldSeconds] = [0, 0];
  const foldOne = (shard: number) => {
    const { bytes, count } = packers[shard]?.finish() ?? { bytes: new Uint8Array(), count: 0 };
    facts += count;
    foldSeconds += coreSeconds(() => shards[shard]?.apply(readPackedFacts(bytes)));
  };
  for (const lap of life.keys()) {
    for (let index = 0; index < devices; index += 1) {
      const deviceId = `device-${String(index).padStart(8, '0')}`;
      const key = hash('sha256', deviceId, 'binary');
      const shard = key.charCodeAt(3) % SHARDS;
      packers[shard]?.add(factOf({ deviceId, key }, index, lap));
      if (packers[shard]?.count === FACTS_PER_COMMIT) foldOne(shard);
    }
    for (const shard of shards.keys()) foldOne(shard);
  }
  return { shards, facts, foldSeconds };
}

function notedShard(): FleetShard {
  const shard = new FleetShard();
  for (const [patchId, build] of [
    ['a', PATCHED_BUILD],
    ['c', NEXT_BUILD],
  ] as const) {
    const source = { stream: `patch-${patchId}`, revision: 0, index: 0 };
    const builds = [{ build, prerequisiteBuild: BASE_BUILD }];
    shard.note({ type: 'ShardNoted', about: 'builds', patchId, platform: 'ios', builds, source });
  }
  return shard;
}

function factOf({ deviceId, key }: { deviceId: string; key: string }, index: number, lap: number): NewFact {
  const { kind, osBuild, patchId } = life[lap] ?? { kind: 'DeviceObserved', osBuild: BASE_BUILD };
  const receivedAt = START_MS + lap * HOUR_MS + index;
  return {
    kind,
    deviceHash: key,
    // No fold looks at it here.
    reportHash: key,
    content: 0,
    deviceId: lap === 0 ? deviceId : undefined,
    occurredAt: receivedAt - 1500,
    receivedAt,
    clockAhead: false,
    said: {
      platform: 'ios',
      model: MODELS[index % MODELS.length] ?? '',
      osVersion: '26.3.1',
      osBuild,
      track: 'automatic',
      ring: `ring-${String(index % RING_COUNT)}`,
      ...(patchId !== undefined && { patchId }),
    },
  };
}

function residentBytes(): number {
  const kib = Number(execFileSync('ps', ['-o', 'rss=', '-p', String(process.pid)], { encoding: 'utf8' }).trim());
  if (!Number.isSafeInteger(kib) || kib <= 0) throw new Error('ps did not say how much memory the process has');
  return kib * 1024;
}
