import { describe, expect, it } from 'vitest';
import { Passes, sideBySide } from './handlers.ts';

/** A pass that ends when the spec says so. */
function scripted() {
  const ends: (() => void)[] = [];
  const passes = new Passes(() => new Promise<void>((resolve) => ends.push(resolve)));
  return { passes, ends };
}

describe('running passes', () => {
  it('lets many requests during a pass cause one more pass', async () => {
    const { passes, ends } = scripted();
    const first = passes.request();
    const others = [passes.request(), passes.request(), passes.request()];
    expect(ends).toHaveLength(1);
    ends[0]?.();
    await first;
    await Promise.resolve();
    expect(ends).toHaveLength(2);
    ends[1]?.();
    await Promise.all(others);
    await passes.idle();
    expect(ends).toHaveLength(2);
  });

  it('goes on after a pass that failed', async () => {
    let runs = 0;
    const passes = new Passes(() => (++runs === 1 ? Promise.reject(new Error('no')) : Promise.resolve()));
    await expect(passes.request()).rejects.toThrow('no');
    await passes.request();
    expect(runs).toBe(2);
  });
});

describe('working side by side', () => {
  it('does all of it, and never more than so many at once', async () => {
    let [now, most, done] = [0, 0, 0];
    await sideBySide(
      Array.from({ length: 50 }, (_, index) => index),
      16,
      async () => {
        most = Math.max(most, ++now);
        await Promise.resolve();
        now -= 1;
        done += 1;
      },
    );
    expect([most, done]).toEqual([16, 50]);
  });
});
