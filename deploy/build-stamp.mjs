import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const inputFolders = ['apps', 'libs'];
const inputFiles = ['package.json', 'package-lock.json', 'tsconfig.base.json', 'deploy/build.mjs'];

/** The apps that have something to run. */
export function appNames(root) {
  return readdirSync(join(root, 'apps')).filter((name) => existsSync(join(root, 'apps', name, 'src', 'main.ts')));
}

/** Those of the apps whose bundle is missing or was made from other inputs. */
export function staleApps(root, names) {
  const hash = hashInputs(root);
  return names.filter((name) => {
    const stamp = stampFile(root, name);
    return !existsSync(stamp) || readFileSync(stamp, 'utf8') !== hash;
  });
}

/** Where the hash of what a bundle was made from is kept: written last, so that a build cut short is done again. */
export function stampFile(root, name) {
  return join(root, 'dist', name, '.stamp');
}

/** A hash over everything that may end up in a bundle: some 300 files, 20 ms. */
export function hashInputs(root) {
  const hash = createHash('sha256');
  for (const file of [...inputFiles, ...inputFolders.flatMap((folder) => listFiles(root, folder))]) {
    hash
      .update(`${file}\0`)
      .update(readFileSync(join(root, file)))
      .update('\0');
  }
  return hash.digest('hex');
}

/** The files of a folder of the repository that may go into a bundle, as paths from the root. */
export function listFiles(root, folder) {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.spec.ts'))
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(root.length + 1)
        .replaceAll('\\', '/'),
    )
    .sort();
}
