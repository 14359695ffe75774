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
  abstract send(request: WorldRequest): Promise<WorldAnswer>;
  /** Domain time in milliseconds since 1970. */
  abstract now(): number;
  /**
   * Moves the clock, and resolves when everything that follows from it has settled: the barrier that makes one seed
   * one history. Only a simulation on a manual clock calls it.
   */
  abstract advanceTo(ms: number): Promise<void>;
}

/** Sluice answered something else than the simulation relies on. */
export class UnexpectedAnswer extends Error {
  override readonly name = 'UnexpectedAnswer';

  constructor(request: WorldRequest, answer: WorldAnswer) {
    super(`${request.method} ${request.path} answered ${String(answer.status)}: ${JSON.stringify(answer.body)}`);
  }
}

/** Sends as `admin` (devices use `send`), and takes only the given statuses; throws UnexpectedAnswer for others. */
export async function ask(
  world: World,
  method: WorldRequest['method'],
  path: string,
  { body, statuses = [200] }: { body?: unknown; statuses?: readonly number[] } = {},
): Promise<WorldAnswer> {
  const request: WorldRequest = { method, path, as: 'admin', ...(body !== undefined && { body }) };
  const answer = await world.send(request);
  if (!statuses.includes(answer.status)) throw new UnexpectedAnswer(request, answer);
  return answer;
}
