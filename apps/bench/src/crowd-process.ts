import { once } from 'node:events';
import { startOwnProcess } from './own-process.ts';

const START_MS_MAX = 30_000;

/** This program as a crowd, in a process of its own. Resolves once that tells that all of it is there; `stop` resolves with its tally. */
export async function startCrowdProcess<Tally>(flag: string, role: object): Promise<{ stop(): Promise<Tally> }> {
  const child = startOwnProcess(flag, role);
  await once(child, 'message', { signal: AbortSignal.timeout(START_MS_MAX) });
  return {
    async stop() {
      child.send('stop');
      const [tally] = (await once(child, 'message')) as [Tally];
      child.disconnect();
      return tally;
    },
  };
}
