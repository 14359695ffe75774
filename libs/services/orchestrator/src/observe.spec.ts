import { columnsOf } from '@sluice/domain-cohorts';
import { type FeedEvent } from '@sluice/event-feed';
import { type Commit } from '@sluice/event-sourcing';
import { ManualClock, Metrics } from '@sluice/platform';
import { RecordedTraces } from '@sluice/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { type Knowledge } from './knowledge/knowledge.ts';
import { Observe } from './observe.ts';
import { viewRollout } from './rollout/rollout-views.ts';
import { Views } from './views.ts';

const START = Date.parse('2026-03-17T12:00:00Z');
const MINUTE = 60_000;
const rolloutId = 'r1';
const patchId = 'p-a';
const waves = [{ name: 'all', ramp: { fromPercent: 0, toPercent: 100, minutes: 100 }, bakeMinutes: 60 }];
const plan = { rolloutId, patchId, salt: 's', holdBackPercent: 0, waves, gates: { installFailureRateMax: 0.01 } };
const at = new Date(START).toISOString();

let clock: ManualClock;
let views: Views;
let metrics: Metrics;
let isRead: Record<'own' | 'catalog' | 'health', boolean>;
let knowledge: Knowledge;

beforeEach(() => {
  clock = new ManualClock(START);
  metrics = new Metrics();
  views = new Views();
  isRead = { own: true, catalog: true, health: true };
  views.gates.isRead = () => isRead.health;
  knowledge = {
    sources: {
      views,
      own: () => ({ isRead: isRead.own }),
      catalog: () => ({ isRead: isRead.catalog, silentMs: 0 }),
      telemetry: () => ({ silentMs: 0 }),
      onEvent: () => undefined,
    },
    currentPolicy: () => ({ stale: true }),
    doubts: () => [],
    healthThroughMs: () => undefined,
    passMs: 1000,
    approvalRule: { required: 0, abovePercent: 0 },
    get healthIsRead() {
      return isRead.health;
    },
  } as unknown as Knowledge;
  new Observe(knowledge, clock, metrics, new RecordedTraces());
});

let commits = 0;
function own(stream: string, ...events: object[]): void {
  const body = { kind: 'events', events: events.map((event) => ({ ...event, at })) };
  views.applyOwn({ stream, revision: (commits += 1), body } as unknown as Commit);
}

/** A rollout whose exposure is a function of time alone, as it was before there were grants. */
function rolloutFromBeforeGrants(): void {
  own('rollout-r1', { type: 'RolloutPlanned', rolloutId, plan });
  own('rollout-r1', { type: 'RolloutStarted', rolloutId, patchId, slices: 1 });
  own('rollout-r1', { type: 'WaveOpened', rolloutId, wave: 1 });
}

function publish(): void {
  const variants = [{ build: 'b2', prerequisiteBuild: 'b1', models: ['iPhone18,1'] }];
  const data = {
    type: 'PatchPublished',
    patchId,
    platform: 'ios',
    baseVersion: '1',
    letter: 'a',
    variants,
    cves: [],
    at,
  };
  views.policy.applyCatalog({ data } as unknown as FeedEvent);
}

function devicesAreKnown(devices: number): void {
  const slice = { platform: 'ios', model: 'iPhone18,1', base: 'b1' } as const;
  const rows = { installs: [], pending: [], unreached: [], harm: [], removals: [] };
  const data = {
    ...{ type: 'HealthBucketClosed', shard: 0, shards: 1, from: at, to: at, throughRevision: 0, part: 1, parts: 1 },
    ...{ reportingDeadlineMinutes: 240, ...columnsOf(rows), holders: [] },
    ...{ populations: [{ ...slice, track: 'automatic', devices }], at },
  };
  views.gates.applyHealth({ data, place: { revision: 0, index: 0 } } as unknown as FeedEvent);
}

async function samples(name: string): Promise<number[]> {
  const lines = (await metrics.registry.getSingleMetricAsString(name)).split('\n');
  return lines.filter((line) => line.startsWith(name)).map((line) => Number(line.split(' ').at(-1)));
}

describe('measuring rollouts', () => {
  it('shows ramps from before grants where they stand still, as the view does', async () => {
    rolloutFromBeforeGrants();
    publish();
    devicesAreKnown(200);
    views.policy.policy.rampsUntilMs = START + 10 * MINUTE;
    await clock.advanceTo(START + 50 * MINUTE);
    expect(await samples('sluice_rollout_planned_percent')).toEqual([10]);
    expect(await samples('sluice_rollout_granted_percent')).toEqual([10]);
    expect(await samples('sluice_rollout_exposed_devices')).toEqual([20]);
    expect(await samples('sluice_rollout_eligible_devices')).toEqual([200]);
    const rollout = views.policy.rollout(rolloutId);
    if (rollout.status === 'absent') throw new Error('there is no rollout');
    expect(viewRollout(rollout, knowledge, clock.now())).toMatchObject({ plannedPercent: 10, exposedDevices: 20 });
  });

  it('has no sample for devices that nobody knows of, nor before the health or the catalog is read', async () => {
    rolloutFromBeforeGrants();
    publish();
    const devices = async () => [
      ...(await samples('sluice_rollout_exposed_devices')),
      ...(await samples('sluice_rollout_eligible_devices')),
    ];
    expect(await devices()).toEqual([]);
    devicesAreKnown(200);
    expect(await devices()).toEqual([0, 200]);
    for (const source of ['health', 'catalog'] as const) {
      isRead[source] = false;
      expect(await devices()).toEqual([]);
      isRead[source] = true;
    }
  });

  it('computes once for all metrics that are read together, and for scrapes that come meanwhile', async () => {
    rolloutFromBeforeGrants();
    let computed = 0;
    const { openRollouts } = views.policy;
    views.policy.openRollouts = () => {
      computed += 1;
      return openRollouts.call(views.policy);
    };
    const scrapes = await Promise.all([metrics.registry.metrics(), metrics.registry.metrics()]);
    for (const text of scrapes) expect(text).toContain('sluice_rollout_wave{rollout="r1",patch="p-a"} 1\n');
    // Once for all rollouts; the two that only count, `sluice_rollouts_waiting` and `…_not_measured`, count with each scrape.
    expect(computed).toBe(1 + 2 * scrapes.length);
  });
});

describe('measuring before the own history is read', () => {
  const ofHistory = [
    ...['sluice_rollouts_waiting', 'sluice_rollouts_running', 'sluice_rollouts_halted', 'sluice_rollouts_not_measured'],
    ...['sluice_rollout_wave', 'sluice_holds', 'sluice_holds_active', 'sluice_recalls_open'],
  ];

  it.each(ofHistory)('has no sample of %s', async (name) => {
    rolloutFromBeforeGrants();
    own('hold-h1', { type: 'HoldPlaced', holdId: 'h1', owner: 'ann', slice: {}, reason: 'x' });
    isRead.own = false;
    expect(await samples(name)).toEqual([]);
    isRead.own = true;
    expect(await samples(name)).toHaveLength(1);
    isRead.own = false;
    expect(await samples(name)).toEqual([]);
  });
});
