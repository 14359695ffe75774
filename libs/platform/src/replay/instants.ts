import { parseTime } from '@sluice/contracts/times';
import { type Clock, toTimeText } from '@sluice/event-sourcing';
import { ProblemError } from '../http/problem.ts';

/**
 * The instant of an `?at=` in recorded time, as events carry it. Throws 'invalid-request' for a time that does not exist, and
 * 'at-in-future'.
 */
export function pastInstant(at: string, clock: Pick<Clock, 'now' | 'nowText'>): string {
  const ms = parseTime(at);
  if (Number.isNaN(ms)) {
    throw new ProblemError('invalid-request', undefined, [{ path: '/at', code: 'time', detail: 'no such time' }]);
  }
  if (ms > clock.now()) {
    throw new ProblemError('at-in-future', `${at} is after ${clock.nowText()}, which is now here`);
  }
  return toTimeText(ms);
}
