import { describe, expect, it } from 'vitest';
import { Metrics } from './metrics.ts';

async function linesOf(metrics: Metrics, name: string): Promise<string[]> {
  const text = await metrics.registry.metrics();
  return text.split('\n').filter((line) => line.startsWith(name));
}

describe('counting cheaply', () => {
  it('has the form of a Prometheus histogram, by labels', async () => {
    const metrics = new Metrics();
    const histogram = metrics.countedHistogram('took_seconds', 'How long it took', [0.1, 1]);
    const [one, other] = [histogram.labels({ path: '/a' }), histogram.labels({ path: '/b' })];
    for (const seconds of [0.05, 0.1, 0.5, 7]) one.observe(seconds);
    other.observe(1);
    expect(await linesOf(metrics, 'took_seconds')).toEqual([
      'took_seconds_bucket{path="/a",le="0.1"} 2',
      'took_seconds_bucket{path="/a",le="1"} 3',
      'took_seconds_bucket{path="/a",le="+Inf"} 4',
      'took_seconds_sum{path="/a"} 7.65',
      'took_seconds_count{path="/a"} 4',
      'took_seconds_bucket{path="/b",le="0.1"} 0',
      'took_seconds_bucket{path="/b",le="1"} 1',
      'took_seconds_bucket{path="/b",le="+Inf"} 1',
      'took_seconds_sum{path="/b"} 1',
      'took_seconds_count{path="/b"} 1',
    ]);
    expect(await metrics.registry.metrics()).toContain('# TYPE took_seconds histogram');
  });

  it('counts by two labels, and says the same when it is read again', async () => {
    const metrics = new Metrics();
    const count = metrics.tally('given_total', 'What was given', ['kind', 'reason']);
    for (const reason of ['x', 'y', 'x']) count('none', reason);
    count('some', 'x');
    const lines = [
      'given_total{kind="none",reason="x"} 2',
      'given_total{kind="none",reason="y"} 1',
      'given_total{kind="some",reason="x"} 1',
    ];
    expect(await linesOf(metrics, 'given_total')).toEqual(lines);
    expect(await linesOf(metrics, 'given_total')).toEqual(lines);
  });
});
