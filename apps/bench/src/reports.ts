import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { reportsBody } from './examples.ts';
import { type Figure, inWords } from './figure.ts';
import { compare, describeCpu, type Load, put, ratio } from './load.ts';
import { ServerProcess } from './server-process.ts';

const PATH = '/v1/reports';
const BATCH = 1000;
const BATCH_CONNECTIONS = 16;
const WARM_UP_BATCHES = 160;
const MEASURED_BATCHES = 640;
const CONNECTIONS = 64;
const WARM_UP_SECONDS = 3;
const ROUND_SECONDS = 6;
const ROUNDS = 2;

const targets = {
  perSecond: { target: 100_000, beyond: 200_000 },
  ofBare: { target: 0.5, beyond: 0.7 },
  bytes: { target: 60, beyond: 30 },
} as const;

/** Reports a second that are durable when answered, in batches and one a request, and what each takes on the disk. */
export async function measureReports(folder: string): Promise<Figure[]> {
  return [...(await measureBatches(folder)), ...(await measureSingles(folder))];
}

async function measureBatches(folder: string): Promise<Figure[]> {
  const { sluice, bare, data } = await startServers(folder, 'batches', BATCH);
  let batch = 0;
  const load = (requests: number): Load => {
    const from = batch;
    batch += requests;
    const [now, bodies] = [Date.now(), [] as Buffer[]];
    for (let index = from; index < batch; index += 1) bodies.push(Buffer.from(reportsBody(index * BATCH, BATCH, now)));
    let next = 0;
    const nextBody = () => bodies[next++ % requests] ?? '';
    return { path: PATH, connections: BATCH_CONNECTIONS, until: { requests }, bodies: nextBody };
  };
  await put(load(WARM_UP_BATCHES), sluice);
  const measured = await put(load(MEASURED_BATCHES), sluice);
  const peer = await put(load(MEASURED_BATCHES), bare);
  const bytes = await stop({ sluice, bare, data });
  return [
    {
      what: `reports over HTTP, durable, ${String(BATCH)} a request`,
      value: measured.perSecond * BATCH,
      unit: 'perSecond',
      ...targets.perSecond,
      beside: `bare route that parses the same body: ${inWords(peer.perSecond * BATCH)}/s`,
      limitedBy: `CPU a report: ${inWords(measured.servingMicros / BATCH)} µs where it is answered (${inWords(measured.servingShare * 100)} % of a core), ${inWords((measured.allMicros - measured.servingMicros) / BATCH)} µs in other threads; bare ${inWords(peer.servingMicros / BATCH)} µs`,
    },
    {
      what: 'disk per accepted report, in batches',
      value: bytes,
      unit: 'bytes',
      ...targets.bytes,
      beside: 'key and report id, which do not compress: 24 bytes',
      limitedBy: 'the hashes',
    },
  ];
}

async function measureSingles(folder: string): Promise<Figure[]> {
  const { sluice, bare, data } = await startServers(folder, 'singles', 1);
  let n = 0;
  const load = (seconds: number): Load => ({
    path: PATH,
    connections: CONNECTIONS,
    until: { seconds },
    bodies: () => reportsBody((n += 1), 1, Date.now()),
  });
  for (const server of [sluice, bare]) await put(load(WARM_UP_SECONDS), server);
  const measured = await compare(load(ROUND_SECONDS), { sluice, bare }, ROUNDS);
  const bytes = await stop({ sluice, bare, data });
  return [
    {
      what: `reports over HTTP, durable, one a request, ${String(CONNECTIONS)} connections`,
      value: ratio(measured),
      unit: 'ofBare',
      ...targets.ofBare,
      beside: `${inWords(measured.sluice.perSecond)}/s, p99 ${inWords(measured.sluice.p99Ms)} ms, bare ${inWords(measured.bare.perSecond)}/s`,
      limitedBy: describeCpu(measured),
    },
    {
      what: 'disk per accepted report, one a request',
      value: bytes,
      unit: 'bytes',
      ...targets.bytes,
      beside: 'the commits are small: few reports share one',
      limitedBy: 'what each commit carries beside its facts',
    },
  ];
}

interface Servers {
  readonly sluice: ServerProcess;
  readonly bare: ServerProcess;
  readonly data: string;
}

async function startServers(folder: string, name: string, accepted: number): Promise<Servers> {
  const data = join(folder, name);
  mkdirSync(data);
  const answer = { accepted, duplicates: 0, refused: [] };
  const sluice = await ServerProcess.start({ kind: 'reports', folder: data });
  const bare = await ServerProcess.start({ kind: 'bare', path: PATH, status: 202, answer });
  return { sluice, bare, data };
}

/** Stops both. Returns what the store takes on the disk per report that Sluice says to have accepted. */
async function stop({ sluice, bare, data }: Servers): Promise<number> {
  const headers = { authorization: `Bearer ${sluice.token}` };
  const { facts } = (await (await fetch(`${sluice.url}/v1/fleet`, { headers })).json()) as { readonly facts: number };
  await Promise.all([sluice.stop(), bare.stop()]);
  const files = readdirSync(data).filter((file) => file.startsWith('sluice.db'));
  return files.reduce((sum, file) => sum + statSync(join(data, file)).size, 0) / facts;
}
