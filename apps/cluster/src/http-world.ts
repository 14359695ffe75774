import { type ApiClient, bodyOf, createApiClient, type ReplayJob } from '@sluice/api-client';
import { type ServiceName } from '@sluice/contracts/topic-owners';
import { mergeThrough, type ShardThrough } from '@sluice/event-feed';
import { comparePositions, type Position, toTimeText } from '@sluice/event-sourcing';
import { asAdmin, UnexpectedAnswer, World, type WorldAnswer, type WorldRequest } from '@sluice/simulation';
import { Agent, type Dispatcher } from 'undici';

/** Events that cause events that cause events must end; more rounds than this is a loop. */
const SETTLE_ROUNDS_MAX = 200;
const CONNECTIONS_PER_PROCESS_MAX = 32;

/** Where the processes of each service listen. */
export type Addresses = Readonly<Record<ServiceName, readonly string[]>>;

interface WorldTokens {
  readonly admin: string;
  readonly device: string;
}

interface Process {
  readonly service: ServiceName;
  readonly url: string;
  readonly client: ApiClient;
}

/** How far the services have come. */
interface Come {
  readonly heads: Readonly<Record<ServiceName, Position>>;
  readonly through: readonly ShardThrough[];
}

/** Which service answers a path. */
const routes: readonly (readonly [prefix: string, service: ServiceName])[] = [
  ['/v1/patches', 'catalog'],
  ['/v1/imports', 'catalog'],
  ['/v1/check-in', 'orchestrator'],
  ['/v1/rollouts', 'orchestrator'],
  ['/v1/recalls', 'orchestrator'],
  ['/v1/holds', 'orchestrator'],
  ['/v1/reports', 'telemetry'],
  ['/v1/fleet', 'telemetry'],
  ['/v1/devices', 'telemetry'],
  ['/v1/health', 'telemetry'],
];

/**
 * The simulated world around services in several processes, on their manual clocks. What an operator does, and each step of
 * the clock, is followed by a barrier: every follower of every process has applied all that every store holds.
 */
export class HttpWorld extends World {
  private readonly agent = new Agent({ connections: CONNECTIONS_PER_PROCESS_MAX, pipelining: 1 });
  private readonly processes: readonly Process[];
  private turn = 0;

  private constructor(
    private readonly addresses: Addresses,
    private tokens: WorldTokens,
    private time: number,
  ) {
    super();
    this.processes = Object.entries(addresses).flatMap(([service, urls]) =>
      urls.map((url) => {
        const client = createApiClient({ baseUrl: url, send: asAdmin((request) => this.call(url, request)) });
        return { service: service as ServiceName, url, client };
      }),
    );
  }

  /** Makes a token for the gateway of the simulated devices, and sets all clocks. */
  static async enter(addresses: Addresses, admin: string, time: number): Promise<HttpWorld> {
    const world = new HttpWorld(addresses, { admin, device: '' }, time);
    // Of a fleet that was there before, the token may be good still.
    const name = `simulated-fleet ${String(Date.now())}`;
    const body = { name, roles: ['device'], devicePrefix: 'd-' };
    const call = { method: 'POST', path: '/v1/tokens', body, as: 'admin' } as const;
    const created = await world.call(addresses.catalog[0] ?? '', call);
    if (created.status !== 201) throw new UnexpectedAnswer(call, created);
    world.tokens = { admin, device: (created.body as { token: string }).token };
    await world.advanceTo(time);
    return world;
  }

  override now(): number {
    return this.time;
  }

  override async send(request: WorldRequest): Promise<WorldAnswer> {
    if (request.path.startsWith('/v1/replays')) return this.replay(request);
    const found = routes.find(([prefix]) => request.path.startsWith(prefix));
    if (found === undefined) throw new Error(`no service is known to answer ${request.path}`);
    const answer = await this.call(this.processOf(found[1]), request);
    if (request.as === 'admin' && request.method !== 'GET') await this.settle();
    return answer;
  }

  override async advanceTo(ms: number): Promise<void> {
    this.time = ms;
    const body = { now: toTimeText(ms) };
    // One after the other, in the order in which one process does it, so that one seed is one history.
    for (const { client } of this.processes) await bodyOf(client.POST('/v1/clock', { body }));
    await this.settle();
  }

  /** Resolves when every process has applied everything, and nothing new came of it. */
  async settle(): Promise<void> {
    let before = '';
    for (let round = 0; round < SETTLE_ROUNDS_MAX; round += 1) {
      const come = await this.come();
      const { heads, through } = come;
      const now = JSON.stringify(come);
      if (now === before) return;
      before = now;
      const least = Math.min(...through.map(({ throughMs }) => throughMs));
      const isCounted = through.length > 0 && through.length === through[0]?.shards;
      await Promise.all(
        this.processes.map(({ service, client }) => {
          const { catalog, telemetry } = heads;
          const query = { catalog, telemetry, own: heads[service], ...(isCounted && { through: least }) };
          return bodyOf(client.GET('/v1/applied', { params: { query } }));
        }),
      );
    }
    throw new Error(`events went on causing events for ${String(SETTLE_ROUNDS_MAX)} rounds`);
  }

  async close(): Promise<void> {
    await this.agent.close();
  }

  private async come(): Promise<Come> {
    const heads: Record<ServiceName, Position> = { catalog: '0', orchestrator: '0', telemetry: '0' };
    let through: readonly ShardThrough[] = [];
    const answers = await Promise.all(
      this.processes.map(async ({ service, client }) => ({ service, ...(await bodyOf(client.GET('/v1/applied'))) })),
    );
    for (const { service, head, through: own } of answers) {
      if (comparePositions(head, heads[service]) > 0) heads[service] = head;
      through = mergeThrough(through, own);
    }
    return { heads, through };
  }

  /** Instances of one service take turns. */
  private processOf(service: ServiceName): string {
    const urls = this.addresses[service];
    this.turn += 1;
    return urls[this.turn % urls.length] ?? '';
  }

  /** Every process replays what it has; the whole matches when each part does. */
  private async replay(request: WorldRequest): Promise<WorldAnswer> {
    const ids = request.path.split('/')[3]?.split('%2C');
    const answers = await Promise.all(
      this.processes.map(({ url }, index) => {
        const path = ids === undefined ? request.path : `/v1/replays/${ids[index] ?? ''}`;
        return this.call(url, { ...request, path });
      }),
    );
    const refused = answers.find(({ status }) => status >= 400);
    if (refused !== undefined) return refused;
    const jobs = answers.map(({ body }) => body as ReplayJob);
    const open = jobs.find(({ status }) => status !== 'done');
    const id = jobs.map((job) => job.id).join(',');
    const matches = jobs.every((job) => job.matches === true);
    return { status: 200, body: open === undefined ? { id, status: 'done', matches } : { ...open, id } };
  }

  private async call(origin: string, { method, path, body, as }: WorldRequest): Promise<WorldAnswer> {
    const request: Dispatcher.RequestOptions = {
      origin,
      method,
      path,
      headers: {
        authorization: `Bearer ${this.tokens[as]}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    };
    const response = await this.agent.request(request);
    const text = await response.body.text();
    return { status: response.statusCode, body: text === '' ? undefined : JSON.parse(text) };
  }
}
