import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { connect } from '@sluice/composition';
import { OwnSigns } from '@sluice/event-feed';
import { InMemoryEventStore, untraced } from '@sluice/event-sourcing';
import {
  close,
  createApp,
  createLogger,
  ExportingTraces,
  type GaugeOfCompanion,
  InlineFolds,
  ManualClock,
  Metrics,
  Settings,
  Tokens,
} from '@sluice/platform';
import { CatalogModule, catalogPublications, folds as catalogFolds } from '@sluice/service-catalog';
import { folds as orchestratorFolds, OrchestratorModule, orchestratorPublications } from '@sluice/service-orchestrator';
import { folds as telemetryFolds, TelemetryModule, telemetryPublications } from '@sluice/service-telemetry';
import { format } from 'prettier';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';

interface Rules {
  readonly groups: readonly {
    readonly rules: readonly { alert: string; expr: string; annotations: { summary?: string; action?: string } }[];
  }[];
}
interface Dashboard {
  readonly panels: readonly {
    readonly id: number;
    readonly type: string;
    readonly title: string;
    readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
    readonly targets?: readonly { expr: string }[];
  }[];
}

const read = (...path: string[]) => readFileSync(join(import.meta.dirname, ...path), 'utf8');
const alerts = (parse(read('prometheus', 'sluice.rules.yaml')) as Rules).groups.flatMap(({ rules }) => rules);
const { panels } = JSON.parse(read('grafana', 'sluice.dashboard.json')) as Dashboard;
const folder = mkdtempSync(join(tmpdir(), 'sluice-monitoring-'));
const exposed = new Set(['up']);
const described: { readonly name: string; readonly type: string; readonly help: string }[] = [];
const reference = join(dirname(import.meta.dirname), 'docs', 'reference', 'metrics.md');
const nothingExported = {
  counts: () => ({ ended: 0, exported: 0, lost: 0 }),
  failing: () => undefined,
  close: () => Promise.resolve(),
};
let app: NestFastifyApplication;

beforeAll(async () => {
  const clock = new ManualClock(Date.parse('2026-03-17T12:00:00Z'));
  const store = new InMemoryEventStore(clock);
  const settings = Settings.of({ kafka: 'localhost:9092' });
  const publications = [...catalogPublications(), ...orchestratorPublications(), ...telemetryPublications()];
  const folds = new InlineFolds(store, { ...catalogFolds, ...orchestratorFolds, ...telemetryFolds });
  const modules = [CatalogModule, OrchestratorModule, TelemetryModule];
  const tokens = new Tokens(folder);
  app = await createApp(modules, { settings, clock, store, tokens, folds, publications });
  const own = (await app.get(Metrics).registry.getMetricsAsJSON()) as unknown as typeof described;
  described.push(...own.filter(({ name }) => name.startsWith('sluice_')));
  for (const line of (await app.get(Metrics).registry.metrics()).split('\n')) {
    const [, name = '', type] = /^# TYPE (\S+) (\S+)$/.exec(line) ?? [];
    for (const ending of type === 'histogram' ? ['_bucket', '_sum', '_count'] : ['']) exposed.add(name + ending);
  }
  // Those of traces are there with an exporter only.
  for (const each of new ExportingTraces(nothingExported).counters) expose(each, 'counter');
  // Those of Kafka are there with Kafka only; they are known before anything is sent to it.
  const surroundings = {
    settings,
    store,
    tokens,
    publications,
    log: createLogger({ logLevel: 'silent' }),
    signs: new OwnSigns(),
    traces: untraced,
  };
  for (const { gauges = [] } of connect(surroundings).companions ?? [])
    for (const each of gauges) expose(each, 'gauge');
});
afterAll(async () => {
  await close(app);
  rmSync(folder, { recursive: true, force: true });
});

function expose({ name, help }: GaugeOfCompanion, type: 'gauge' | 'counter'): void {
  exposed.add(name);
  described.push({ name, help, type });
}

