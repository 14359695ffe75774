import { describe, expect, it } from 'vitest';
import { Rejection, type Step, StoreUnavailable, Traces } from './index.ts';

class Endings extends Traces {
  readonly failures: (string | undefined)[] = [];

  override begin(): Step {
    return { traceparent: undefined, add: () => undefined, end: (failure) => this.failures.push(failure) };
  }
}

describe('failing in a step', () => {
  it.each<[string, unknown, string]>([
    ['a rejection', new Rejection('patch-unknown', 'what somebody sent'), 'patch-unknown'],
    ['an error of the system', Object.assign(new Error('no /secret'), { code: 'ENOSPC' }), 'ENOSPC'],
    ['an error of its own kind', new StoreUnavailable('what somebody sent'), 'StoreUnavailable'],
    ['a code that is none', Object.assign(new Error('x'), { code: 'what somebody sent' }), 'Error'],
    ['what is no error', 'what somebody sent', 'unknown'],
  ])('tells the code or the kind of %s, and not its words', async (_, error, failure) => {
    const traces = new Endings();
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- anything may be thrown
    const work = () => Promise.reject(error);
    await expect(traces.during('append', { parent: 'p' }, work)).rejects.toBe(error);
    expect(traces.failures).toEqual([failure]);
  });
});
