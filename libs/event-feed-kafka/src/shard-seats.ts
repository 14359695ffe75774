import { type ShardKeeper } from '@sluice/event-feed';
import { Backoff, isAborted, reasonOf } from './patience.ts';

export interface ShardSeatsOptions {
  /** Ends attempts to take over. */
  readonly signal: AbortSignal;
  readonly onHeld: (shard: number) => void;
  readonly onLost: (shard: number) => void;
  readonly onRefused: (shard: number, reason: string) => void;
}

interface Seat {
  readonly shard: number;
  isAssigned: boolean;
  isHeld: boolean;
  isToBeReleased: boolean;
  isWorking: boolean;
  done: Promise<void>;
}

/** Brings what this instance holds in line with what is assigned to it; for each shard, one step after the other. */
export class ShardSeats {
  private readonly seats: readonly Seat[];

  constructor(
    shards: number,
    private readonly keeper: ShardKeeper,
    private readonly options: ShardSeatsOptions,
  ) {
    this.seats = Array.from({ length: shards }, (_, shard) => ({
      ...{ shard, isAssigned: false, isHeld: false },
      ...{ isToBeReleased: false, isWorking: false, done: Promise.resolve() },
    }));
  }

  get assigned(): readonly number[] {
    return this.seats.filter(({ isAssigned }) => isAssigned).map(({ shard }) => shard);
  }

  isHeld(shard: number): boolean {
    return this.seats[shard]?.isHeld === true;
  }

  notReady(): string | undefined {
    const late = this.seats.find(({ isAssigned, isHeld }) => isAssigned && !isHeld);
    return late === undefined ? undefined : `shard ${String(late.shard)} is being taken over`;
  }

  assign(shards: readonly number[]): void {
    for (const seat of this.seats) seat.isAssigned = shards.includes(seat.shard);
    // Those that go first: who gets them waits.
    for (const seat of this.seats) if (!seat.isAssigned) this.settle(seat);
    for (const seat of this.seats) if (seat.isAssigned) this.settle(seat);
  }

  release(shard: number): void {
    const seat = this.seats[shard];
    if (seat === undefined) return;
    seat.isToBeReleased = seat.isHeld;
    this.settle(seat);
  }

  async giveUpAll(): Promise<void> {
    this.assign([]);
    await Promise.all(this.seats.map(({ done }) => done));
  }

  private settle(seat: Seat): void {
    if (seat.isWorking) return;
    seat.isWorking = true;
    seat.done = this.work(seat);
  }

  private async work(seat: Seat): Promise<void> {
    const backoff = new Backoff();
    for (;;) {
      if (seat.isHeld && (!seat.isAssigned || seat.isToBeReleased)) {
        seat.isHeld = seat.isToBeReleased = false;
        await this.keeper.lose(seat.shard);
        this.options.onLost(seat.shard);
      } else if (!seat.isHeld && seat.isAssigned && !isAborted(this.options.signal)) {
        const reason = await this.gain(seat);
        if (reason === undefined) continue;
        this.options.onRefused(seat.shard, reason);
        await backoff.pause(this.options.signal);
      } else {
        seat.isWorking = false;
        return;
      }
    }
  }

  /** Why the shard could not be taken over, undefined when it was, or need not be any more. */
  private async gain(seat: Seat): Promise<string | undefined> {
    const isWanted = () => seat.isAssigned && !isAborted(this.options.signal);
    if (!isWanted()) return undefined;
    try {
      await this.keeper.gain(seat.shard, isWanted);
      seat.isHeld = true;
      this.options.onHeld(seat.shard);
      return undefined;
    } catch (error) {
      return isWanted() ? reasonOf(error) : undefined;
    }
  }
}
