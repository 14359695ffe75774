import { exitCodes } from './errors.ts';
import { run } from './program.ts';

/** The launcher passes on what the terminal has sent to us already; only a later one is the person's second Ctrl-C. */
const SAME_INTERRUPT_MS = 500;

const interrupt = new AbortController();
let interruptedAt = 0;
process.on('SIGINT', () => {
  if (interrupt.signal.aborted && performance.now() - interruptedAt > SAME_INTERRUPT_MS) {
    process.exit(exitCodes.interrupted.code);
  }
  if (!interrupt.signal.aborted) interruptedAt = performance.now();
  interrupt.abort();
});
// `sluice … | head` closes our output early; that is not a failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : 1);
});

process.exitCode = await run(process.argv.slice(2), {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  isTty: { stdin: process.stdin.isTTY, stdout: process.stdout.isTTY, stderr: process.stderr.isTTY },
  columns: () => process.stdout.columns,
  cwd: process.cwd(),
  signal: interrupt.signal,
});
