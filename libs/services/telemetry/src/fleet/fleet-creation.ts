import { Injectable } from '@nestjs/common';
import { Clock, EventStore } from '@sluice/event-sourcing';
import { Settings, SettingsError } from '@sluice/platform';

/** Where it is written how many parts the fleet has; the prefix is no public stream's. */
const CREATION_STREAM = 'telemetry-fleet';

interface FleetCreated {
  readonly type: 'FleetCreated';
  readonly shards: number;
  readonly at: string;
}

/** The shard of a device, and with it its stream, must never change; so their number is written down by whoever comes first. */
@Injectable()
export class FleetCreation {
  private created: FleetCreated | undefined;

  constructor(
    private readonly store: EventStore,
    private readonly clock: Clock,
    private readonly settings: Settings,
  ) {}

  /** Throws SettingsError when the fleet has another number of shards. */
  async check(): Promise<void> {
    const { shards } = this.settings.values;
    this.created = (await this.read()) ?? (await this.create(shards));
    const found = this.created?.shards;
    if (found === shards) return;
    throw new SettingsError(
      `The fleet in this store has ${String(found)} shards, and that cannot be changed. Start with --shards ${String(found)}.`,
    );
  }

  /** Known once it was checked; milliseconds since 1970. */
  get createdMs(): number {
    if (this.created === undefined) throw new Error('the fleet was not checked yet');
    return Date.parse(this.created.at);
  }

  // Of several instances that begin at once one is the first; all have the same commit id, so it is read who it was.
  private async create(shards: number): Promise<FleetCreated | undefined> {
    const created: FleetCreated = { type: 'FleetCreated', shards, at: this.clock.nowText() };
    await this.store.append({
      stream: CREATION_STREAM,
      expected: 'no-stream',
      commitId: CREATION_STREAM,
      metadata: { actor: 'telemetry', correlationId: CREATION_STREAM },
      body: { kind: 'events', events: [created] },
    });
    return this.read();
  }

  private async read(): Promise<FleetCreated | undefined> {
    for await (const { body } of this.store.readStream(CREATION_STREAM)) {
      return body.kind === 'events' ? (body.events[0] as FleetCreated | undefined) : undefined;
    }
    return undefined;
  }
}
