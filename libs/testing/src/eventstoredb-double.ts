import { createServer, type AddressInfo, connect, type Server as TcpServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type sendUnaryData,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
} from '@grpc/grpc-js';
import featureMessages from '@eventstore/db-client/generated/serverfeatures_pb.js';
import featureServices from '@eventstore/db-client/generated/serverfeatures_grpc_pb.js';
import gossipMessages from '@eventstore/db-client/generated/gossip_pb.js';
import gossipServices from '@eventstore/db-client/generated/gossip_grpc_pb.js';
import streamMessages from '@eventstore/db-client/generated/streams_pb.js';
import streamServices from '@eventstore/db-client/generated/streams_grpc_pb.js';
import { type ClusterInfo } from '@eventstore/db-client/generated/gossip_pb.js';
import { type Empty } from '@eventstore/db-client/generated/shared_pb.js';
import { type SupportedMethods } from '@eventstore/db-client/generated/serverfeatures_pb.js';
import {
  type AppendReq,
  type AppendResp,
  type BatchAppendReq,
  type BatchAppendResp,
  type DeleteReq,
  type DeleteResp,
  type ReadReq,
  type ReadResp,
  type TombstoneReq,
  type TombstoneResp,
} from '@eventstore/db-client/generated/streams_pb.js';
import { appendAnswer, batchAnswer, type BatchWrite, batchWriteOf } from './eventstoredb-double-appends.ts';
import { APPEND_BYTES_MAX, DoubleLog, type ProposedEvent, type WriteOutcome } from './eventstoredb-double-log.ts';
import {
  emptyMessage,
  eventMessage,
  expectedOf,
  proposedOf,
  serverErrors,
  streamNameOf,
  streamNotFoundMessage,
} from './eventstoredb-double-messages.ts';
import { DoubleSubscription, type Send } from './eventstoredb-double-subscription.ts';

type Call = ServerUnaryCall<never, never> | ServerReadableStream<never, never> | ServerWritableStream<never, never>;
type ReadCall = ServerWritableStream<ReadReq, ReadResp>;

/** What a test does to a node of the double, and what it counts. */
export interface DoubleNode {
  readonly host: string;
  readonly port: number;
  /** For the client; there is no TLS. */
  readonly connectionString: string;
  /** `turnedAway`: connections while it was unreachable. */
  readonly counts: Record<'appends' | 'writes' | 'reads' | 'subscriptions' | 'sent' | 'turnedAway', number>;
  /** Cuts every connection; new ones are taken. */
  dropConnections(): void;
  /** Ends all subscriptions as a server that is being shut down does. */
  dropSubscriptions(): void;
  /** While true, connections are cut and none is taken. */
  setUnreachable(unreachable: boolean): void;
  /** The next writes are kept, but their answers never come: the connection is cut, or all is silent. */
  loseAnswers(count: number, how: 'cut' | 'silent'): void;
  /** The next appends are refused, nothing of them is kept. */
  refuseAppends(count: number, why: 'too-busy' | 'timed-out' | 'access-denied'): void;
  /** Every answer comes so much later. */
  delay(milliseconds: number): void;
}

/**
 * EventStoreDB's protocol on a socket, its truth in memory: what the real server documents and does, as far as its client
 * library calls it for streams. It is there for machines that cannot have the real server.
 */
export class EventStoreDBDouble implements AsyncDisposable {
  readonly log = new DoubleLog();
  readonly leader: DoubleNode;
  private constructor(private readonly nodes: Node[]) {
    const [leader] = nodes;
    if (leader === undefined) throw new Error('a double has a node');
    this.leader = leader;
  }

  static async start(): Promise<EventStoreDBDouble> {
    const node = new Node();
    const double = new EventStoreDBDouble([node]);
    await node.listen(double.log);
    return double;
  }

