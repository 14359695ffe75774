/**
 * Bundles the apps named as arguments, all if none are: apps/<name>/src/main.ts becomes dist/<name>/main.js, and every
 * `*.worker.ts` of the app and of the libraries lies beside it, so that `new URL('./x.worker.js', import.meta.url)`
 * finds it from bundled code, whichever library that was written in.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { rolldown } from 'rolldown';
import { appNames, hashInputs, listFiles, staleApps, stampFile } from './build-stamp.mjs';
import { withLock } from './lock.mjs';

/** Made of constants only, which take a while: a program that uses none of them is to start without. */
const sideEffectFree = /^typebox\b|[\\/]libs[\\/]contracts[\\/]/;

const root = dirname(import.meta.dirname);
const names = process.argv.length > 2 ? process.argv.slice(2) : appNames(root);

try {
  await withLock(join(root, 'dist', '.lock'), buildStale);
} catch (error) {
  const { message } = error;
  process.stderr.write(`sluice: ${process.stderr.isTTY ? message : stripVTControlCharacters(message)}\n`);
  process.exitCode = 1;
}

async function buildStale() {
  const startedAt = performance.now();
  const stale = staleApps(root, names);
  if (stale.length === 0) return;
  const stamp = hashInputs(root);
  await Promise.all(stale.map((name) => build(name, stamp)));
  process.stderr.write(`sluice: built ${stale.join(', ')} in ${Math.round(performance.now() - startedAt)} ms\n`);
}

async function build(name, stamp) {
  const workers = [...listFiles(root, 'libs'), ...listFiles(root, `apps/${name}`)].filter((file) =>
    file.endsWith('.worker.ts'),
  );
  const bundles = await Promise.all([...workers, `apps/${name}/src/main.ts`].map(bundle));
  // Nothing is written before all of it compiles; main.js comes last, when all that it may load is there.
  mkdirSync(join(root, 'dist', name), { recursive: true });
  for (const { file, code } of bundles) replaceFile(join(root, 'dist', name, file), code);
  replaceFile(stampFile(root, name), stamp);
}

/** One file with all of the repository's own code in it; the packages stay outside. */
async function bundle(entry) {
  const packages = externalPackages();
  const build = await rolldown({
    input: join(root, entry),
    cwd: root,
    platform: 'node',
    treeshake: { moduleSideEffects: (id) => !sideEffectFree.test(id) },
    tsconfig: join(root, 'tsconfig.base.json'),
    external: (id) => packages.some((name) => id === name || id.startsWith(`${name}/`)),
    onLog: (level, log, handle) => handle(log.code === 'UNRESOLVED_IMPORT' ? 'error' : level, log),
  });
  try {
    const { output } = await build.generate({ format: 'esm', codeSplitting: false });
    return { file: basename(entry).replace(/\.ts$/, '.js'), code: output[0].code };
  } finally {
    await build.close();
  }
}

function externalPackages() {
  const { dependencies, devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  // The compiler's own helpers are meant to be bundled.
  return Object.keys({ ...dependencies, ...devDependencies }).filter((name) => name !== '@oxc-project/runtime');
}

/** Replaced in one step: a process that starts meanwhile reads the old file or the new one. */
function replaceFile(file, content) {
  writeFileSync(`${file}.new`, content);
  renameSync(`${file}.new`, file);
}
