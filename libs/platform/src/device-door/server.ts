import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type FastifyServerOptions } from 'fastify';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** What Fastify hands on of its options, with all defaults filled in. */
type ServerOptions = Pick<
  FastifyServerOptions,
  'keepAliveTimeout' | 'requestTimeout' | 'connectionTimeout' | 'maxRequestsPerSocket'
> & { readonly http?: object; readonly https?: object | null };

/** The server that Fastify would make, with a handler of ours. */
export function createDoorServer(handler: Handler, options: ServerOptions): Server {
  const server = options.https ? createTlsServer(options.https, handler) : createServer(options.http ?? {}, handler);
  const { keepAliveTimeout, requestTimeout, connectionTimeout, maxRequestsPerSocket } = options;
  if (keepAliveTimeout !== undefined) server.keepAliveTimeout = keepAliveTimeout;
  if (requestTimeout !== undefined) server.requestTimeout = requestTimeout;
  if (connectionTimeout !== undefined) server.setTimeout(connectionTimeout);
  if (maxRequestsPerSocket) server.maxRequestsPerSocket = maxRequestsPerSocket;
  return server;
}
