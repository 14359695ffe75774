import { run } from './program.ts';

const interrupt = new AbortController();
process.once('SIGINT', () => {
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
  cwd: process.cwd(),
  signal: interrupt.signal,
});
