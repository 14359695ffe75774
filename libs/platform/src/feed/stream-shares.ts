import { Injectable } from '@nestjs/common';
import { type FastifyRequest } from 'fastify';

/** What a service says whose streams are shared among its instances: only the one that has a stream can tell its events. */
export interface SharedStreams {
  /** False for a stream that this instance does not have. */
  isHere(stream: string): boolean;
  /** The id of a device by its key of four words; undefined when none of the own streams has it. */
  nameOf(key: Uint32Array): string | undefined;
  /** What the instance that has the stream answers to a GET of the path. Throws 'shard-without-owner' when there is none. */
  askElsewhere(stream: string, path: string, request: FastifyRequest): Promise<unknown>;
}

/** Where a service tells the feed that its streams are shared; without that, all are here. */
@Injectable()
export class StreamShares {
  private shared: SharedStreams | undefined;

  share(shared: SharedStreams): void {
    this.shared = shared;
  }

  isHere(stream: string): boolean {
    return this.shared?.isHere(stream) ?? true;
  }

  nameOf(key: Uint32Array): string | undefined {
    return this.shared?.nameOf(key);
  }

  /** Who has the stream, undefined when it is here. */
  elsewhere(stream: string): SharedStreams | undefined {
    return this.isHere(stream) ? undefined : this.shared;
  }
}
