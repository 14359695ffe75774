import { hash } from 'node:crypto';

/** SHA-256 of a device id: its first 16 bytes are the device's key, its first 4 decide the shard. */
export function hashDevice(deviceId: string): Buffer {
  return hash('sha256', deviceId, 'buffer');
}

/** What recognizes a report that comes again. */
export function hashReport(deviceId: string, reportId: string): Buffer {
  return hash('sha256', `${deviceId}\u001f${reportId}`, 'buffer');
}

/** The part of the fleet that a device belongs to. */
export function shardOf(deviceHash: Buffer, shards: number): number {
  return deviceHash.readUInt32BE(0) % shards;
}
