import { type FleetEvent, topics } from '@sluice/contracts/events';
import { unpackFacts } from '@sluice/domain-fleet';
import { type Publication, publishAsIs } from '@sluice/event-feed';
import { type Commit } from '@sluice/event-sourcing';
import { type DeviceNaming } from '@sluice/platform';
import { deviceNames } from './shard/device-names.ts';

/** The streams of facts, one a shard, and of health buckets, one a shard. */
export const FLEET_STREAMS = topics.fleet.streams;
export const HEALTH_STREAMS = topics.health.streams;

export function fleetStream(shard: number): string {
  return `${FLEET_STREAMS[0]}${String(shard)}`;
}

/** The shard whose facts the stream holds, undefined when it holds none. */
export function shardOfStream(stream: string): number | undefined {
  const [prefix] = FLEET_STREAMS;
  const shard = stream.startsWith(prefix) ? Number(stream.slice(prefix.length)) : Number.NaN;
  return Number.isSafeInteger(shard) && fleetStream(shard) === stream ? shard : undefined;
}

export function healthStream(shard: number): string {
  return `${HEALTH_STREAMS[0]}${String(shard)}`;
}

/** What telemetry tells the world: facts are unpacked on the way out, health buckets have the public shape. */
export function telemetryPublications(names: DeviceNaming = deviceNames): Publication[] {
  return [
    {
      source: topics.fleet.service,
      topic: 'fleet',
      streams: FLEET_STREAMS,
      publish: (commit) => publicFacts(commit, names).map((data, index) => ({ index, data })),
    },
    publishAsIs(topics.health.service, 'health', HEALTH_STREAMS),
  ];
}

function publicFacts({ body }: Commit, names: DeviceNaming): readonly FleetEvent[] {
  return body.kind === 'packed' ? unpackFacts(body.bytes, (words) => names.nameOf(words)) : [];
}
