import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { type Figure, median } from './figure.ts';

const BLOCK_BYTES = 4096;

/** How long the disk takes to keep 4 KiB: under every durable figure. */
export function measureFsync(folder: string, writes: number): Figure {
  const block = Buffer.alloc(BLOCK_BYTES, 1);
  const file = openSync(join(folder, 'fsync'), 'w');
  const times: number[] = [];
  try {
    for (let count = 0; count < writes; count += 1) {
      const startedAt = performance.now();
      writeSync(file, block);
      fsyncSync(file);
      times.push(performance.now() - startedAt);
    }
  } finally {
    closeSync(file);
  }
  return {
    what: 'disk: write 4 KiB and fsync, median',
    value: median(times),
    unit: 'ms',
    beside: `slowest of ${String(writes)}: ${Math.max(...times).toFixed(2)} ms`,
    limitedBy: 'the disk',
  };
}