  /** Another node, which follows: it answers who the leader is to whoever requires one. */
  async startFollower(): Promise<DoubleNode> {
    const node = new Node(this.leader);
    this.nodes.push(node);
    await node.listen(this.log);
    return node;
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

class Node implements DoubleNode {
  readonly host = '127.0.0.1';
  readonly counts = { appends: 0, writes: 0, reads: 0, subscriptions: 0, sent: 0, turnedAway: 0 };
  port = 0;
  private readonly server = new Server({ 'grpc.max_receive_message_length': 17 * 1024 * 1024 });
  private readonly subscriptions = new Map<DoubleSubscription, ReadCall>();
  private readonly sockets = new Set<Socket>();
  private front: TcpServer | undefined;
  private log = new DoubleLog();
  private unreachable = false;
  private lost = { count: 0, how: 'cut' as 'cut' | 'silent' };
  private refused = { count: 0, why: 'too-busy' as Parameters<DoubleNode['refuseAppends']>[1] };
  private delayMs = 0;

  constructor(private readonly leader?: { readonly host: string; readonly port: number }) {}

  get connectionString(): string {
    return `esdb://${this.host}:${this.port}?tls=false`;
  }

  /** gRPC listens behind a plain relay of bytes, so that connections can be cut as a network cuts them. */
  async listen(log: DoubleLog): Promise<void> {
    this.log = log;
    this.server.addService(streamServices.StreamsService, {
      read: (call: ReadCall) => void this.read(call),
      append: (call: ServerReadableStream<AppendReq, AppendResp>, answer: sendUnaryData<AppendResp>) =>
        void this.append(call, answer),
      batchAppend: (call: ServerDuplexStream<BatchAppendReq, BatchAppendResp>) => this.batchAppend(call),
      delete: (call: ServerUnaryCall<DeleteReq, DeleteResp>, answer: sendUnaryData<DeleteResp>) =>
        this.delete(call, answer),
      tombstone: (call: ServerUnaryCall<TombstoneReq, TombstoneResp>, answer: sendUnaryData<TombstoneResp>) =>
        this.tombstone(call, answer),
    });
    this.server.addService(featureServices.ServerFeaturesService, {
      getSupportedMethods: (_: unknown, answer: sendUnaryData<SupportedMethods>) => answer(null, supportedMethods()),
    });
    this.server.addService(gossipServices.GossipService, {
      read: (_: ServerUnaryCall<Empty, ClusterInfo>, answer: sendUnaryData<ClusterInfo>) =>
        answer(null, this.clusterInfo()),
    });
    const behind = await new Promise<number>((resolve, reject) => {
      this.server.bindAsync(`${this.host}:0`, ServerCredentials.createInsecure(), (error, port) => {
        if (error === null) resolve(port);
        else reject(error);
      });
    });
    this.front = createServer((socket) => this.relay(socket, behind));
    const { front } = this;
    await new Promise<void>((resolve) => front.listen(0, this.host, resolve));
    ({ port: this.port } = front.address() as AddressInfo);
  }

  async stop(): Promise<void> {
    this.setUnreachable(true);
    this.server.forceShutdown();
    const { front } = this;
    await new Promise<void>((resolve) => (front === undefined ? resolve() : front.close(() => resolve())));
  }

  dropConnections(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  dropSubscriptions(): void {
    for (const [subscription, call] of this.subscriptions) {
      subscription.end();
      call.emit('error', serverErrors.shuttingDown());
    }
  }

  setUnreachable(unreachable: boolean): void {
    this.unreachable = unreachable;
    if (unreachable) this.dropConnections();
  }

  loseAnswers(count: number, how: 'cut' | 'silent'): void {
    this.lost = { count, how };
  }

  refuseAppends(count: number, why: Parameters<DoubleNode['refuseAppends']>[1]): void {
    this.refused = { count, why };
  }

  delay(milliseconds: number): void {
    this.delayMs = milliseconds;
  }

  private relay(socket: Socket, port: number): void {
    if (this.unreachable) {
      this.counts.turnedAway += 1;
      socket.destroy();
      return;
    }
    const inner = connect(port, this.host);
    // Or small frames wait for the other side's acknowledgement, 40 ms each.
    socket.setNoDelay(true);
    inner.setNoDelay(true);
    for (const [one, other] of [
      [socket, inner],
      [inner, socket],
    ] as const) {
      this.sockets.add(one);
      one.on('error', () => one.destroy());
      one.on('close', () => {
        this.sockets.delete(one);
        other.destroy();
      });
    }
    socket.pipe(inner).pipe(socket);
  }

  private async append(
    call: ServerReadableStream<AppendReq, AppendResp>,
    answer: sendUnaryData<AppendResp>,
  ): Promise<void> {
    this.counts.appends += 1;
    const proposed: ProposedEvent[] = [];
    let options: AppendReq.Options | undefined;
    try {
      for await (const request of call as AsyncIterable<AppendReq>) {
        options ??= request.getOptions();
        const message = request.getProposedMessage();
        if (message !== undefined) proposed.push(proposedOf(message));
      }
    } catch {
      return;
    }
    await sleep(this.delayMs);
    const leader = this.leaderInstead(call);
    const refusal = leader === undefined ? this.refusal() : serverErrors.notLeader(leader);
    if (options === undefined) return;
    if (refusal !== undefined) {
      answer(refusal);
      return;
    }

    const stream = streamNameOf(options.getStreamIdentifier());
    const outcome = this.write(stream, expectedOf(options, options.getRevision()), proposed);
    if (this.answerIsLost()) return;
    if (outcome.kind === 'deleted') answer(serverErrors.streamDeleted(stream));
    else if (outcome.kind === 'too-large') answer(serverErrors.tooLarge(APPEND_BYTES_MAX));
    else answer(null, appendAnswer(outcome, options));
  }

  private batchAppend(call: ServerDuplexStream<BatchAppendReq, BatchAppendResp>): void {
    const writes = new Map<string, BatchWrite>();
    call.on('error', () => call.end());
    call.on('end', () => call.end());
    call.on('data', (request: BatchAppendReq) => {
      const id = request.getCorrelationId()?.getString() ?? '';
      const write = writes.get(id) ?? batchWriteOf(request);
      write.proposed.push(...request.getProposedMessagesList().map(proposedOf));
      writes.set(id, write);
      if (!request.getIsFinal()) return;
      writes.delete(id);
      this.counts.appends += 1;
      void sleep(this.delayMs).then(() => {
        const leader = this.leaderInstead(call);
        if (leader !== undefined) return call.emit('error', serverErrors.notLeader(leader));
        const refusal = this.refusal();
        if (refusal !== undefined) return call.emit('error', refusal);
        const outcome = this.write(write.stream, write.expected, write.proposed);
        return this.answerIsLost() || call.write(batchAnswer(outcome, write, request));
      });
    });
  }

  private write(stream: string, expected: BatchWrite['expected'], proposed: readonly ProposedEvent[]): WriteOutcome {
    const before = this.log.events.length;
    const outcome = this.log.write(stream, expected, proposed);
    if (this.log.events.length > before) this.counts.writes += 1;
    return outcome;
  }

  private delete(call: ServerUnaryCall<DeleteReq, DeleteResp>, answer: sendUnaryData<DeleteResp>): void {
    const options = call.request.getOptions();
    if (options === undefined) return;
    const stream = streamNameOf(options.getStreamIdentifier());
    const outcome = this.log.delete(stream, expectedOf(options, options.getRevision()), false);
    if (outcome.kind === 'deleted') return answer(serverErrors.streamDeleted(stream));
    answer(null, new streamMessages.DeleteResp().setNoPosition(emptyMessage()));
  }

  private tombstone(call: ServerUnaryCall<TombstoneReq, TombstoneResp>, answer: sendUnaryData<TombstoneResp>): void {
    const options = call.request.getOptions();
    if (options === undefined) return;
    const stream = streamNameOf(options.getStreamIdentifier());
    const outcome = this.log.delete(stream, expectedOf(options, options.getRevision()), true);
    if (outcome.kind === 'deleted') return answer(serverErrors.streamDeleted(stream));
    answer(null, new streamMessages.TombstoneResp().setNoPosition(emptyMessage()));
  }

  private async read(call: ReadCall): Promise<void> {
    const options = call.request.getOptions();
    if (options === undefined) return;
    await sleep(this.delayMs);
    const leader = this.leaderInstead(call);
    if (leader !== undefined) return void call.emit('error', serverErrors.notLeader(leader));
    call.on('error', () => undefined);
    if (options.hasSubscription()) return this.subscribe(call, options);
    this.counts.reads += 1;
    const send = this.sender(call);
    const all = options.hasAll();
    const stream = streamNameOf(options.getStream()?.getStreamIdentifier());
    const found = all ? this.log.events : this.log.readable(stream);
    if (found === 'deleted') return void call.emit('error', serverErrors.streamDeleted(stream));
    if (found === undefined) await send(streamNotFoundMessage(stream));
    for (const event of selected(found ?? [], options)) if (!(await send(eventMessage(event)))) return;
    call.end();
  }

  private async subscribe(call: ReadCall, options: ReadReq.Options): Promise<void> {
    this.counts.subscriptions += 1;
    const subscription = new DoubleSubscription(this.log, options, this.sender(call));
    this.subscriptions.set(subscription, call);
    for (const event of ['cancelled', 'close', 'error']) call.on(event, () => subscription.end());
    await subscription.run();
    this.subscriptions.delete(subscription);
  }

  private sender(call: ReadCall): Send {
    let over = false;
    const waiting = new Set<() => void>();
    const release = () => {
      for (const resolve of waiting) resolve();
      waiting.clear();
    };
    for (const event of ['cancelled', 'close', 'error']) {
      call.on(event, () => {
        over = true;
        release();
      });
    }
    call.on('drain', release);
    return async (message) => {
      if (over || call.cancelled) return false;
      this.counts.sent += 1;
      if (!call.write(message)) await new Promise<void>((resolve) => waiting.add(resolve));
      return !over;
    };
  }

  /** The leader, for a call that requires one and came to another node. */
  private leaderInstead(call: Pick<Call, 'metadata'>): { host: string; port: number } | undefined {
    return call.metadata.get('requires-leader')[0] === 'true' ? this.leader : undefined;
  }

  private refusal() {
    if (this.refused.count === 0) return undefined;
    this.refused.count -= 1;
    const { tooBusy, timedOut, accessDenied } = serverErrors;
    return { 'too-busy': tooBusy, 'timed-out': timedOut, 'access-denied': accessDenied }[this.refused.why]();
  }

  private answerIsLost(): boolean {
    if (this.lost.count === 0) return false;
    this.lost.count -= 1;
    if (this.lost.how === 'cut') this.dropConnections();
    return true;
  }

  private clusterInfo(): ClusterInfo {
    const { MemberInfo, EndPoint, ClusterInfo: Info } = gossipMessages;
    const { host, port } = this.leader ?? this;
    return new Info().setMembersList([
      new MemberInfo()
        .setIsAlive(true)
        .setState(MemberInfo.VNodeState.LEADER)
        .setHttpEndPoint(new EndPoint().setAddress(host).setPort(port)),
    ]);
  }
}

/** The events of a read, in its direction and from where it begins. */
function selected<Event extends { readonly revision: number; readonly position: bigint }>(
  events: readonly Event[],
  options: ReadReq.Options,
): readonly Event[] {
  const backwards = options.getReadDirection() === streamMessages.ReadReq.Options.ReadDirection.BACKWARDS;
  const [ofAll, ofStream] = [options.getAll(), options.getStream()];
  const position = ofAll?.getPosition()?.getCommitPosition();
  const revision = ofStream?.hasRevision() === true ? Number(ofStream.getRevision()) : undefined;
  const fits = (event: Event) => {
    // Of $all, a position is where one stands between events: forwards it comes before its event, backwards after the others.
    if (position !== undefined)
      return backwards ? event.position < BigInt(position) : event.position >= BigInt(position);
    if (revision !== undefined) return backwards ? event.revision <= revision : event.revision >= revision;
    return backwards ? !(ofAll?.hasStart() ?? false) : !((ofAll ?? ofStream)?.hasEnd() ?? false);
  };
  const fitting = events.filter(fits);
  return (backwards ? fitting.reverse() : fitting).slice(0, Number(options.getCount()));
}

function supportedMethods(): SupportedMethods {
  const { SupportedMethods: Supported, SupportedMethod } = featureMessages;
  const names = ['read', 'append', 'batchappend', 'delete', 'tombstone'];
  return new Supported()
    .setEventStoreServerVersion('23.10.0.0')
    .setMethodsList(
      names.map((name) =>
        new SupportedMethod().setServiceName('event_store.client.streams.streams').setMethodName(name),
      ),
    );
}
