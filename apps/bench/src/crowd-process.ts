import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const START_MS_MAX = 30_000;

/** This program as a crowd, in a process of its own. Resolves once that tells that all of it is there; `stop` resolves with its tally. */
export async function startCrowdProcess<Tally>(flag: string, role: object): Promise<{ stop(): Promise<Tally> }> {
  // Standard output belongs to the results.
  const child = fork(fileURLToPath(import.meta.url), [flag, JSON.stringify(role)], {
    stdio: ['ignore', 2, 2, 'ipc'],
  });
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
