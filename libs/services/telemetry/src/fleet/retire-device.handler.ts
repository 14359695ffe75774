import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { type DeviceView } from '@sluice/domain-fleet';
import { Clock, type CommandContext, reject } from '@sluice/event-sourcing';
import { Fleet } from './fleet.ts';
import { withoutOwner } from '../shard/peers.ts';
import { hashDevice, hashReport } from '../shard/shard-of.ts';

/** A device, of a shard that is owned here, that is gone for good, or until it reports again. Answers with the device as it is then. */
export class RetireDevice extends Command<DeviceView> {
  constructor(
    readonly deviceId: string,
    readonly context: CommandContext,
  ) {
    super();
  }
}

@CommandHandler(RetireDevice)
export class RetireDeviceHandler implements ICommandHandler<RetireDevice> {
  constructor(
    private readonly fleet: Fleet,
    private readonly clock: Clock,
  ) {}

  async execute({ deviceId, context }: RetireDevice): Promise<DeviceView> {
    const deviceHash = hashDevice(deviceId);
    const shard = this.fleet.shardOf(deviceHash);
    const writer = this.fleet.writer(shard);
    if (writer === undefined) throw withoutOwner(shard);
    const device = this.fleet.device(deviceId, writer);
    if (device === undefined) reject('device-not-found', deviceId);
    if (device.retiredAt !== undefined) return device;
    const { commitId, keyed: _, ...cause } = context;
    const now = this.clock.now();
    await writer.offerAlone(
      {
        kind: 'DeviceRetired',
        deviceHash,
        // Under the commit id, so that a command that comes again does not retire a device that has reported since.
        reportHash: hashReport(deviceId, `retired ${commitId}`),
        content: 0,
        deviceId: undefined,
        occurredAt: now,
        receivedAt: now,
        clockAhead: false,
        said: undefined,
      },
      cause,
    );
    return this.fleet.device(deviceId, writer) ?? device;
  }
}
