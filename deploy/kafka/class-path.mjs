/**
 * Where Java and Kafka's jars are. Maven resolves the jars of pom.xml once and the answer is kept below node_modules, by
 * the hash of the pom; the jars stay in Maven's own repository. `node deploy/kafka/class-path.mjs` does it ahead of time.
 */
import { execFile, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { withLock } from '../lock.mjs';

const pom = join(import.meta.dirname, 'pom.xml');
const cache = join(dirname(dirname(import.meta.dirname)), 'node_modules', '.cache', 'sluice-kafka');
const JAVA_VERSION_MIN = 17;
const MAVEN_TAIL_LINES = 10;
const RESOLVE_MS_MAX = 5 * 60 * 1000;

if (process.argv[1] === import.meta.filename) process.stdout.write(`${await kafkaClassPath()}\n`);

/** Kafka's jars as one class path. Asks Maven when the pom changed or a jar is gone, and says so when there is no Maven. */
export async function kafkaClassPath() {
  const file = join(cache, `class-path-${hashOfPom()}`);
  return readClassPath(file) ?? (await withLock(join(cache, 'resolve.lock'), () => resolveClassPath(file)));
}

/** Names the kind of jars: it changes with the pom. */
export function hashOfPom() {
  return createHash('sha256').update(readFileSync(pom)).digest('hex').slice(0, 16);
}

/** The java to start, from JAVA_HOME or the path. Throws and says what to install when it is missing or too old. */
export function javaCommand(name = 'java') {
  const java = inJavaHome('java');
  const { stderr, error } = spawnSync(java, ['-version'], { encoding: 'utf8' });
  const install = `Install a Java runtime ${JAVA_VERSION_MIN} or newer (Debian: openjdk-${JAVA_VERSION_MIN}-jre-headless).`;
  if (error !== undefined) throw missingTool(`Kafka needs Java, but "${java}" does not start. ${install}`);
  const version = Number(/version "(\d+)/.exec(stderr)?.[1] ?? 0);
  if (version < JAVA_VERSION_MIN) throw missingTool(`Kafka needs a newer Java than "${java}". ${install}`);
  return inJavaHome(name);
}

function inJavaHome(name) {
  return process.env.JAVA_HOME ? join(process.env.JAVA_HOME, 'bin', name) : name;
}

/** Undefined when it was not resolved yet, or Maven's repository was cleared since. */
function readClassPath(file) {
  if (!existsSync(file)) return undefined;
  const classPath = readFileSync(file, 'utf8').trim();
  return classPath.split(delimiter).every((jar) => existsSync(jar)) ? classPath : undefined;
}

async function resolveClassPath(file) {
  // Another process has resolved it while this one waited for its turn.
  const present = readClassPath(file);
  if (present !== undefined) return present;
  mkdirSync(cache, { recursive: true });
  const parameters = ['-q', '-B', '-f', pom, 'dependency:build-classpath', `-Dmdep.outputFile=${file}.new`];
  try {
    await promisify(execFile)('mvn', parameters, { timeout: RESOLVE_MS_MAX });
  } catch (error) {
    throw whyMavenFailed(error);
  }
  renameSync(`${file}.new`, file);
  const classPath = readClassPath(file);
  if (classPath === undefined) throw new Error(`Maven named jars in ${file} that are not there.`);
  return classPath;
}

function whyMavenFailed(error) {
  if (error.code === 'ENOENT') {
    return missingTool('Kafka comes from Maven artifacts, but "mvn" does not start. Install Maven (Debian: maven).');
  }
  const said = `${error.stdout ?? ''}${error.stderr ?? ''}`.trim().split('\n').slice(-MAVEN_TAIL_LINES).join('\n');
  return new Error(`Maven could not fetch Kafka (is a Maven repository reachable?):\n${said || error.message}`, {
    cause: error,
  });
}

/** Tests tell by the code that a tool has to be installed, which is no fault of Sluice. */
function missingTool(message) {
  return Object.assign(new Error(message), { code: 'missing-tool' });
}
