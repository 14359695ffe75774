import { type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import { type Socket } from 'node:net';
import { type ErrorCode } from '@sluice/contracts/errors';
import { ProblemError, toProblem } from './problem.ts';

/**
 * So many connections may be without a sound token at once, a hundred times what operators and their tools open in an
 * instant. At 2,000 new ones a second a newcomer still has half a second to send its token, and all of them together
 * hold at most 16 MiB of headers.
 */
const STRANGERS_MAX = 1_000;

/** Where each connection without a sound token is listed. */
const strangerLists = new WeakMap<object, { readonly list: Map<string, Socket>; readonly key: string }>();

/**
 * Bounds the connections that have not sent a sound token yet: one more, and the oldest of them is closed. Those that
 * have sent one are never closed for it. To be called before the server listens; for a server with or without TLS.
 */
export function boundStrangers(server: Server, strangersMax = STRANGERS_MAX): void {
  const list = new Map<string, Socket>();
  server.on('connection', (socket: Socket) => {
    const key = keyOf(socket);
    list.set(key, socket);
    strangerLists.set(socket, { list, key });
    socket.once('close', () => {
      if (list.get(key) === socket) list.delete(key);
    });
    if (list.size <= strangersMax) return;
    const [[oldestKey, oldest] = [key, socket]] = list;
    list.delete(oldestKey);
    oldest.destroy();
  });
  // With TLS, requests come on another object than the connection does.
  server.on('secureConnection', (socket: Socket) => strangerLists.set(socket, { list, key: keyOf(socket) }));
}

/** The connection has sent a sound token: from now on it is not among those that make room for others. */
export function recognize(socket: Socket): void {
  const entry = strangerLists.get(socket);
  if (entry === undefined) return;
  strangerLists.delete(socket);
  entry.list.delete(entry.key);
}

/** Whether no sound token came on the connection yet. Such a one is closed after its first answer. */
export function isStranger(socket: Socket): boolean {
  return strangerLists.has(socket);
}

/** Answers `CONNECT`, which node hands to no handler of requests. */
export function refuseTunnels(server: Server): void {
  server.on('connect', (_, socket) => socket.end(rawProblem('malformed-request')));
}

/** Has a client that asks first (`Expect: 100-continue`) wait until its token and the announced length were checked. */
export function holdContinue(server: Server): void {
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    awaitingContinue.add(request);
    server.emit('request', request, response);
  });
  // An expectation that is not known is nobody's loss.
  server.on('checkExpectation', (request, response) => server.emit('request', request, response));
}

const awaitingContinue = new WeakSet<IncomingMessage>();

/** Tells a client that waits for it to send the body. */
export function letContinue(request: IncomingMessage, response: ServerResponse): void {
  if (awaitingContinue.delete(request)) response.writeContinue();
}

const answers = new WeakMap<Socket, ServerResponse>();

/** Remembers which answer is under way on the connection, so that none gets into another. */
export function rememberAnswer(socket: Socket, response: ServerResponse): void {
  answers.set(socket, response);
}

/** Answers what node's parser refuses, and closes the connection. Returns the code of the answer, undefined without one. */
export function answerUnreadable(error: NodeJS.ErrnoException, socket: Socket): ErrorCode | undefined {
  const code = codes.get(error.code ?? '') ?? 'malformed-request';
  const response = answers.get(socket);
  if ((response?.headersSent === true && !response.writableFinished) || !socket.writable) {
    socket.destroy();
    return undefined;
  }
  socket.end(rawProblem(code));
  return code;
}

const codes: ReadonlyMap<string, ErrorCode> = new Map([
  ['HPE_HEADER_OVERFLOW', 'headers-too-large'],
  ['ERR_HTTP_REQUEST_TIMEOUT', 'request-too-slow'],
]);

function rawProblem(code: ErrorCode): string {
  const { problem } = toProblem(new ProblemError(code));
  const body = JSON.stringify(problem);
  const head = [
    `HTTP/1.1 ${String(problem.status)} ${STATUS_CODES[problem.status] ?? ''}`,
    'content-type: application/problem+json; charset=utf-8',
    `content-length: ${String(Buffer.byteLength(body))}`,
    'connection: close',
  ];
  return `${head.join('\r\n')}\r\n\r\n${body}`;
}

/** The address of the other end, which no two connections share at once. */
function keyOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress ?? ''} ${String(remotePort)}`;
}
