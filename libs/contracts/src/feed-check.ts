import { compileLater } from './compile-later.ts';
import { type PublicEvent, topics } from './events.ts';
import { faultText } from './pattern-words.ts';

const validators = new Map(
  Object.values(topics).flatMap(({ events }) =>
    events.map((schema) => [schema.properties.type.const as string, compileLater(schema)] as const),
  ),
);

/** The event, when its data is as the contract says; else a text that names the first fault. */
export function checkPublicEvent(data: unknown): { readonly event: PublicEvent } | { readonly fault: string } {
  const type = typeof data === 'object' && data !== null && 'type' in data ? String(data.type) : '';
  const validator = validators.get(type);
  if (validator === undefined) return { fault: `no event is called ${JSON.stringify(type)}` };
  if (validator.Check(data)) return { event: data };
  const first = validator.Errors(data)[0];
  return {
    fault: `${type}${first?.instancePath ?? ''} ${first === undefined ? 'is not as the contract says' : faultText(first)}`,
  };
}
