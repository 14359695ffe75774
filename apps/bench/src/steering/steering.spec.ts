import { describe, expect, it } from 'vitest';
import { measureBuckets } from './bucket-bytes.ts';
import { measureSteering } from './steering.ts';

const size = { rollouts: 12, slices: 5, shards: 4, recalls: 2 };

describe('measuring the steering', () => {
  it('keeps all rollouts running and all recalls completed, and gives each of them its grants', async () => {
    const figures = await measureSteering({ ...size, days: 15, changed: 3, passes: 60, resumes: 3 });
    expect(figures.map(({ unit }) => unit)).toEqual(['ms', 'ms', 'ms', 'ms', 'ms', 'times']);
    for (const { value } of figures) expect(value).toBeGreaterThan(0);
    const [bucket, , tick, , , heap] = figures;
    expect(bucket?.beside).toContain('12 of 12 rollouts run');
    expect(bucket?.beside).toContain('2 of 2 recalls completed');
    expect(tick?.beside).toContain('the grants of 12 rollouts');
    expect(heap?.beside).toMatch(/^day 5: .* MiB, day 10: .* MiB, day 15: .* MiB$/);
  });

  it('folds and closes the buckets of a shard', () => {
    const [minute, day] = measureBuckets({ ...size, devices: 200_000 });
    expect(minute?.value).toBeGreaterThan(0);
    expect(day?.value).toBeGreaterThan(0);
    expect(day?.value).toBeLessThan(Infinity);
  });
});