/** The page of the reference: those of the process and of Node are the usual ones of prom-client. */
function referencePage(): Promise<string> {
  const rows = described
    .toSorted((left, right) => (left.name < right.name ? -1 : 1))
    .map(({ name, type, help }) => `| \`${name}\` | ${type} | ${help} |`);
  return format(
    `<!-- Made from the code. To make it again: UPDATE_DOCS=1 npm test -- deploy/monitoring.spec.ts -->

# Metrics

\`GET /metrics\`, with a token that may view. Those of Kafka are there with Kafka, those of spans with \`--traces\`. The usual ones of
the process and of Node.js (\`process_…\`, \`nodejs_…\`) come beside them. [Seeing what happens](../guides/observe.md) says what is measured when.

| metric | type | what it is |
| --- | --- | --- |
${rows.join('\n')}
`,
    { parser: 'markdown', printWidth: 120 },
  );
}

/** The metrics that an expression of Prometheus asks for and that no service has. */
function unknownMetrics(expression: string): string[] {
  const withoutLabels = expression.replaceAll(/\{[^}]*\}/g, '');
  return [...withoutLabels.matchAll(/\b(?:sluice|process|nodejs)_\w+|\bup\b/g)]
    .map(([name]) => name)
    .filter((name) => !exposed.has(name));
}

describe('describing metrics', () => {
  it('lists each with what it is', async () => {
    const page = await referencePage();
    if (process.env['UPDATE_DOCS'] === '1') writeFileSync(reference, page);
    expect(readFileSync(reference, 'utf8')).toBe(page);
    expect(described.filter(({ help }) => !/\w/.test(help))).toEqual([]);
  });
});

describe('alerting', () => {
  it.each(alerts)('asks in $alert for metrics that are there, and says what to do', ({ expr, annotations }) => {
    expect(unknownMetrics(expr)).toEqual([]);
    expect(expr).toMatch(/sluice_|up/);
    expect(annotations.summary).toMatch(/\w/);
    expect(annotations.action).toMatch(/\w/);
  });

  it('has rules and a configuration that Prometheus takes', () => {
    promtool('check', 'rules', 'sluice.rules.yaml');
    promtool('check', 'config', '--syntax-only', 'prometheus.example.yaml');
  });

  it('fires when it is to, and not otherwise', () => {
    promtool('test', 'rules', 'sluice.rules.test.yaml');
  });
});

describe('showing', () => {
  const shown = panels.filter(({ type }) => type !== 'row');

  it.each(shown)('asks in "$title" for metrics that are there', ({ targets = [] }) => {
    expect(targets.length).toBeGreaterThan(0);
    expect(targets.flatMap(({ expr }) => unknownMetrics(expr))).toEqual([]);
  });

  it('shows every metric of Sluice', () => {
    const asked = shown.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)).join(' ');
    const own = [...exposed].filter((name) => name.startsWith('sluice_') && !name.endsWith('_sum'));
    expect(own.filter((name) => !asked.includes(name))).toEqual([]);
  });

  it('lays no panel over another', () => {
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    for (const [index, { gridPos: one, title }] of panels.entries()) {
      const over = panels.slice(index + 1).filter(({ gridPos: other }) => {
        const apart = one.x + one.w <= other.x || other.x + other.w <= one.x;
        return !apart && one.y < other.y + other.h && other.y < one.y + one.h;
      });
      expect(
        over.map((each) => each.title),
        title,
      ).toEqual([]);
    }
  });
});

function promtool(...parameters: string[]): void {
  try {
    execFileSync('promtool', parameters, { cwd: join(import.meta.dirname, 'prometheus'), stdio: 'pipe' });
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    if (!isMissing && error instanceof Error && 'stdout' in error)
      throw new Error(`${String(error.stdout)}\n${error.message}`, { cause: error });
    if (!isMissing || process.env['CI']) throw error;
    console.warn(`SKIPPED: promtool ${parameters.join(' ')}: there is no promtool (Debian: prometheus)`);
  }
}
