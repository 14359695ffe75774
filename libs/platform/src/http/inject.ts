import { type Server } from 'node:http';
import lightMyRequest, { type InjectOptions, type Response } from 'light-my-request';

/** A request to a server of this process without a socket, through the handler that the server has: device routes too. */
export function injectInto(server: Server, request: InjectOptions): Promise<Response> {
  return lightMyRequest((incoming, response) => server.emit('request', incoming, response), request);
}
