import autocannon from 'autocannon';
import { inWords } from './figure.ts';
import { type ServerProcess } from './server-process.ts';

export interface Load {
  readonly path: string;
  readonly connections: number;
  /** The bodies to be sent over and over, or a function that gives the next one, which costs the sender more. */
  readonly bodies: readonly string[] | (() => string | Buffer);
  /** How long, or how many requests. */
  readonly until: { readonly seconds: number } | { readonly requests: number };
}

export interface Comparison {
  readonly sluice: LoadResult;
  readonly bare: LoadResult;
}

export interface LoadResult {
  readonly perSecond: number;
  readonly answered: number;
  readonly p99Ms: number;
  /** Microseconds of processor time a request: of the thread that answers, of that in the kernel, and of all threads of the server. */
  readonly servingMicros: number;
  readonly kernelMicros: number;
  readonly allMicros: number;
  /** Processor time of the answering thread per wall time; 1 is a core that is busy all the time. */
  readonly servingShare: number;
}

/** Sends requests as fast as the server answers. Throws when one of them is not answered with success. */
export async function put(load: Load, server: ServerProcess): Promise<LoadResult> {
  const { path, connections, bodies, until } = load;
  const before = await server.cpuUsage();
  const startedAt = performance.now();
  let [answered, lastAnswerAt] = [0, startedAt];
  const result = await autocannon({
    url: `${server.url}${path}`,
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${server.token}` },
    connections,
    ...('seconds' in until ? { duration: until.seconds } : { amount: until.requests }),
    requests:
      typeof bodies === 'function'
        ? [{ setupRequest: (request) => ({ ...request, body: bodies() }) }]
        : bodies.map((body) => ({ body })),
    setupClient: (client) => {
      client.on('response', () => {
        answered += 1;
        lastAnswerAt = performance.now();
      });
    },
  });
  const seconds = (lastAnswerAt - startedAt) / 1000;
  const after = await server.cpuUsage();
  const serving = after.serving - before.serving;
  if (result.non2xx + result.errors + result.timeouts > 0 || answered === 0) {
    throw new Error(`${path}: ${String(result.non2xx)} refused, ${String(result.errors + result.timeouts)} lost`);
  }
  return {
    perSecond: answered / seconds,
    answered,
    p99Ms: result.latency.p99,
    servingMicros: serving / answered,
    kernelMicros: (after.servingKernel - before.servingKernel) / answered,
    allMicros: (after.allThreads - before.allThreads) / answered,
    servingShare: serving / 1e6 / seconds,
  };
}

/** The mean of several results of the same load. */
export function mean(results: readonly LoadResult[]): LoadResult {
  const of = (name: keyof LoadResult) => results.reduce((sum, each) => sum + each[name], 0) / results.length;
  return {
    perSecond: of('perSecond'),
    answered: of('answered'),
    p99Ms: of('p99Ms'),
    servingMicros: of('servingMicros'),
    kernelMicros: of('kernelMicros'),
    allMicros: of('allMicros'),
    servingShare: of('servingShare'),
  };
}

/** The same load on Sluice and on its bare peer in turns, so that a machine that slows down slows both. */
export async function compare(
  load: Load,
  servers: { readonly sluice: ServerProcess; readonly bare: ServerProcess },
  rounds: number,
): Promise<Comparison> {
  const results = { sluice: [] as LoadResult[], bare: [] as LoadResult[] };
  for (let round = 0; round < rounds; round += 1) {
    results.sluice.push(await put(load, servers.sluice));
    results.bare.push(await put(load, servers.bare));
  }
  return { sluice: mean(results.sluice), bare: mean(results.bare) };
}

/**
 * Sluice's part of what the bare route does: of the requests a second, or, where that is less, of the requests a second of
 * processor time, because a sender that is at its own limit makes all servers equal.
 */
export function ratio({ sluice, bare }: Comparison): number {
  return Math.min(sluice.perSecond / bare.perSecond, bare.servingMicros / sluice.servingMicros);
}

/** The processor time that each request took, and how busy the cores were with it. */
export function describeCpu({ sluice, bare }: Comparison): string {
  const one = (each: LoadResult) =>
    `${inWords(each.servingMicros)} µs, ${inWords(each.kernelMicros)} of them in the kernel (${inWords(each.servingShare * 100)} % of a core)`;
  return `CPU a request: ${one(sluice)}, bare ${one(bare)}`;
}
