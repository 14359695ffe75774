/**
 * Ends with 0 when the service in this container answers well: `node health.mjs [path]`, normally /health/live.
 * The image has no other HTTP client.
 */
import { text } from 'node:stream/consumers';

const ANSWER_MS_MAX = 4_000;
const path = process.argv[2] ?? '/health/live';
const isTls = (process.env.SLUICE_TLS_CERT ?? '') !== '';
const { get } = await import(isTls ? 'node:https' : 'node:http');

try {
  const response = await new Promise((resolve, reject) => {
    // The certificate is for the name by which others call the service, and nothing secret is asked or answered.
    const options = { host: '127.0.0.1', port: process.env.SLUICE_PORT, path, rejectUnauthorized: false };
    get({ ...options, signal: AbortSignal.timeout(ANSWER_MS_MAX) }, resolve).on('error', reject);
  });
  process.stdout.write(`${response.statusCode} ${await text(response)}\n`);
  process.exitCode = response.statusCode < 300 ? 0 : 1;
} catch (error) {
  process.stdout.write(`${error.cause?.message ?? error.message}\n`);
  process.exitCode = 1;
}
