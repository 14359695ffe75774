import { hash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { FactPacker, type FactKind, FleetShard, type NewFact, readPackedFacts, type Said } from '@sluice/domain-fleet';
import { SqliteEventStore, SqliteReader } from '@sluice/event-store-sqlite';
import { WallClock } from '@sluice/platform';
import { BASE_BUILD, MODELS, PATCH, PATCHED_BUILD } from './examples.ts';
import { coreSeconds, type Figure, inWords, median } from './figure.ts';

export interface ReplaySize {
  readonly devices: number;
  readonly factsPerDevice: number;
  readonly factsPerCommit: number;
  readonly runs: number;
}

const SHARDS = 8;
const REPORT_BYTES = 8;
const APPENDS_AT_ONCE = 64;
/** From one device to the next in a lap: far apart, for devices do not report in the order of their enrolment. */
const STRIDE = 7919;
const TARGET_PER_SECOND = 2_000_000;
const BEYOND_PER_SECOND = 4_000_000;

/** Facts a second that one core folds from the embedded store. */
export async function measureReplay(folder: string, size: ReplaySize): Promise<Figure[]> {
  const path = join(folder, 'replay.db');
  const facts = await writeFacts(path, size);
  const rates: number[] = [];
  const readingRates: number[] = [];
  for (let run = 0; run < size.runs; run += 1) {
    readingRates.push(facts / coreSeconds(() => countFacts(path)));
    rates.push(facts / coreSeconds(() => foldAll(path)));
  }
  const rate = median(rates);
  const reading = median(readingRates);
  return [
    {
      what: 'replay of fleet facts, one core',
      value: rate,
      unit: 'perSecond',
      target: TARGET_PER_SECOND,
      beyond: BEYOND_PER_SECOND,
      beside: `reading and decompressing alone: ${inWords(reading)}/s`,
      limitedBy: `store ${inWords((rate / reading) * 100)} % of the time; the rest is decoding, and memory latency: each fact meets another device`,
    },
  ];
}

/** Writes the life of a fleet as telemetry would, in commits of one shard each. Returns the number of facts. */
async function writeFacts(path: string, { devices, factsPerDevice, factsPerCommit }: ReplaySize): Promise<number> {
  const store = await SqliteEventStore.open({ path, clock: new WallClock() });
  const keys = keysByShard(devices);
  let appends: Promise<unknown>[] = [];
  let [facts, commits] = [0, 0];
  try {
    for (const { shard, bytes, count } of packLaps(keys, factsPerDevice, factsPerCommit)) {
      facts += count;
      commits += 1;
      const [stream, commitId] = [`fleet-${String(shard)}`, String(commits)];
      const metadata = { actor: 'bench', correlationId: commitId };
      const body = { kind: 'packed', bytes, count } as const;
      appends.push(store.append({ stream, expected: 'any', commitId, metadata, body }));
      if (appends.length < APPENDS_AT_ONCE) continue;
      await Promise.all(appends);
      appends = [];
    }
    await Promise.all(appends);
  } finally {
    await store.close();
  }
  return facts;
}

interface DeviceKey {
  readonly deviceId: string;
  readonly key: string;
}

function keysByShard(devices: number): DeviceKey[][] {
  const shards = Array.from({ length: SHARDS }, (): DeviceKey[] => []);
  for (let index = 0; index < devices; index += 1) {
    const deviceId = `device-${String(index)}`;
    const key = hash('sha256', deviceId, 'binary');
    // The number of shards is a power of two, so the last of the first four bytes decides.
    shards[key.charCodeAt(3) % SHARDS]?.push({ deviceId, key });
  }
  return shards;
}

/** All devices report once a lap; the commits of the shards take turns. */
function* packLaps(keys: readonly DeviceKey[][], laps: number, factsPerCommit: number) {
  const packers = keys.map(() => new FactPacker());
  const longest = Math.max(...keys.map(({ length }) => length));
  for (let lap = 0; lap < laps; lap += 1) {
    for (let turn = 0; turn < longest; turn += 1) {
      for (const [shard, packer] of packers.entries()) {
        const ofShard = keys[shard] ?? [];
        const device = ofShard[lap === 0 ? turn : (turn * STRIDE + lap) % ofShard.length];
        if (device === undefined || turn >= ofShard.length) continue;
        packer.add(factOf(device, turn, lap));
        if (packer.count === factsPerCommit) yield { shard, ...packer.finish() };
      }
    }
  }
  for (const [shard, packer] of packers.entries()) if (packer.count > 0) yield { shard, ...packer.finish() };
}

const START_MS = Date.parse('2026-11-24T08:00:00Z');
const HOUR_MS = 3_600_000;
const story: readonly { readonly kind: FactKind; readonly osBuild: string; readonly patchId?: string }[] = [
  { kind: 'DeviceObserved', osBuild: BASE_BUILD },
  { kind: 'InstallStarted', osBuild: BASE_BUILD, patchId: PATCH.patchId },
  { kind: 'PatchInstalled', osBuild: PATCHED_BUILD, patchId: PATCH.patchId },
  { kind: 'DeviceObserved', osBuild: PATCHED_BUILD },
];

function factOf({ deviceId, key }: DeviceKey, turn: number, lap: number): NewFact {
  const { kind, ...happened } = story[lap % story.length] ?? { kind: 'DeviceObserved', osBuild: BASE_BUILD };
  const model = MODELS[turn % MODELS.length] ?? '';
  const said: Said = { platform: 'ios', model, osVersion: '26.3.1', track: 'automatic', ...happened };
  const receivedAt = START_MS + lap * HOUR_MS + turn;
  return {
    kind,
    deviceHash: key,
    reportHash: randomBytes(REPORT_BYTES).toString('binary'),
    deviceId: lap === 0 ? deviceId : undefined,
    occurredAt: receivedAt - 1500,
    receivedAt,
    content: 0,
    clockAhead: false,
    said,
  };
}

function foldAll(path: string): FleetShard[] {
  const shards = new Map<string, FleetShard>();
  const reader = SqliteReader.open(path);
  try {
    for (const { stream, body } of reader.iterateAll({ prefixes: ['fleet-'] })) {
      const shard = shards.get(stream) ?? new FleetShard();
      shards.set(stream, shard);
      if (body.kind === 'packed') shard.apply(readPackedFacts(body.bytes));
    }
  } finally {
    reader.close();
  }
  return [...shards.values()];
}

/** Reads all commits, and does nothing with them. */
function countFacts(path: string): number {
  const reader = SqliteReader.open(path);
  try {
    let facts = 0;
    for (const { body } of reader.iterateAll({ prefixes: ['fleet-'] }))
      facts += body.kind === 'packed' ? body.count : 0;
    return facts;
  } finally {
    reader.close();
  }
}
