import anyMessages from 'google-protobuf/google/protobuf/any_pb.js';
import emptyMessages from 'google-protobuf/google/protobuf/empty_pb.js';
import sharedMessages from '@eventstore/db-client/generated/shared_pb.js';
import statusMessages from '@eventstore/db-client/generated/status_pb.js';
import streamMessages from '@eventstore/db-client/generated/streams_pb.js';
import {
  type AppendReq,
  type AppendResp,
  type BatchAppendReq,
  type BatchAppendResp,
} from '@eventstore/db-client/generated/streams_pb.js';
import {
  APPEND_BYTES_MAX,
  type ExpectedVersion,
  NO_STREAM,
  type ProposedEvent,
  type WriteOutcome,
} from './eventstoredb-double-log.ts';
import { emptyMessage, expectedOf, identifierOf, streamNameOf } from './eventstoredb-double-messages.ts';

/** An append that comes in parts over a batch-append call. */
export interface BatchWrite {
  readonly stream: string;
  readonly expected: ExpectedVersion;
  readonly proposed: ProposedEvent[];
}

export function batchWriteOf(request: BatchAppendReq): BatchWrite {
  const options = request.getOptions();
  return {
    stream: streamNameOf(options?.getStreamIdentifier()),
    expected: options === undefined ? 'any' : expectedOf(options, options.getStreamPosition()),
    proposed: [],
  };
}

/** The answer to an append that was written, or that found the stream elsewhere. */
export function appendAnswer(
  outcome: Extract<WriteOutcome, { kind: 'written' | 'wrong-version' }>,
  options: AppendReq.Options,
): AppendResp {
  const { AppendResp: Response } = streamMessages;
  if (outcome.kind === 'written') {
    const position = new Response.Position()
      .setCommitPosition(String(outcome.position))
      .setPreparePosition(String(outcome.position));
    return new Response().setSuccess(
      new Response.Success().setCurrentRevision(String(outcome.revision)).setPosition(position),
    );
  }
  const wrong = new Response.WrongExpectedVersion();
  if (outcome.current === NO_STREAM) wrong.setCurrentNoStream(emptyMessage());
  else wrong.setCurrentRevision(String(outcome.current));
  if (options.hasAny()) wrong.setExpectedAny(emptyMessage());
  else if (options.hasNoStream()) wrong.setExpectedNoStream(emptyMessage());
  else if (options.hasStreamExists()) wrong.setExpectedStreamExists(emptyMessage());
  else wrong.setExpectedRevision(options.getRevision());
  return new Response().setWrongExpectedVersion(wrong);
}

export function batchAnswer(outcome: WriteOutcome, write: BatchWrite, request: BatchAppendReq): BatchAppendResp {
  const { BatchAppendResp: Response } = streamMessages;
  const answer = new Response()
    .setCorrelationId(request.getCorrelationId())
    .setStreamIdentifier(identifierOf(write.stream));
  if (outcome.kind !== 'written') return answer.setError(batchError(outcome, write));
  const position = String(outcome.position);
  return answer.setSuccess(
    new Response.Success()
      .setCurrentRevision(String(outcome.revision))
      .setPosition(new sharedMessages.AllStreamPosition().setCommitPosition(position).setPreparePosition(position)),
  );
}

function batchError(outcome: Exclude<WriteOutcome, { kind: 'written' }>, { stream, expected }: BatchWrite) {
  const { MaximumAppendSizeExceeded, StreamDeleted } = sharedMessages;
  switch (outcome.kind) {
    case 'deleted':
      return errorWith('StreamDeleted', new StreamDeleted().setStreamIdentifier(identifierOf(stream)));
    case 'too-large':
      return errorWith('MaximumAppendSizeExceeded', new MaximumAppendSizeExceeded().setMaxappendsize(APPEND_BYTES_MAX));
    case 'wrong-version':
      return errorWith('WrongExpectedVersion', wrongVersion(outcome.current, expected));
  }
}

function wrongVersion(current: number, expected: ExpectedVersion) {
  const wrong = new sharedMessages.WrongExpectedVersion();
  const nothing = new emptyMessages.Empty();
  if (current === NO_STREAM) wrong.setCurrentNoStream(nothing);
  else wrong.setCurrentStreamRevision(String(current));
  if (expected === 'any') return wrong.setExpectedAny(nothing);
  if (expected === 'no-stream') return wrong.setExpectedNoStream(nothing);
  return expected === 'stream-exists'
    ? wrong.setExpectedStreamExists(nothing)
    : wrong.setExpectedStreamPosition(String(expected));
}

function errorWith(name: string, details: { serializeBinary(): Uint8Array }) {
  const any = new anyMessages.Any();
  any.pack(details.serializeBinary(), `event_store.client.${name}`);
  return new statusMessages.Status().setMessage(name).setDetails(any);
}
