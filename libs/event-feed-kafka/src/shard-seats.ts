import { type ShardKeeper } from '@sluice/event-feed';
import { Backoff, isAborted, reasonOf } from './patience.ts';

export interface ShardSeatsOptions {
  /** Ends attempts to take over. */
  readonly signal: AbortSignal;
  readonly onHeld: (shard: number) => void;
  readonly onLost: (shard: number) => void;
  readonly onRefused: (shard: number, reason: string) => void;
}

/**
 * Where a seat is: `free` → `gaining` → `held` → `losing` → `free`. A shard that is refused stays `gaining` until the next
 * attempt, or is `free` again when it is wanted no more. In `gaining` and `losing` somebody is at work on the seat.
 */
type Phase = 'free' | 'gaining' | 'held' | 'losing';
type Step = Extract<Phase, 'gaining' | 'losing'>;

interface Seat {
  readonly shard: number;
  /** What is wanted; the phase is what is. */
  isAssigned: boolean;
  phase: Phase;
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
      ...{ shard, isAssigned: false, phase: 'free', done: Promise.resolve() },
    }));
  }

  get assigned(): readonly number[] {
    return this.seats.filter(({ isAssigned }) => isAssigned).map(({ shard }) => shard);
  }

  isHeld(shard: number): boolean {
    return this.seats[shard]?.phase === 'held';
  }

  notReady(): string | undefined {
    const late = this.seats.find(({ isAssigned, phase }) => isAssigned && phase !== 'held');
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
    // While it stays assigned, it is taken over anew afterwards.
    if (seat?.phase === 'held') seat.done = this.work(seat, 'losing');
  }

  async giveUpAll(): Promise<void> {
    this.assign([]);
    await Promise.all(this.seats.map(({ done }) => done));
  }

  private settle(seat: Seat): void {
    const step = this.nextStep(seat);
    if (step !== undefined) seat.done = this.work(seat, step);
  }

  /** What brings a seat closer to what is wanted; undefined at rest, and while somebody is at work on it, who asks again. */
  private nextStep({ phase, isAssigned }: Seat): Step | undefined {
    switch (phase) {
      case 'free':
        return isAssigned && !isAborted(this.options.signal) ? 'gaining' : undefined;
      case 'held':
        return isAssigned ? undefined : 'losing';
      case 'gaining':
      case 'losing':
        return undefined;
    }
  }

  private async work(seat: Seat, first: Step): Promise<void> {
    const backoff = new Backoff();
    for (let step: Step | undefined = first; step !== undefined; step = this.nextStep(seat)) {
      seat.phase = step;
      if (step === 'losing') await this.lose(seat);
      else await this.gain(seat, backoff);
    }
  }

  private async lose(seat: Seat): Promise<void> {
    await this.keeper.lose(seat.shard);
    seat.phase = 'free';
    this.options.onLost(seat.shard);
  }

  private async gain(seat: Seat, backoff: Backoff): Promise<void> {
    const { signal, onHeld, onRefused } = this.options;
    const isWanted = () => seat.isAssigned && !isAborted(signal);
    try {
      await this.keeper.gain(seat.shard, isWanted);
      seat.phase = 'held';
      onHeld(seat.shard);
    } catch (error) {
      if (isWanted()) {
        onRefused(seat.shard, reasonOf(error));
        await backoff.pause(signal);
      }
      seat.phase = 'free';
    }
  }
}
