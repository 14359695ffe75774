/**
 * Builds the images of the services with the local engine, offline: `node deploy/docker/build.mjs [--base IMAGE|local]
 * [--tag TAG] [service…]` prints one name a line. `--base local` takes the stand-in of deploy/images as base; without
 * --base it is the public image that the Dockerfile names. Packages come from this checkout's node_modules, because
 * containers may not reach a registry that the host reaches.
 */
import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { buildStandIn } from '../images/build.mjs';
import { withLock } from '../lock.mjs';

const run = promisify(execFile);
const root = dirname(dirname(import.meta.dirname));
const context = join(root, 'dist', 'docker');
const BUILD_MS_MAX = 10 * 60 * 1000;
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;

/** The services that have an image, and where each listens unless told otherwise. */
export const servicePorts = { catalog: 4601, orchestrator: 4602, telemetry: 4603 };

/** Types, maps and papers are for people who write code; licences stay. */
const leftOut = /\.(d\.[cm]?ts|[cm]?ts|map|md|markdown)$/;

/** The name of an image of a service. */
export function imageName(service, tag) {
  return `sluice/${service}:${tag}`;
}

/** Builds the image of each service and answers their names. `base` undefined: what the Dockerfile says. */
export async function buildImages({ services = Object.keys(servicePorts), tag = 'dev', base } = {}) {
  const unknown = services.find((service) => !Object.hasOwn(servicePorts, service));
  if (unknown !== undefined) throw new Error(`there is no image of "${unknown}"`);
  const baseImage = base === 'local' ? await buildStandIn('node') : base;
  await run(process.execPath, [join(root, 'deploy', 'build.mjs'), ...services], { timeout: BUILD_MS_MAX });
  return await withLock(join(root, 'dist', 'docker.lock'), async () => {
    prepare(services);
    const names = [];
    for (const service of services) names.push(await buildImage(service, { tag, baseImage }));
    return names;
  });
}

async function buildImage(service, { tag, baseImage }) {
  const name = imageName(service, tag);
  const values = { APP: service, PORT: servicePorts[service], ...(baseImage && { BASE_IMAGE: baseImage }) };
  const parameters = Object.entries(values).flatMap(([key, value]) => ['--build-arg', `${key}=${value}`]);
  const file = join(import.meta.dirname, 'Dockerfile');
  await run('docker', ['build', '--quiet', '--file', file, ...parameters, '--tag', name, context], {
    timeout: BUILD_MS_MAX,
    maxBuffer: OUTPUT_BYTES_MAX,
    // The builder that every engine has; the newer one is a plugin.
    env: { ...process.env, DOCKER_BUILDKIT: '0' },
  });
  return name;
}

/** The folder that the images are built from, made anew. */
function prepare(services) {
  rmSync(context, { recursive: true, force: true });
  // With the inner one, read-only files of tokens can be mounted one by one.
  for (const folder of ['data', 'tokens/tokens'])
    mkdirSync(join(context, 'folders', folder), { recursive: true, mode: 0o700 });
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  writeFileSync(join(context, 'package.json'), `${JSON.stringify({ name: 'sluice', version, type: 'module' })}\n`);
  cpSync(join(root, 'LICENSE'), join(context, 'LICENSE'));
  cpSync(join(import.meta.dirname, 'health.mjs'), join(context, 'health.mjs'));
  for (const path of productionPackages()) copyPackage(path);
  for (const service of services) {
    const from = join(root, 'dist', service);
    mkdirSync(join(context, 'apps', service), { recursive: true });
    for (const file of readdirSync(from)) {
      if (file.endsWith('.js')) cpSync(join(from, file), join(context, 'apps', service, file));
    }
  }
}

/** The folders in node_modules that a service may need: what `npm ci --omit=dev --omit=optional` would install. */
function productionPackages() {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  return Object.entries(packages)
    .filter(([path, { dev, optional, devOptional }]) => path !== '' && !dev && !optional && !devOptional)
    .map(([path]) => path)
    .filter((path) => !path.includes('node_modules/@types/'));
}

function copyPackage(path) {
  const from = join(root, path);
  if (!existsSync(from)) throw new Error(`${path} is not installed; run npm ci`);
  // Packages within it are in the lock file by themselves.
  const filter = (file) => !(basename(file) === 'node_modules' && file !== from) && !leftOut.test(file);
  cpSync(from, join(context, path), { recursive: true, filter });
}

if (process.argv[1] === import.meta.filename) {
  try {
    const options = { base: { type: 'string' }, tag: { type: 'string' } };
    const { values, positionals } = parseArgs({ options, allowPositionals: true });
    const services = positionals.length > 0 ? positionals : undefined;
    for (const name of await buildImages({ ...values, services })) process.stdout.write(`${name}\n`);
  } catch (error) {
    process.stderr.write(`sluice: ${error.stderr || error.message}\n`);
    process.exitCode = 1;
  }
}
