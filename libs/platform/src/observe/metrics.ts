import { collectDefaultMetrics, Counter, Gauge, type Histogram, Registry } from 'prom-client';

interface ReadByLabel<Label extends string> {
  readonly label: Label;
  readonly read: () => Iterable<readonly [string, number]>;
}

/** A value by its labels. */
export type Measured<Label extends string> = readonly [Record<Label, string>, number];

interface ReadByLabels<Label extends string> {
  readonly labels: readonly Label[];
  readonly read: () => Iterable<Measured<Label>> | Promise<Iterable<Measured<Label>>>;
}

/** Counts one for two values of labels. */
export type Tally = (first: string, second: string) => void;

/** What one combination of labels has counted. */
interface Series {
  readonly labels: Readonly<Record<string, string>>;
  /** Per bucket, and one for what is beyond the last. */
  readonly counts: Float64Array;
  sum: number;
}

/** What is counted for one combination of labels. */
export interface CountedSeries {
  observe(value: number): void;
  /** How often. */
  count(): number;
}

class CountedHistogram {
  private readonly series: Series[] = [];

  constructor(
    readonly name: string,
    readonly help: string,
    private readonly buckets: readonly number[],
  ) {}

  /** Counts for these labels from now on. */
  labels(labels: Readonly<Record<string, string>>): CountedSeries {
    const { buckets } = this;
    const series: Series = { labels, counts: new Float64Array(buckets.length + 1), sum: 0 };
    this.series.push(series);
    return {
      count: () => series.counts.reduce((sum, each) => sum + each, 0),
      observe(value) {
        let bucket = 0;
        while (bucket < buckets.length && value > (buckets[bucket] ?? Infinity)) bucket += 1;
        series.counts[bucket] = (series.counts[bucket] ?? 0) + 1;
        series.sum += value;
      },
    };
  }

  get() {
    const { name, help } = this;
    const values = this.series.flatMap(({ labels, counts, sum }) => {
      let count = 0;
      const cumulated = [...counts].map((each, bucket) => ({
        metricName: `${name}_bucket`,
        labels: { ...labels, le: this.buckets[bucket] ?? '+Inf' },
        value: (count += each),
      }));
      return [
        ...cumulated,
        { metricName: `${name}_sum`, labels, value: sum },
        { metricName: `${name}_count`, labels, value: count },
      ];
    });
    return Promise.resolve({ name, help, type: 'histogram', values, aggregator: 'sum' });
  }
}

/** Computes once for all who ask before it is done, however many scrapes come at a time. */
export function sharedWhileUnderWay<Value>(compute: () => Promise<Value>): () => Promise<Value> {
  let underWay: Promise<Value> | undefined;
  return () => (underWay ??= compute().finally(() => (underWay = undefined)));
}

/** The Prometheus metrics of the process. Each metric is made once, by the class that feeds it. */
export class Metrics {
  readonly registry = new Registry();

  constructor() {
    collectDefaultMetrics({ register: this.registry });
  }

  counter<Label extends string = never>(name: string, help: string, labelNames: readonly Label[] = []): Counter<Label> {
    return new Counter({ name, help, labelNames: [...labelNames], registers: [this.registry] });
  }

  /** A counter by two labels for where it is counted all the time: a count costs nanoseconds. */
  tally<Label extends string>(name: string, help: string, [first, second]: readonly [Label, Label]): Tally {
    const counts = new Map<string, Map<string, number>>();
    new Counter({
      name,
      help,
      labelNames: [first, second],
      registers: [this.registry],
      collect() {
        this.reset();
        for (const [one, others] of counts) {
          for (const [other, count] of others) {
            this.inc({ [first]: one, [second]: other } as Record<Label, string>, count);
          }
        }
      },
    });
    return (one, other) => {
      let others = counts.get(one);
      if (others === undefined) counts.set(one, (others = new Map<string, number>()));
      others.set(other, (others.get(other) ?? 0) + 1);
    };
  }

  /** A histogram whose counts cost nanoseconds: they are in an array, and in the form of Prometheus only while they are read. */
  countedHistogram(name: string, help: string, buckets: readonly number[]): CountedHistogram {
    const histogram = new CountedHistogram(name, help, buckets);
    // The registry asks a metric for its name and its values, and has no type for one of somebody else's.
    this.registry.registerMetric(histogram as unknown as Histogram);
    return histogram;
  }

  /** A gauge with a label: asked for its values by label when the metrics are read. */
  gaugeBy<Label extends string>(name: string, help: string, { label, read }: ReadByLabel<Label>): Gauge<Label> {
    return this.gauges(name, help, {
      labels: [label],
      read: () =>
        Array.from(read(), ([value, number]) => [{ [label]: value } as Record<Label, string>, number] as const),
    });
  }

  /**
   * A gauge with several labels: asked for all its values when the metrics are read. What takes long is computed once for
   * all gauges that are read together (`sharedWhileUnderWay`).
   */
  gauges<Label extends string>(name: string, help: string, { labels, read }: ReadByLabels<Label>): Gauge<Label> {
    return new Gauge({
      name,
      help,
      labelNames: [...labels],
      registers: [this.registry],
      async collect() {
        const all = await read();
        this.reset();
        for (const [values, number] of all) this.set(values, number);
      },
    });
  }

  /** A counter that is kept elsewhere: asked for its counts by label when the metrics are read. */
  countedElsewhere<Label extends string>(
    name: string,
    help: string,
    { label, read }: ReadByLabel<Label>,
  ): Counter<Label> {
    return new Counter({
      name,
      help,
      labelNames: [label],
      registers: [this.registry],
      collect() {
        this.reset();
        for (const [value, count] of read()) this.inc({ [label]: value } as Record<Label, string>, count);
      },
    });
  }

  /** A counter that is kept elsewhere: asked for its count when the metrics are read. */
  count(name: string, help: string, read: () => number): Counter {
    return new Counter({
      name,
      help,
      registers: [this.registry],
      collect() {
        this.reset();
        this.inc(read());
      },
    });
  }

  /** A gauge that is asked for its value when the metrics are read. What is not known (undefined) has no sample. */
  gauge(name: string, help: string, read: () => number | undefined): Gauge {
    return new Gauge({
      name,
      help,
      registers: [this.registry],
      collect() {
        const value = read();
        if (value === undefined) this.remove();
        else this.set(value);
      },
    });
  }
}
