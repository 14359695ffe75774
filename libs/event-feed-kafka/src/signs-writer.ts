import { type OwnSigns } from '@sluice/event-feed';
import { toSignsRecord } from './signs-record.ts';
import { type KafkaClient } from './kafka-client.ts';
import { PatientProducer } from './kafka-producer.ts';
import { Bell, isAborted, pause } from './patience.ts';
import { HEARTBEAT_MS } from './relay-outbox.ts';
import { ensureSignsTopic, signsTopic, type SignsTopicSettings } from './signs-topic.ts';

/** Changes that come closer together go in one record. */
const CHANGES_EVERY_MS = 1_000;

export interface SignsWriterOptions {
  readonly client: KafkaClient;
  readonly source: string;
  /** Tells this instance from others of the same service. */
  readonly instance: string;
  readonly signs: OwnSigns;
  readonly topics: SignsTopicSettings;
  /** The least time between two records (default 1 s); 0 where domain time may be faster than the wall's. */
  readonly changesEveryMs?: number | undefined;
  /** The longest time between two records (default 5 s). */
  readonly heartbeatMs?: number | undefined;
}

/**
 * Writes what this instance says of itself: after each change, and every 5 s as a sign that it lives. Each instance does so
 * for itself, without the store and apart from the relay, which stops when the store cannot write.
 */
export class SignsWriter {
  private readonly producer: PatientProducer;
  private readonly stopping = new AbortController();
  private readonly changed = new Bell();
  private running: Promise<void> | undefined;

  constructor(private readonly options: SignsWriterOptions) {
    this.producer = new PatientProducer(options.client, 'signs');
  }

  start(): void {
    this.running ??= this.run();
  }

  /** A broker that is away is not waited for. */
  async stop(): Promise<void> {
    this.stopping.abort();
    this.changed.ring();
    await this.producer.close();
    await this.running;
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    const { signs, changesEveryMs = CHANGES_EVERY_MS, heartbeatMs = HEARTBEAT_MS } = this.options;
    const end = signs.onChange(() => this.changed.ring());
    try {
      while (!isAborted(signal)) {
        await this.write();
        await pause(changesEveryMs, signal);
        if (!isAborted(signal)) await this.changed.wait(heartbeatMs - changesEveryMs);
      }
    } finally {
      end();
    }
  }

  // Rejects only when this writer stops.
  private async write(): Promise<void> {
    const { client, source, instance, signs, topics } = this.options;
    const { key, headers, value } = toSignsRecord({ source, instance, signs: signs.current() });
    // A record that waits for a broker is as old as it was said.
    const record = { key, headers, value, timestamp: String(Date.now()) };
    await this.producer.send(signsTopic(topics), record, () => ensureSignsTopic(client, topics)).catch(() => undefined);
  }
}
