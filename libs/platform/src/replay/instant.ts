import { parseTime } from '@sluice/contracts/times';
import { type Clock, toTimeText } from '@sluice/event-sourcing';
import { ProblemError } from '../http/problem.ts';

/** An instant that `at` names (RFC 3339, checked at the door), as records have it. Throws 'at-in-future'. */
export function instantOf(at: string, clock: Clock): string {
  const ms = parseTime(at);
  if (ms > clock.now()) throw new ProblemError('at-in-future', `${at} is after ${clock.nowText()}, which is now here`);
  return toTimeText(ms);
}
