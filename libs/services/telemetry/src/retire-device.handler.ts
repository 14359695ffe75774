import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { Clock, type CommandContext, reject } from '@sluice/event-sourcing';
import { type DeviceAnswer, Fleet } from './fleet.ts';
import { hashDevice, hashReport } from './shard-of.ts';

/** A device that is gone for good, or until it reports again. Answers with the device as it is then. */
export class RetireDevice extends Command<DeviceAnswer> {
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

  async execute({ deviceId, context }: RetireDevice): Promise<DeviceAnswer> {
    const device = this.fleet.device(deviceId);
    if (device === undefined) reject('device-not-found', deviceId);
    if (device.retiredAt !== undefined) return device;
    const { commitId, ...cause } = context;
    const deviceHash = hashDevice(deviceId);
    const now = this.clock.now();
    await this.fleet.writerOf(deviceHash).offerAlone(
      {
        kind: 'DeviceRetired',
        deviceHash,
        reportHash: hashReport(deviceId, `retired ${commitId}`),
        deviceId: undefined,
        occurredAt: now,
        receivedAt: now,
        clockAhead: false,
        said: undefined,
      },
      cause,
    );
    return this.fleet.device(deviceId) ?? device;
  }
}
