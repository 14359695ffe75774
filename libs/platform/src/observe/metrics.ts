import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

interface ReadByLabel<Label extends string> {
  readonly label: Label;
  readonly read: () => Iterable<readonly [string, number]>;
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

  histogram<Label extends string = never>(
    name: string,
    help: string,
    buckets: number[],
    labelNames: readonly Label[] = [],
  ) {
    return new Histogram({ name, help, buckets, labelNames: [...labelNames], registers: [this.registry] });
  }

  /** The same with a label: asked for its values by label when the metrics are read. */
  gaugeBy<Label extends string>(name: string, help: string, { label, read }: ReadByLabel<Label>): Gauge<Label> {
    return new Gauge({
      name,
      help,
      labelNames: [label],
      registers: [this.registry],
      collect() {
        this.reset();
        for (const [value, number] of read()) this.set({ [label]: value } as Record<Label, string>, number);
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

  /** A gauge that is asked for its value when the metrics are read. */
  gauge(name: string, help: string, read: () => number): Gauge {
    return new Gauge({
      name,
      help,
      registers: [this.registry],
      collect() {
        this.set(read());
      },
    });
  }
}
