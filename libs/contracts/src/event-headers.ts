import Type from 'typebox';
import { PROGRESS_TYPE } from './event-types.ts';
import { Time } from './primitives.ts';

/** The headers of a record in Kafka (CloudEvents 1.0, binary mode), for the reference and the AsyncAPI documents. */

const Whole = { pattern: '^(0|[1-9][0-9]{0,14})$' };

export const EventHeaders = Type.Object({
  'content-type': Type.Literal('application/json'),
  ce_specversion: Type.Literal('1.0'),
  ce_id: Type.String({
    description: 'Stream, revision and index: the same event has the same id, however often it comes.',
  }),
  ce_source: Type.String({ description: 'The service that owns the event.' }),
  ce_type: Type.String({ description: 'Topic, event type and version.' }),
  ce_time: Type.String({ ...Time, description: 'When the commit was recorded.' }),
  ce_subject: Type.String({ description: 'The stream that the event comes from.' }),
  ce_dataschema: Type.String({ description: 'The `$id` of the JSON Schema of the data.' }),
  ce_streamrevision: Type.String({ ...Whole, description: 'The revision of the commit in its stream, from 0.' }),
  ce_streamindex: Type.String({ ...Whole, description: 'Which event of its commit this is, from 0.' }),
  ce_previous: Type.Optional(
    Type.String({
      pattern: '^(0|[1-9][0-9]{0,14})\\.(0|[1-9][0-9]{0,14})$',
      description: 'Revision and index of the public event before this one in its stream; absent for the first.',
    }),
  ),
  ce_commitid: Type.Optional(
    Type.String({ description: 'The id of the commit: the same place with another one is another past.' }),
  ),
  ce_storeposition: Type.String({ pattern: '^[0-9]{1,40}$', description: "Where the commit is in its owner's store." }),
  ce_actor: Type.String({ description: 'Who or what caused the event.' }),
  ce_correlationid: Type.String({ description: 'The same for all that came of one request.' }),
  ce_causationid: Type.Optional(
    Type.String({ description: 'The event that caused this one, as stream and revision.' }),
  ),
  ce_traceparent: Type.Optional(Type.String({ description: 'W3C trace context, where there is one.' })),
  ce_relayepoch: Type.Optional(
    Type.String({ ...Whole, description: 'Which relay wrote the record; only for finding faults.' }),
  ),
});

export const ProgressHeaders = Type.Object({
  'content-type': Type.Literal('application/json'),
  ce_specversion: Type.Literal('1.0'),
  ce_id: Type.String(),
  ce_source: EventHeaders.properties.ce_source,
  ce_type: Type.Literal(PROGRESS_TYPE),
  ce_behind: Type.Optional(
    Type.String({ description: "There while the relay has not read all of its owner's store: no sign of life." }),
  ),
  ce_relayepoch: EventHeaders.properties.ce_relayepoch,
});

export const ProgressData = Type.Object({
  position: Type.String({
    pattern: '^[0-9]{1,40}$',
    description: "All events of this partition up to this position of the owner's store come before this record.",
  }),
});
