import { kafkaTopic } from '@sluice/contracts/events';
import { ensureTopics, type KafkaClient } from '@sluice/event-feed-kafka';
import { type KafkaMessage, type Message } from 'kafkajs';
import { barePair, type BarePair } from '../bare-kafka.ts';

/** What a copier does to the records of one batch; it returns what is to be written. */
export type Meddling = (messages: readonly Message[]) => Message[];

/**
 * A foreign program between producer and consumer: copies every record of the catalog's topic from one prefix to another,
 * and meddles with them on the way until it is told to leave off.
 */
export class Copier {
  copied = 0;
  private meddling: Meddling;
  private last: Promise<void> = Promise.resolve();

  private constructor(
    private readonly writing: BarePair,
    meddling: Meddling,
  ) {
    this.meddling = meddling;
  }

  static async start(
    client: KafkaClient,
    { from, to, meddling }: { readonly from: string; readonly to: string; readonly meddling: Meddling },
  ): Promise<Copier & AsyncDisposable> {
    for (const prefix of [from, to]) await ensureTopics(client, ['catalog'], { shards: 1, prefix });
    const writing = await barePair(client, kafkaTopic('catalog', to), () => undefined);
    const copier = new Copier(writing, meddling);
    const reading = await barePair(client, kafkaTopic('catalog', from), (messages) => copier.copy(messages));
    return Object.assign(copier, {
      [Symbol.asyncDispose]: async () => {
        await reading.disconnect();
        await copier.last;
        await writing.disconnect();
      },
    });
  }

  /** From now on records pass as they are. */
  leaveOff(): void {
    this.meddling = (messages) => [...messages];
  }

  private copy(messages: readonly KafkaMessage[]): void {
    this.copied += messages.length;
    const records = this.meddling(messages.map(toRecord));
    this.last = this.last.then(() => (records.length === 0 ? undefined : this.writing.send(records)));
  }
}

function toRecord({ key, value, headers }: KafkaMessage): Message {
  return { key, value, partition: 0, ...(headers && { headers }) };
}
