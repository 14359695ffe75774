import { randomUUID } from 'node:crypto';
import { type ApiClient, createApiClient } from '@sluice/api-client';
import { type ServiceName } from '@sluice/contracts/topic-owners';
import { EventSourceParserStream, type EventSourceMessage } from 'eventsource-parser/stream';
import { type Connection } from './connection.ts';
import { CliError, interrupted } from './errors.ts';
import { toRefusal } from './refusal.ts';
import { type Trace } from './trace.ts';

const ANSWER_TIMEOUT_MS = 30_000;
const PAGE_ITEMS_MAX = 1000;
const CONNECTION_LOST = 'connection-lost';
/** How a connection ends that was there before. */
const LOST_CODES: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET']);
const SSE_BUFFER_CHARACTERS_MAX = 16 * 1024 * 1024;

const services = ['catalog', 'orchestrator', 'telemetry'] as const satisfies readonly ServiceName[];

type Query = Readonly<Record<string, string | number | undefined>>;

/** One address, and the services behind it. */
export interface Host {
  readonly url: string;
  readonly services: readonly [ServiceName, ...ServiceName[]];
}

export interface Page<Item> {
  readonly items: readonly Item[];
  readonly nextCursor?: string;
  /** How many there are in all, where the server says it; null when it cannot. */
  readonly total?: number | null;
}

export type During = <Result>(label: () => string, work: Promise<Result>) => Promise<Result>;

/** The services of Sluice over HTTP. Every failure is a CliError. */
export class Api {
  /** Of several tokens that were found, the one that the server knows. */
  private tokenAt = 0;

  constructor(
    private readonly connection: Connection,
    private readonly signal: AbortSignal,
    private readonly around: { readonly during: During; readonly trace: Trace | undefined },
  ) {}

  /** The distinct addresses, each with the services behind it. */
  hosts(among: readonly ServiceName[] = services): Host[] {
    const hosts = new Map<string, Host['services']>();
    for (const service of among) {
      const url = this.connection.addresses[service];
      hosts.set(url, [...(hosts.get(url) ?? []), service] as Host['services']);
    }
    return [...hosts].map(([url, behind]) => ({ url, services: behind }));
  }

  /** Where the token comes from that is sent; undefined when none was found. */
  get tokenOrigin(): string | undefined {
    return this.connection.tokens[this.tokenAt]?.origin;
  }

  /** The operations of a service. What is no success is thrown. */
  of(service: ServiceName, timeoutMs = ANSWER_TIMEOUT_MS): ApiClient {
    const baseUrl = this.connection.addresses[service];
    return createApiClient({ baseUrl, send: (request) => this.answer(request, timeoutMs) });
  }

  /** The metrics of the process behind a service, in the text format of Prometheus. */
  async metrics(service: ServiceName): Promise<string> {
    const url = addressWith(this.connection.addresses[service], '/metrics', {});
    const response = await this.send(new Request(url), AbortSignal.timeout(ANSWER_TIMEOUT_MS));
    return response.text().catch((error: unknown) => {
      throw this.toCliError(error, url);
    });
  }

  /** Follows the cursors of a list until so many items are there; `nextCursor` tells that there are more. */
  async list<Item>(
    limit: number,
    pageOf: (page: { readonly limit: number; readonly cursor: string | undefined }) => Promise<Page<Item>>,
  ): Promise<Page<Item>> {
    const items: Item[] = [];
    let cursor: string | undefined;
    let total: number | null | undefined;
    do {
      const next = await pageOf({ limit: Math.min(limit - items.length, PAGE_ITEMS_MAX), cursor });
      items.push(...next.items);
      total ??= next.total;
      cursor = next.items.length > 0 ? next.nextCursor : undefined;
    } while (cursor !== undefined && items.length < limit);
    const counted = total !== undefined && { total };
    return cursor === undefined ? { items, ...counted } : { items, ...counted, nextCursor: cursor };
  }

