import { topics } from './events.ts';
import { type Topic } from './topic-owners.ts';
import { currentVersion, type Upcasters, upcasters } from './upcasters.ts';

/** One version of one event type, and how it is called outside of the code. */
export interface EventType {
  readonly type: string;
  readonly version: number;
  readonly topic: Topic;
  readonly service: string;
  /** The CloudEvents type: `sluice.catalog.PatchPulled.v1`. */
  readonly eventType: string;
  /** The CloudEvents source: `/sluice/catalog`. */
  readonly source: string;
  /** The `$id` of the JSON Schema, as CloudEvents wants it an absolute URI: `urn:sluice:schema:PatchPulled.v1`. */
  readonly schemaId: string;
}

export interface EventTypes {
  /** The current version of each type, by the type as the data has it. */
  readonly current: ReadonlyMap<string, EventType>;
  /** Every version of each type, by the CloudEvents type. */
  readonly all: ReadonlyMap<string, EventType>;
  readonly upcasters: Upcasters;
}

/** The CloudEvents type of the records that only tell how far a partition has come. */
export const PROGRESS_TYPE = 'sluice.progress.v1';
const SCHEMA_ID_START = 'urn:sluice:schema:';

/** All event types in all their versions. Another table of upcasters than the real one is for tests. */
export function listEventTypes(table: Upcasters = upcasters): EventTypes {
  const [current, all] = [new Map<string, EventType>(), new Map<string, EventType>()];
  for (const topic of Object.keys(topics) as Topic[]) {
    for (const { properties } of topics[topic].events) {
      const type = properties.type.const;
      for (let version = 1; version <= currentVersion(type, table); version += 1) {
        const described = describeType(topic, type, version);
        all.set(described.eventType, described);
        current.set(type, described);
      }
    }
  }
  return { current, all, upcasters: table };
}

export const eventTypes = listEventTypes();

function describeType(topic: Topic, type: string, version: number): EventType {
  const { service } = topics[topic];
  const name = `${type}.v${String(version)}`;
  return {
    type,
    version,
    topic,
    service,
    eventType: `sluice.${topic}.${name}`,
    source: sourceOf(service),
    schemaId: `${SCHEMA_ID_START}${name}`,
  };
}

/** The CloudEvents source of a service. */
export function sourceOf(service: string): string {
  return `/sluice/${service}`;
}
