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

/** Check-ins a second that one core answers, beside a bare Fastify route that answers the same bytes. */
export async function measureCheckIns(folder: string): Promise<Figure[]> {
  const own = join(folder, 'check-ins');
  mkdirSync(own);
  const sluice = await ServerProcess.start({ kind: 'check-ins', folder: own });
  const answer = await ask(sluice);
  const bare = await ServerProcess.start({ kind: 'bare', path: PATH, status: 200, answer });
  const bodies = Array.from({ length: DIFFERENT_BODIES }, (_, n) => checkInBody(n));
  const load = (seconds: number): Load => ({ path: PATH, connections: CONNECTIONS, bodies, until: { seconds } });
  for (const server of [sluice, bare]) await put(load(WARM_UP_SECONDS), server);
  const measured = await compare(load(ROUND_SECONDS), { sluice, bare }, ROUNDS);
  await Promise.all([sluice.stop(), bare.stop()]);
  return [
    {
      what: 'check-ins over HTTP, one core serving',
      value: ratio(measured),
      unit: 'ofBare',
      target: TARGET_OF_BARE,
      beyond: BEYOND_OF_BARE,
      beside: `${inWords(measured.sluice.perSecond)}/s, bare ${inWords(measured.bare.perSecond)}/s`,
      limitedBy: describeCpu(measured),
    },
  ];
}

async function ask(server: ServerProcess): Promise<object> {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${server.token}` };
  const response = await fetch(`${server.url}${PATH}`, { method: 'POST', headers, body: checkInBody(0) });
  const answer = (await response.json()) as { readonly directive?: string };
  if (answer.directive !== 'install') throw new Error(`a check-in was answered with ${JSON.stringify(answer)}`);
  return answer;
}
