import { isTraceparent } from '@sluice/contracts/traceparent';
import { type Step, type Traces } from '@sluice/event-sourcing';
import { type FastifyInstance, type FastifyRequest } from 'fastify';
import { callerOf } from '../auth/auth.ts';
import { problemCodeOf } from '../http/problem.ts';
import { isReading, patternOf } from '../http/route-rules.ts';

const steps = new WeakMap<FastifyRequest, Step>();

/** The trace context of the request, for what follows from it; undefined where it is not traced. */
export function traceparentOf(request: FastifyRequest): string | undefined {
  return steps.get(request)?.traceparent;
}

/**
 * Makes a step of each command of a known caller, and of each other request that continues a trace. What a stranger says of
 * traces is not believed. To be called after the door is there. Device routes are not reached by it.
 */
export function traceRequests(instance: FastifyInstance, traces: Traces): void {
  instance.addHook('onRequest', (request, _reply, done) => {
    begin(request, traces);
    done();
  });
  instance.addHook('onResponse', (request, reply, done) => {
    const step = steps.get(request);
    const code = problemCodeOf(request);
    step?.add({ 'http.response.status_code': reply.statusCode, 'sluice.code': code });
    step?.end(reply.statusCode >= 500 ? code : undefined);
    done();
  });
}

function begin(request: FastifyRequest, traces: Traces): void {
  const caller = callerOf(request);
  if (caller === undefined) return;
  const { traceparent: given } = request.headers;
  const parent = isTraceparent(given) ? given : undefined;
  if (parent === undefined && isReading(request)) return;
  const route = patternOf(request);
  const details = { 'http.request.method': request.method, 'http.route': route, 'sluice.actor': caller.loggedName };
  steps.set(request, traces.begin(`${request.method} ${route}`, parent, { kind: 'server', details }));
}