  /** The server-sent events of one address; ends when the server closes, throws when the line breaks. */
  async *stream(
    service: ServiceName,
    path: string,
    query: Query,
    idle: AbortSignal,
  ): AsyncGenerator<EventSourceMessage> {
    const url = addressWith(this.connection.addresses[service], path, query);
    const response = await this.send(new Request(url, { headers: { accept: 'text/event-stream' } }), idle);
    if (response.body === null) return;
    const messages = response.body
      .pipeThrough(new TextDecoderStream())
      .pipeThrough(new EventSourceParserStream({ maxBufferSize: SSE_BUFFER_CHARACTERS_MAX }));
    try {
      yield* messages;
    } catch (error) {
      throw this.toCliError(error, url);
    }
  }

  /**
   * The whole answer to a request, which is JSON or nothing. A command has a key of its own, so that it can be sent once more
   * when the connection was lost, and is still carried out once.
   */
  private answer(request: Request, timeoutMs: number): Promise<Response> {
    const url = new URL(request.url);
    const isReading = request.method === 'GET';
    if (!isReading) request.headers.set('idempotency-key', randomUUID());
    const exchange = async () => {
      const response = await this.send(request, AbortSignal.timeout(timeoutMs));
      const text = await response.text().catch((error: unknown) => {
        throw this.toCliError(error, url);
      });
      checkAnswer(text, url);
      return new Response(text === '' ? null : text, response);
    };
    const answer = exchange().catch((error: unknown) => {
      if (isReading || !isLost(error)) throw error;
      return exchange();
    });
    return this.around.during(() => `waiting for ${url.origin} …`, answer);
  }

  /** Sends the request with the token that the server knows. */
  private async send(request: Request, limit: AbortSignal, tokenAt = this.tokenAt): Promise<Response> {
    const token = this.connection.tokens[tokenAt];
    const attempt = new Request(request.clone(), { signal: AbortSignal.any([limit, this.signal]) });
    if (token !== undefined) attempt.headers.set('authorization', `Bearer ${token.text}`);
    const step = this.around.trace?.begin(attempt);
    const response = await fetch(attempt).catch((error: unknown) => {
      step?.end(undefined);
      throw this.toCliError(error, new URL(request.url));
    });
    step?.end(response.status);
    if (response.status === 401 && tokenAt + 1 < this.connection.tokens.length) {
      await response.body?.cancel();
      return this.send(request, limit, tokenAt + 1);
    }
    this.tokenAt = tokenAt;
    if (response.ok) return response;
    throw await toRefusal(response, { isReading: request.method === 'GET', token });
  }

  private toCliError(error: unknown, url: URL): CliError {
    if (this.signal.aborted) return interrupted();
    if (error instanceof Error && error.name === 'TimeoutError') {
      return new CliError('unavailable', 'timeout', {
        what: `${url.origin} did not answer in time.`,
        next: 'What was asked may still be done: look before you repeat it. `sluice health` tells how the services are.',
      });
    }
    const cause = error instanceof Error ? error.cause : undefined;
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : undefined;
    if (code !== undefined && LOST_CODES.has(code)) {
      return new CliError('unavailable', CONNECTION_LOST, {
        what: `${url.origin} has broken off the connection.`,
        next: 'What was asked may still be done: look before you repeat it. `sluice health` tells how the services are.',
      });
    }
    const refused = code === 'ECONNREFUSED';
    return new CliError('unavailable', 'unreachable', {
      what: refused ? `Nothing listens at ${url.origin}.` : `${url.origin} was not reached.`,
      next: 'Start Sluice with `npm start`, or name the address with --url or SLUICE_URL.',
      ...(refused ? {} : { detail: cause instanceof Error ? cause.message : String(error) }),
    });
  }
}

function isLost(error: unknown): boolean {
  return error instanceof CliError && error.code === CONNECTION_LOST;
}

function checkAnswer(text: string, url: URL): void {
  try {
    if (text !== '') JSON.parse(text);
  } catch {
    throw new CliError('unavailable', 'not-sluice', {
      what: `${url.origin} answered with something that is not JSON.`,
      next: 'Name the address of Sluice with --url or SLUICE_URL.',
    });
  }
}

function addressWith(base: string, path: string, query: Query): URL {
  const url = new URL(`${base}${path}`);
  for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, String(value));
  return url;
}
