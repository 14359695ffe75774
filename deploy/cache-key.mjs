/**
 * Prints what the outcome of a check depends on beside the files of the repository; Nx makes it part of every key of its
 * cache. A result of another Node, another setting or other data is never taken for that of now.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

const root = dirname(import.meta.dirname);
/** Variables that change what a test does. Those of npm and of Nx differ with each way to start the same check. */
const settings =
  /^(SLUICE|VITEST|DOCKER|TESTCONTAINERS|FAKETIME|NODE|JAVA|MAVEN|LC|OTEL|EXPLAIN)_|^(BASE_IMAGE|CI|TZ|LANG|LD_PRELOAD|NO_COLOR|TERM|UPDATE_DOCS)$/;
/** Specs read real data where it lies beside the checkout. */
const dataFolders = ['../shared/data', '../shared/vectors'];
/** What tests ask for, and pass over when it is missing; `cache-key.spec.ts` looks for those that are not here. */
const tools = [
  ['java', '-version'],
  ['mvn', '-version'],
  ['docker', 'version'],
  ['docker', 'images', '--no-trunc', '--quiet'],
  ['docker-compose', 'version'],
  ['kcat', '-V'],
  ['ps', '-V'],
  ['bash', '--version'],
  ['zsh', '--version'],
  ['fish', '--version'],
  ['promtool', '--version'],
  ['kubectl', 'version', '--client'],
];

say(process.version, process.platform, process.arch);
say('user', process.getuid?.());
say(
  createHash('sha256')
    .update(readFileSync(join(root, 'node_modules', '.package-lock.json')))
    .digest('hex'),
);
for (const name of Object.keys(process.env).filter(isSetting).sort()) say(name, process.env[name]);
for (const folder of dataFolders) listData(join(root, folder));
if (process.argv.includes('--tools')) for (const [tool, ...args] of tools) say(tool, answerOf(tool, args));

function isSetting(name) {
  return settings.test(name);
}

function listData(folder) {
  if (!existsSync(folder)) return say(folder, 'is not there');
  for (const file of readdirSync(folder, { recursive: true }).sort()) {
    const { size, mtimeMs } = statSync(join(folder, file));
    say(file, size, mtimeMs);
  }
}

function answerOf(tool, args) {
  const { status, stdout, stderr } = spawnSync(tool, args, { encoding: 'utf8', timeout: 10_000 });
  return status === null ? 'does not answer' : `${status} ${stdout}${stderr}`;
}

function say(...words) {
  process.stdout.write(`${words.join(' ')}\n`);
}
