/**
 * What is odd about a device, for people to look at. `clock-ahead`, `clock-behind`: the time of its last report cannot be
 * right, so it counts as of its receipt. `id-used-twice`: it once told another model than before, as two machines under one
 * id do.
 */
export const deviceFlags = ['clock-ahead', 'clock-behind', 'id-used-twice'] as const;
export type DeviceFlag = (typeof deviceFlags)[number];

const bits = { 'clock-ahead': 1, 'clock-behind': 2, 'id-used-twice': 4 } as const satisfies Record<DeviceFlag, number>;
const CLOCK_BITS = bits['clock-ahead'] | bits['clock-behind'];

/** The flags of the few devices of a shard that have any, by the number of the device. */
export class DeviceFlags {
  private readonly flagged = new Map<number, number>();

  /** What the device's last report says of its clock; undefined when nothing is odd. */
  clock(device: number, flag: 'clock-ahead' | 'clock-behind' | undefined): void {
    if (flag === undefined && this.flagged.size === 0) return;
    const had = this.flagged.get(device) ?? 0;
    this.write(device, (had & ~CLOCK_BITS) | (flag === undefined ? 0 : bits[flag]));
  }

  usedTwice(device: number): void {
    this.write(device, (this.flagged.get(device) ?? 0) | bits['id-used-twice']);
  }

  of(device: number): DeviceFlag[] {
    const found = this.flagged.get(device) ?? 0;
    return deviceFlags.filter((flag) => (found & bits[flag]) !== 0);
  }

  /** How many devices have the flag. */
  count(flag: DeviceFlag): number {
    let count = 0;
    for (const found of this.flagged.values()) if ((found & bits[flag]) !== 0) count += 1;
    return count;
  }

  /** The numbers of the devices that have the flag. */
  *with(flag: DeviceFlag): Iterable<number> {
    for (const [device, found] of this.flagged) if ((found & bits[flag]) !== 0) yield device;
  }

  /** Device and flags of each, in the order of the devices. */
  copy(): Uint32Array {
    return Uint32Array.from([...this.flagged].sort(([left], [right]) => left - right).flat());
  }

  restore(copy: Uint32Array): void {
    for (let index = 0; index < copy.length; index += 2) this.write(copy[index] ?? 0, copy[index + 1] ?? 0);
  }

  private write(device: number, found: number): void {
    if (found === 0) this.flagged.delete(device);
    else this.flagged.set(device, found);
  }
}

/** The flags of a device in a copy, as a text. */
export function flagsIn(copy: Uint32Array, device: number): string {
  for (let index = 0; index < copy.length; index += 2) {
    if (copy[index] === device)
      return deviceFlags.filter((flag) => ((copy[index + 1] ?? 0) & bits[flag]) !== 0).join(' ');
  }
  return '';
}
