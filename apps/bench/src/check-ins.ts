import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { checkInBody } from './examples.ts';
import { type Figure, inWords } from './figure.ts';
import { compare, describeCpu, type Load, put, ratio } from './load.ts';
import { ServerProcess } from './server-process.ts';

const PATH = '/v1/check-in';
const CONNECTIONS = 64;
const DIFFERENT_BODIES = 64;
const WARM_UP_SECONDS = 3;
const ROUND_SECONDS = 6;
const ROUNDS = 2;
const TARGET_OF_BARE = 0.7;
const BEYOND_OF_BARE = 0.8;
const BATCHES_PATH = '/v1/check-ins';
const BATCH = 1000;
const DIFFERENT_BATCHES = 8;
const BATCH_CONNECTIONS = 8;
const WARM_UP_BATCHES = 240;
const MEASURED_BATCHES = 1600;
const BATCH_TARGET_PER_SECOND = 250_000;
const BATCH_BEYOND_PER_SECOND = 400_000;

/** Check-ins a second that one core answers, beside a bare Fastify route that answers the same bytes; and in batches. */
export async function measureCheckIns(folder: string): Promise<Figure[]> {
  const own = join(folder, 'check-ins');
  mkdirSync(own);
  const sluice = await ServerProcess.start({ kind: 'check-ins', folder: own });
  const figures = [await measureSingles(sluice), await measureBatches(sluice)];
  await sluice.stop();
  return figures;
}

async function measureSingles(sluice: ServerProcess): Promise<Figure> {
  const answer = await ask(sluice);
  const bare = await ServerProcess.start({ kind: 'bare', path: PATH, status: 200, answer });
  const bodies = Array.from({ length: DIFFERENT_BODIES }, (_, n) => checkInBody(n));
  const load = (seconds: number): Load => ({ path: PATH, connections: CONNECTIONS, bodies, until: { seconds } });
  for (const server of [sluice, bare]) await put(load(WARM_UP_SECONDS), server);
  const measured = await compare(load(ROUND_SECONDS), { sluice, bare }, ROUNDS);
  await bare.stop();
  return {
    what: 'check-ins over HTTP, one core serving',
    value: ratio(measured),
    unit: 'ofBare',
    target: TARGET_OF_BARE,
    beyond: BEYOND_OF_BARE,
    beside: `${inWords(measured.sluice.perSecond)}/s, bare ${inWords(measured.bare.perSecond)}/s`,
    limitedBy: describeCpu(measured),
  };
}

async function measureBatches(sluice: ServerProcess): Promise<Figure> {
  const bare = await ServerProcess.start({ kind: 'bare', path: BATCHES_PATH, status: 200, answer: { answers: [] } });
  const bodies = Array.from({ length: DIFFERENT_BATCHES }, (_, batch) => {
    const devices = Array.from({ length: BATCH }, (__, n) => checkInBody(batch * BATCH + n));
    return `{"devices":[${devices.join(',')}]}`;
  });
  const load = (requests: number): Load => ({
    ...{ path: BATCHES_PATH, connections: BATCH_CONNECTIONS, bodies, until: { requests } },
  });
  for (const server of [sluice, bare]) await put(load(WARM_UP_BATCHES), server);
  const measured = await put(load(MEASURED_BATCHES), sluice);
  const peer = await put(load(MEASURED_BATCHES), bare);
  await bare.stop();
  return {
    what: `check-ins over HTTP, ${String(BATCH)} a request`,
    value: measured.perSecond * BATCH,
    unit: 'perSecond',
    target: BATCH_TARGET_PER_SECOND,
    beyond: BATCH_BEYOND_PER_SECOND,
    beside: `bare route that parses the same body and answers nothing: ${inWords(peer.perSecond * BATCH)}/s`,
    limitedBy: `CPU a check-in: ${inWords(measured.servingMicros / BATCH)} µs (${inWords(measured.servingShare * 100)} % of a core), bare ${inWords(peer.servingMicros / BATCH)} µs`,
  };
}

async function ask(server: ServerProcess): Promise<object> {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${server.token}` };
  const response = await fetch(`${server.url}${PATH}`, { method: 'POST', headers, body: checkInBody(0) });
  const answer = (await response.json()) as { readonly directive?: string };
  if (answer.directive !== 'install') throw new Error(`a check-in was answered with ${JSON.stringify(answer)}`);
  return answer;
}
