import { createApiClient, type Send } from '@sluice/api-client';

/** A request of a device, a gateway, or a person, as it goes over Sluice's HTTP contract (design §4). */
export interface WorldRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
  readonly as: 'admin' | 'device';
}

export interface WorldAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** The port to the Sluice under simulation, and to the clock that both live by. */
export abstract class World {
  /** The calls of people; they go through `send`, as the admin. */
  readonly api = createApiClient({ baseUrl: 'http://sluice', send: asAdmin((request) => this.send(request)) });

  abstract send(request: WorldRequest): Promise<WorldAnswer>;
  /** Domain time in milliseconds since 1970. */
  abstract now(): number;
  /**
   * Moves the clock, and resolves when everything that follows from it has settled: the barrier that makes one seed
   * one history. Only a simulation on a manual clock calls it.
   */
  abstract advanceTo(ms: number): Promise<void>;
}

/** What a client sends, as requests of the admin. */
export function asAdmin(send: (request: WorldRequest) => Promise<WorldAnswer>): Send {
  return async (request) => {
    const { pathname, search } = new URL(request.url);
    const text = await request.text();
    const { status, body } = await send({
      method: request.method as WorldRequest['method'],
      path: pathname + search,
      as: 'admin',
      ...(text !== '' && { body: JSON.parse(text) as unknown }),
    });
    return new Response(body === undefined ? null : JSON.stringify(body), { status });
  };
}

/** Sluice answered a device with something else than the simulation relies on. */
export class UnexpectedAnswer extends Error {
  override readonly name = 'UnexpectedAnswer';

  constructor(request: WorldRequest, answer: WorldAnswer) {
    super(`${request.method} ${request.path} answered ${String(answer.status)}: ${JSON.stringify(answer.body)}`);
  }
}
