import { Metadata, type ServiceError, status } from '@grpc/grpc-js';
import sharedMessages from '@eventstore/db-client/generated/shared_pb.js';
import streamMessages from '@eventstore/db-client/generated/streams_pb.js';
import { type ReadReq, type ReadResp } from '@eventstore/db-client/generated/streams_pb.js';
import { type UUID } from '@eventstore/db-client/generated/shared_pb.js';
import { type ExpectedVersion, type LoggedEvent, type ProposedEvent } from './eventstoredb-double-log.ts';

const { Empty, StreamIdentifier, UUID: Uuid } = sharedMessages;
const { ReadResp: Response } = streamMessages;
const TICKS_PER_MS = 10_000n;

/** An error as the server sends it: what the client goes by is in the trailers. */
export function serverError(
  code: status,
  details: string,
  trailers: Readonly<Record<string, string>> = {},
): ServiceError {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(trailers)) metadata.set(name, value);
  return Object.assign(new Error(details), { code, details, metadata });
}

export const serverErrors = {
  notLeader: ({ host, port }: { host: string; port: number }) =>
    serverError(status.NOT_FOUND, 'Leader info available', {
      exception: 'not-leader',
      'leader-endpoint-host': host,
      'leader-endpoint-port': String(port),
    }),
  tooBusy: () => serverError(status.UNAVAILABLE, 'Server Is Too Busy'),
  timedOut: () => serverError(status.ABORTED, 'Operation timed out: commit'),
  accessDenied: () => serverError(status.PERMISSION_DENIED, 'Access Denied', { exception: 'access-denied' }),
  streamDeleted: (stream: string) =>
    serverError(status.FAILED_PRECONDITION, `Event stream '${stream}' is deleted.`, {
      exception: 'stream-deleted',
      'stream-name': stream,
    }),
  tooLarge: (max: number) =>
    serverError(status.INVALID_ARGUMENT, `Maximum Append Size of ${max} Exceeded.`, {
      exception: 'maximum-append-size-exceeded',
      'maximum-append-size': String(max),
    }),
  shuttingDown: () => serverError(status.UNAVAILABLE, 'Server is shutting down'),
};

interface ProposedMessage {
  getId(): UUID | undefined;
  getMetadataMap(): { get(name: string): string | undefined };
  getData_asU8(): Uint8Array;
  getCustomMetadata_asU8(): Uint8Array;
}

export function proposedOf(message: ProposedMessage): ProposedEvent {
  const map = message.getMetadataMap();
  return {
    id: message.getId()?.getString() ?? '',
    type: map.get('type') ?? '',
    contentType: map.get('content-type') ?? '',
    data: message.getData_asU8(),
    metadata: message.getCustomMetadata_asU8(),
  };
}

interface ExpectingOptions {
  hasAny(): boolean;
  hasNoStream(): boolean;
  hasStreamExists(): boolean;
}

export function expectedOf(options: ExpectingOptions, revision: string): ExpectedVersion {
  if (options.hasAny()) return 'any';
  if (options.hasNoStream()) return 'no-stream';
  return options.hasStreamExists() ? 'stream-exists' : Number(revision);
}

export function streamNameOf(identifier: { getStreamName_asU8(): Uint8Array } | undefined): string {
  return Buffer.from(identifier?.getStreamName_asU8() ?? []).toString();
}

export function identifierOf(stream: string) {
  return new StreamIdentifier().setStreamName(new TextEncoder().encode(stream));
}

/** Which events a read or a subscription wants. */
export function wantedBy(options: ReadReq.Options): (event: LoggedEvent) => boolean {
  const filter = options.getFilter();
  if (filter === undefined) return () => true;
  const byType = filter.getEventType();
  const expression = byType ?? filter.getStreamIdentifier();
  const [regex, prefixes] = [expression?.getRegex() ?? '', expression?.getPrefixList() ?? []];
  const pattern = regex === '' ? undefined : new RegExp(regex, 'u');
  return ({ type, stream }) => {
    const text = byType === undefined ? stream : type;
    return pattern?.test(text) ?? prefixes.some((prefix) => text.startsWith(prefix));
  };
}

export function eventMessage(event: LoggedEvent): ReadResp {
  const position = String(event.position);
  const recorded = new Response.ReadEvent.RecordedEvent()
    .setId(new Uuid().setString(event.id))
    .setStreamIdentifier(identifierOf(event.stream))
    .setStreamRevision(String(event.revision))
    .setPreparePosition(position)
    .setCommitPosition(position)
    .setData(event.data)
    .setCustomMetadata(event.metadata);
  const map = recorded.getMetadataMap();
  map.set('type', event.type);
  map.set('content-type', event.contentType);
  map.set('created', String(BigInt(event.createdMs) * TICKS_PER_MS));
  return new Response().setEvent(new Response.ReadEvent().setEvent(recorded).setCommitPosition(position));
}

export function checkpointMessage(position: bigint): ReadResp {
  const text = String(position);
  return new Response().setCheckpoint(new Response.Checkpoint().setCommitPosition(text).setPreparePosition(text));
}

export function confirmationMessage(): ReadResp {
  return new Response().setConfirmation(new Response.SubscriptionConfirmation().setSubscriptionId(crypto.randomUUID()));
}

export function caughtUpMessage(): ReadResp {
  return new Response().setCaughtUp(new Response.CaughtUp());
}

export function streamNotFoundMessage(stream: string): ReadResp {
  return new Response().setStreamNotFound(new Response.StreamNotFound().setStreamIdentifier(identifierOf(stream)));
}

export function emptyMessage() {
  return new Empty();
}
