/**
 * Ends with 0 when the service in this container answers well: `node health.mjs [path]`, normally /health/live.
 * The image has no other HTTP client.
 */
const ANSWER_MS_MAX = 4_000;
const path = process.argv[2] ?? '/health/live';

try {
  const signal = AbortSignal.timeout(ANSWER_MS_MAX);
  const response = await fetch(`http://127.0.0.1:${process.env.SLUICE_PORT}${path}`, { signal });
  const text = await response.text();
  process.stdout.write(`${response.status} ${text}\n`);
  process.exitCode = response.ok ? 0 : 1;
} catch (error) {
  process.stdout.write(`${error.cause?.message ?? error.message}\n`);
  process.exitCode = 1;
}
