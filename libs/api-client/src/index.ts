import createClient, { type Client } from 'openapi-fetch';
import { type paths } from './generated.ts';

export type * from './generated.ts';
export { enums } from './generated.ts';

/** The operations of Sluice at one address: `client.GET('/v1/rollouts/{id}', { params: { path: { id } } })`. */
export type ApiClient = Client<paths>;

/** Sends a request, with the token of the caller. What it throws reaches who called the client. */
export type Send = (request: Request) => Promise<Response>;

/** Sluice refused a call, or failed. */
export class RefusedCall extends Error {
  override readonly name = 'RefusedCall';

  constructor(
    call: string,
    readonly status: number,
    /** A Problem, as far as Sluice itself answered. */
    readonly problem: unknown,
  ) {
    super(`${call} answered ${String(status)}: ${JSON.stringify(problem)}`);
  }
}

export function createApiClient({ baseUrl, send }: { readonly baseUrl: string; readonly send: Send }): ApiClient {
  return createClient<paths>({ baseUrl, fetch: send });
}

/** What a call answers with where it is done. Throws RefusedCall. */
export async function bodyOf<
  Answer extends { readonly data?: unknown; readonly error?: unknown; readonly response: Response },
>(call: Promise<Answer>): Promise<Exclude<Answer['data'], undefined>> {
  const { data, error, response } = await call;
  if (!response.ok) throw new RefusedCall(response.url, response.status, error);
  return data as Exclude<Answer['data'], undefined>;
}

/** The fields that are there: a query or a body has no field that is undefined. */
export function given<Fields extends object>(fields: Fields): Given<Fields> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Given<Fields>;
}

type Given<Fields> = { [Name in keyof Fields]?: Exclude<Fields[Name], undefined> };
