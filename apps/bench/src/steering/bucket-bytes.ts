import { hash } from 'node:crypto';
import { type HealthBucketClosed, MINUTE_MS, sum } from '@sluice/domain-cohorts';
import { type FactKind, type Said } from '@sluice/domain-fleet';
import { toTimeText } from '@sluice/event-sourcing';
import { bucketOf } from '@sluice/service-orchestrator';
import { type Figure, inWords, median } from '../figure.ts';
import { PlayedShard } from '../played-shard.ts';
import { type FleetSize, patchOf, plan, rolloutOf, sliceOf, START_MS } from './made-up-fleet.ts';

export interface BucketSize extends Omit<FleetSize, 'recalls'> {
  /** Of all shards. */
  readonly devices: number;
}

const DAY_MINUTES = 1440;
/** Before the hour that is measured, so that trials of all ages up to their due time are there. */
const HOURS_BEFORE = 6;
const MINUTES_PER_HOUR = 60;
/** Every device installs once in four weeks, and has an incident once in a hundred days; all of them report once a day. */
const INSTALL_DAYS = 28;
const INCIDENT_DAYS = 100;
const INSTALL_MINUTES = 40;
/** Far apart, so that neighbours do nothing at the same minute. */
const STRIDES = { status: 7919, install: 104_729, incident: 15_485_863 };

/**
 * The size of health buckets as JSON. One shard is folded at its real size, and closes a bucket a minute for an hour; a day of all
 * shards is so many times that.
 */
export function measureBuckets(size: BucketSize): Figure[] {
  const { shards, devices } = size;
  const shard = new BucketShard(size);
  const census = shard.enrol();
  for (let minute = 0; minute < HOURS_BEFORE * MINUTES_PER_HOUR; minute += 1) shard.playMinute(minute);
  shard.close(HOURS_BEFORE * MINUTES_PER_HOUR);
  const buckets = Array.from({ length: MINUTES_PER_HOUR }, (_, index) => {
    const minute = HOURS_BEFORE * MINUTES_PER_HOUR + index;
    shard.playMinute(minute);
    return shard.close(minute + 1);
  });
  const bytes = buckets.map(bytesOf);
  const perDay = sum(bytes) * (DAY_MINUTES / MINUTES_PER_HOUR) * shards;
  const rows = buckets.map((bucket) => bucket?.installs.patch.length ?? 0);
  const limitedBy = 'the names of slices and patches, once an event';
  return [
    {
      what: 'health bucket of one shard, a minute, as JSON, median',
      value: median(bytes),
      unit: 'bytes',
      beside: `largest ${inWords(Math.max(...bytes))} bytes; ${inWords(median(rows))} rows of installs; the first one of the shard tells all populations: ${inWords(bytesOf(census))} bytes`,
      limitedBy,
    },
    {
      what: `health buckets of a day, ${inWords(devices)} devices, ${inWords(shards)} shards`,
      value: perDay,
      unit: 'bytes',
      beside: `${inWords(perDay / devices)} bytes a device; ${inWords(shards * DAY_MINUTES)} events`,
      limitedBy,
    },
  ];
}

function bytesOf(bucket: HealthBucketClosed | undefined): number {
  return bucket === undefined ? 0 : Buffer.byteLength(JSON.stringify(bucket));
}

/** One shard of telemetry, whose devices install, report and crash, each at minutes of its own. */
class BucketShard {
  private readonly shard: PlayedShard;
  private readonly devices: number;
  private readonly keys: string[];
  private closedMinute = -DAY_MINUTES;

  constructor(private readonly size: BucketSize) {
    const { rollouts, shards, devices } = size;
    this.shard = new PlayedShard(bucketOf, shards);
    this.devices = Math.round(devices / shards);
    this.keys = Array.from({ length: this.devices }, (_, index) => hash('sha256', nameOf(index), 'binary'));
    for (let rollout = 0; rollout < rollouts; rollout += 1) this.note(rollout);
  }

  /** All devices report on the day before. Returns the bucket that tells of them. */
  enrol(): HealthBucketClosed | undefined {
    for (let device = 0; device < this.devices; device += 1)
      this.report(device, 'DeviceObserved', turnOf(device, STRIDES.status, DAY_MINUTES) - DAY_MINUTES);
    return this.close(0);
  }

  playMinute(minute: number): void {
    for (let device = 0; device < this.devices; device += 1) {
      const installs = turnOf(device, STRIDES.install, INSTALL_DAYS * DAY_MINUTES);
      if (minute % DAY_MINUTES === turnOf(device, STRIDES.status, DAY_MINUTES))
        this.report(device, 'DeviceObserved', minute, minute >= installs + INSTALL_MINUTES);
      if (minute === installs) this.report(device, 'InstallStarted', minute);
      if (minute === installs + INSTALL_MINUTES) this.report(device, 'PatchInstalled', minute, true);
      if (minute === turnOf(device, STRIDES.incident, INCIDENT_DAYS * DAY_MINUTES))
        this.report(device, 'IncidentReported', minute, minute >= installs + INSTALL_MINUTES);
    }
  }

  close(minute: number): HealthBucketClosed | undefined {
    const bucket = this.shard.close({ from: msAt(this.closedMinute), to: msAt(minute) }, minute);
    this.closedMinute = minute;
    return bucket;
  }

  private note(rollout: number): void {
    const patchId = patchOf(rollout);
    const { base: prerequisiteBuild } = sliceOf(rollout, 0);
    this.shard.noteBuilds(patchId, [{ build: `${prerequisiteBuild}a`, prerequisiteBuild }]);
    const waves = plan.waves.map(({ ring, audience }) => ({ ...(ring && { ring }), ...(audience && { audience }) }));
    const startedAt = toTimeText(START_MS);
    this.shard.noteRollout({ rolloutId: rolloutOf(rollout), patchId, salt: patchId, startedAt, waves });
  }

  private report(device: number, kind: FactKind, minute: number, isPatched = false): void {
    const { rollouts, slices } = this.size;
    const rollout = device % rollouts;
    const { base, ...slice } = sliceOf(rollout, Math.floor(device / rollouts) % slices);
    const osBuild = isPatched ? `${base}a` : base;
    const isOfPatch = kind === 'InstallStarted' || kind === 'PatchInstalled';
    const said: Said = {
      ...{ ...slice, osVersion: '26.3.1', osBuild, track: 'automatic' },
      ...(isOfPatch && { patchId: patchOf(rollout) }),
      ...(kind === 'IncidentReported' && { signal: 'crash' }),
    };
    const deviceId = minute < 0 ? nameOf(device) : undefined;
    this.shard.report({ kind, deviceHash: this.keys[device] ?? '', deviceId, said }, msAt(minute));
  }
}

function nameOf(device: number): string {
  return `device-${String(device)}`;
}

/** The minute of a device within a span of minutes. */
function turnOf(device: number, stride: number, span: number): number {
  return (device * stride) % span;
}

function msAt(minute: number): number {
  return START_MS + minute * MINUTE_MS;
}
