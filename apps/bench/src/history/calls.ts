import { join } from 'node:path';
import { PATCH } from '../examples.ts';
import { type Figure, inWords, quantile } from '../figure.ts';
import { paced } from '../paced.ts';
import { PulledServer } from '../pulls-beside.ts';
import { patchOf, publicationOf } from '../rollouts.ts';
import { DEVICE_ID, type HistorySize, playHistory, ROLLOUT_ID } from './played-history.ts';

const CALL_MS = 5_000;
const CALLS_MIN = 3;
const PULLS_PER_SECOND = 5;
const PULLS_WARM = 20;
const PULL_TARGET_MS = 100;
const DAY_MS = 86_400_000;

/** The calls that look into the past or over the whole fleet. `at` is in the middle of the history. */
function callsAt(at: string): readonly string[] {
  const { patchId } = PATCH;
  return [
    '/v1/fleet',
    `/v1/fleet?at=${at}`,
    `/v1/fleet/series?patchId=${patchId}`,
    `/v1/devices/${DEVICE_ID}`,
    `/v1/devices/${DEVICE_ID}?at=${at}`,
    `/v1/devices/${DEVICE_ID}/timeline`,
    `/v1/health?patchId=${patchId}`,
    `/v1/patches?at=${at}`,
    `/v1/rollouts/${ROLLOUT_ID}`,
    `/v1/recalls/${patchId}`,
    `/v1/feed?patchId=${patchId}&limit=1000`,
  ];
}

interface Timed {
  readonly callsMs: readonly number[];
  readonly pullsMs: readonly number[];
  readonly bytes: number;
}

/** What each call that looks back takes after a long history, one at a time, and what a pull takes beside it. */
export async function measureCalls(folder: string, size: HistorySize): Promise<Figure[]> {
  const data = join(folder, 'calls');
  const reports = await playHistory(data, size);
  await using server = await PulledServer.start(data);
  const calls = callsAt(new Date(Date.now() - (size.days / 2) * DAY_MS).toISOString());
  const pulls = new PatchesToPull(server);
  await pulls.prepare(PULLS_WARM);
  await Promise.all(Array.from({ length: PULLS_WARM }, () => pulls.pull()));
  const history = `${inWords(size.devices)} devices, ${String(size.days)} days, ${inWords(reports)} reports`;
  const figures: Figure[] = [];
  const all: number[] = [];
  for (const path of calls) {
    process.stderr.write(`  ${path}…\n`);
    const { callsMs, pullsMs, bytes } = await timed(server, pulls, path);
    all.push(...pullsMs);
    figures.push({
      what: `GET ${path.replace(/at=[^&]*/, 'at=…')}, median of ${String(callsMs.length)}`,
      value: quantile(callsMs, 0.5),
      unit: 'ms',
      beside: `slowest ${inWords(Math.max(...callsMs))} ms; pulls beside it p50 ${inWords(quantile(pullsMs, 0.5))}, max ${inWords(Math.max(...pullsMs))} ms of ${String(pullsMs.length)}`,
      limitedBy: `${inWords(bytes)} bytes answered; ${history}`,
    });
  }
  figures.push({
    what: `pull beside all of these, p99 of ${String(all.length)}`,
    value: quantile(all, 0.99),
    unit: 'ms',
    target: PULL_TARGET_MS,
    beside: `p50 ${inWords(quantile(all, 0.5))}, max ${inWords(Math.max(...all))} ms`,
    limitedBy: history,
  });
  return figures;
}

async function timed(server: PulledServer, pulls: PatchesToPull, path: string): Promise<Timed> {
  await pulls.prepare(Math.ceil((PULLS_PER_SECOND * CALL_MS) / 1000) * 2);
  const over = new AbortController();
  const pullsMs: Promise<number>[] = [];
  const pulling = paced({ perSecond: PULLS_PER_SECOND, signal: over.signal }, () => {
    if (pulls.left > 0) pullsMs.push(pulls.pull());
  });
  const callsMs: number[] = [];
  const startedAt = performance.now();
  let bytes = 0;
  while (callsMs.length < CALLS_MIN || performance.now() - startedAt < CALL_MS) {
    const before = performance.now();
    bytes = await server.get(path);
    callsMs.push(performance.now() - before);
  }
  over.abort();
  await pulling;
  return { callsMs, pullsMs: await Promise.all(pullsMs), bytes };
}

/** Patches that nobody has, to be pulled one after the other. */
class PatchesToPull {
  private published = 0;
  private pulled = 0;

  constructor(private readonly server: PulledServer) {}

  get left(): number {
    return this.published - this.pulled;
  }

  async prepare(count: number): Promise<void> {
    while (this.left < count) {
      await this.server.call('/v1/patches', JSON.stringify(publicationOf(patchOf(1_000 + this.published))));
      this.published += 1;
    }
  }

  pull(): Promise<number> {
    this.pulled += 1;
    return this.server.pull(patchOf(1_000 + this.pulled - 1).patchId);
  }
}
