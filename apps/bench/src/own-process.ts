import { type ChildProcess, fork, type ForkOptions } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** This program once more, in a process of its own: the flag says what it is to be, and the role what it is told at its start. */
export function startOwnProcess(flag: string, role: object, options: ForkOptions = {}): ChildProcess {
  // Standard output belongs to the results.
  return fork(fileURLToPath(import.meta.url), [flag, JSON.stringify(role)], {
    ...options,
    stdio: ['ignore', 2, 2, 'ipc'],
  });
}
