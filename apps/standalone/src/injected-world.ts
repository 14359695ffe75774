import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { type Clock } from '@sluice/event-sourcing';
import { Followers, inject, ManualClock, type Tokens } from '@sluice/platform';
import { World, type WorldAnswer, type WorldRequest } from '@sluice/simulation';

/** The simulated world inside this process: the real HTTP routes, reached without a socket. */
export class InjectedWorld extends World {
  private readonly followers: Followers;
  private readonly bearers: Record<WorldRequest['as'], string>;

  constructor(
    private readonly app: NestFastifyApplication,
    private readonly clock: Clock,
    tokens: Tokens,
  ) {
    super();
    this.followers = app.get(Followers);
    const token = tokens.createLocal(GATEWAY, ['device'], { devicePrefix: 'd-' });
    this.bearers = { admin: `Bearer ${tokens.adminToken()}`, device: `Bearer ${token}` };
  }

  override async send({ method, path, body, as }: WorldRequest): Promise<WorldAnswer> {
    const response = await inject(this.app, {
      method,
      url: path,
      headers: { authorization: this.bearers[as] },
      ...(body !== undefined && { payload: body as object }),
    });
    // What follows from a command follows before time goes on, as in services that run apart: one seed is one history.
    if (as === 'admin' && method !== 'GET') await this.followers.settle();
    return { status: response.statusCode, body: response.body === '' ? undefined : response.json<unknown>() };
  }

  override now(): number {
    return this.clock.now();
  }

  override async advanceTo(ms: number): Promise<void> {
    if (!(this.clock instanceof ManualClock)) throw new Error('only a manual clock can be moved');
    await this.clock.advanceTo(ms);
    await this.followers.settle();
  }
}

/** The token of the simulated devices' gateway. */
const GATEWAY = 'simulated-fleet';
