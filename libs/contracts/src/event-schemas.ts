import { eventMeanings } from './event-meanings.ts';
import { eventTypes } from './event-types.ts';
import { type PublicEvent, topics } from './events.ts';

const DIALECT = 'https://json-schema.org/draft/2020-12/schema';

/** The JSON Schema of the current version of each event type, by name and version: `PatchPulled.v1`. */
export function eventSchemas(): ReadonlyMap<string, object> {
  const entries = Object.values(topics).flatMap(({ events }) =>
    events.map((schema) => {
      const type: PublicEvent['type'] = schema.properties.type.const;
      const { version, schemaId } = eventTypes.current.get(type) ?? missing(type);
      const { $id: _name, ...shape } = toPlainJson(schema);
      const description = eventMeanings[type];
      return [
        `${type}.v${String(version)}`,
        { $schema: DIALECT, $id: schemaId, title: type, description, ...shape },
      ] as const;
    }),
  );
  return new Map(entries);
}

/** A schema without what the schema library keeps beside the JSON. */
export function toPlainJson(schema: object): Readonly<Record<string, unknown>> {
  return JSON.parse(JSON.stringify(schema)) as Record<string, unknown>;
}

function missing(type: string): never {
  throw new Error(`${type} is in no list of event types`);
}
