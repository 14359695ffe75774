import { type ReadReq, type ReadResp } from '@eventstore/db-client/generated/streams_pb.js';
import { type DoubleLog, type LoggedEvent } from './eventstoredb-double-log.ts';
import {
  caughtUpMessage,
  checkpointMessage,
  confirmationMessage,
  eventMessage,
  wantedBy,
} from './eventstoredb-double-messages.ts';

/** As on the server: a page of a catch-up, and what is held for a subscription that does not keep up. */
const PAGE_EVENTS_MAX = 32;
const LIVE_EVENTS_MAX = 32;

/** Sends one message, resolving when the call takes more; false when the call is over. */
export type Send = (message: ReadResp) => Promise<boolean>;

type Live =
  | { readonly sequence: number; readonly kind: 'event'; readonly event: LoggedEvent }
  | { readonly sequence: number; readonly kind: 'checkpoint'; readonly position: bigint };

/**
 * A subscription to $all, which goes the server's way: it catches up page by page, says so, then delivers what is
 * appended; one that falls behind loses the oldest of what is held for it and catches up again. With a filter, a checkpoint
 * comes for every so many events looked at, and one at the end of each catch-up, which covers less than was looked at.
 */
export class DoubleSubscription {
  private readonly isWanted: (event: LoggedEvent) => boolean;
  private readonly isFiltered: boolean;
  private readonly window: number;
  private readonly checkpointInterval: number;
  private readonly live: Live[] = [];
  private lastSequence = 0;
  private seen = 0;
  private sentCheckpoint = -1n;
  private sinceCheckpoint = 0;
  private checkpoint: bigint;
  private wake: (() => void) | undefined;
  private over = false;

  constructor(
    private readonly log: DoubleLog,
    options: ReadReq.Options,
    private readonly send: Send,
  ) {
    const filter = options.getFilter();
    this.isWanted = wantedBy(options);
    this.isFiltered = filter !== undefined;
    this.window = filter?.hasMax() === true ? filter.getMax() : PAGE_EVENTS_MAX;
    this.checkpointInterval = this.window * (filter?.getCheckpointintervalmultiplier() ?? 1);
    const all = options.getAll();
    const from = all?.getPosition()?.getCommitPosition();
    this.checkpoint = from !== undefined ? BigInt(from) : all?.hasEnd() === true ? log.lastPosition : -1n;
  }

  /** Runs until `end` is called or the call is over. */
  async run(): Promise<void> {
    const confirmedAt = this.log.lastPosition;
    const stop = this.log.onEvent((event) => this.onEvent(event));
    try {
      if (!(await this.send(confirmationMessage()))) return;
      if (this.checkpoint < confirmedAt) await this.catchUp();
      while (!this.over) if (await this.goLive()) await this.catchUp();
    } finally {
      stop();
    }
  }

  end(): void {
    this.over = true;
    this.wake?.();
  }

  private onEvent(event: LoggedEvent): void {
    if (this.isWanted(event)) this.hold({ kind: 'event', event, sequence: (this.lastSequence += 1) });
    if (!this.isFiltered) return;
    this.sinceCheckpoint += 1;
    if (this.sinceCheckpoint < this.checkpointInterval) return;
    this.sinceCheckpoint = 0;
    this.hold({ kind: 'checkpoint', position: event.position, sequence: (this.lastSequence += 1) });
  }

  private hold(message: Live): void {
    this.live.push(message);
    if (this.live.length > LIVE_EVENTS_MAX) this.live.shift();
    this.wake?.();
  }

  /** True when it fell behind. */
  private async goLive(): Promise<boolean> {
    await this.deliver(caughtUpMessage());
    while (!this.over) {
      const message = this.live.shift();
      if (message === undefined) {
        await new Promise<void>((resolve) => (this.wake = resolve));
        continue;
      }
      const inOrder = message.sequence === this.seen + 1;
      this.seen = message.sequence;
      const position = message.kind === 'event' ? message.event.position : message.position;
      if (message.kind === 'event' ? position <= this.checkpoint : position < this.checkpoint) continue;
      if (!inOrder) {
        await this.sendCheckpoint();
        return true;
      }
      this.checkpoint = position;
      if (message.kind === 'event') await this.deliver(eventMessage(message.event));
      else await this.sendCheckpoint();
    }
    return false;
  }

  private async catchUp(): Promise<void> {
    let from = this.checkpoint < 0n ? 0 : this.log.indexAt(this.checkpoint);
    let counted = 0;
    while (!this.over) {
      const page = this.log.page(from, this.isWanted, { count: PAGE_EVENTS_MAX, window: this.window });
      for (const event of page.events) {
        if (event.position <= this.checkpoint) continue;
        this.checkpoint = event.position;
        await this.deliver(eventMessage(event));
      }
      // Only where the page began is sure to be behind it.
      const began = this.log.events[from]?.position ?? this.checkpoint;
      if (this.checkpoint < began && page.considered > 0) this.checkpoint = began;
      counted += page.considered;
      if (page.endOfStream) return this.sendCheckpoint();
      if (this.isFiltered && counted >= this.checkpointInterval) {
        counted %= this.checkpointInterval;
        await this.sendCheckpoint();
      }
      from = page.next;
    }
  }

  private async sendCheckpoint(): Promise<void> {
    if (!this.isFiltered || this.checkpoint < 0n || this.checkpoint <= this.sentCheckpoint) return;
    this.sentCheckpoint = this.checkpoint;
    await this.deliver(checkpointMessage(this.checkpoint));
  }

  private async deliver(message: ReadResp): Promise<void> {
    if (!(await this.send(message))) this.over = true;
  }
}
