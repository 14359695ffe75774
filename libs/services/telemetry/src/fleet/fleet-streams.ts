import { Injectable } from '@nestjs/common';
import { type SharedStreams, StreamShares } from '@sluice/platform';
import { Fleet } from './fleet.ts';
import { FleetQueries } from './fleet-queries.ts';
import { type PeerRequest, Peers } from '../shard/peers.ts';
import { shardOfStream } from '../publications.ts';
import { shardOfKey } from '../shard/shard-of.ts';

/** The streams of facts in the feed: their events name devices, whose ids only the owner of the shard knows. */
@Injectable()
export class FleetStreams implements SharedStreams {
  constructor(
    private readonly fleet: Fleet,
    private readonly queries: FleetQueries,
    private readonly peers: Peers,
    shares: StreamShares,
  ) {
    shares.share(this);
  }

  isHere(stream: string): boolean {
    const shard = shardOfStream(stream);
    return shard === undefined || shard >= this.fleet.shards || this.fleet.writer(shard) !== undefined;
  }

  nameOf(key: Uint32Array): string | undefined {
    const shard = shardOfKey(key, this.fleet.shards);
    return this.fleet.writer(shard)?.state.idOf(key);
  }

  askElsewhere(stream: string, path: string, request: PeerRequest): Promise<unknown> {
    const owner = this.queries.otherOwnerOf(shardOfStream(stream) ?? 0, this.peers.handedOn(request));
    return this.peers.ask(owner, { method: 'GET', path, askedFor: this.peers.askedFor(request) });
  }
}
