import { readFileSync } from 'node:fs';
import { findPackageJSON } from 'node:module';
import { dirname, join } from 'node:path';
import { quoted } from '../output.ts';
import { fault, type Finding, ok, warning } from './finding.ts';

/** Services use what came with it: zstd in Kafka, the present `node:sqlite`. */
const NODE_MAJOR_MIN = 26;
const NAMES_SHOWN_MAX = 5;

interface PackageFile {
  readonly version?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
}

/** Whether this Node and these packages are what Sluice was made for. */
export function checkInstallation(
  file = findPackageJSON('..', import.meta.url),
  nodeVersion = process.versions.node,
): Finding[] {
  return [nodeFinding(nodeVersion), packagesFinding(file)];
}

function nodeFinding(version: string): Finding {
  if (Number.parseInt(version, 10) >= NODE_MAJOR_MIN) return ok('installation', `Node ${version}.`);
  const mend = 'Use `npx sluice` and `npm start`, which bring their own Node, or install that version.';
  return fault('installation', `This is Node ${version}; Sluice needs ${String(NODE_MAJOR_MIN)} or newer.`, mend);
}

function packagesFinding(file: string | undefined): Finding {
  const own = file === undefined ? undefined : readPackage(file);
  if (file === undefined || own?.dependencies === undefined) {
    return warning('installation', 'The package.json of this installation was not found.', 'Install Sluice again.');
  }
  const folder = dirname(file);
  const wanted = Object.entries(own.dependencies);
  const wrong = wanted.filter(
    ([name, version]) => readPackage(join(folder, 'node_modules', name, 'package.json'))?.version !== version,
  );
  if (wrong.length === 0) {
    return ok(
      'installation',
      `Sluice ${own.version ?? 'of no version'}, its ${String(wanted.length)} packages as named.`,
    );
  }
  const shown = wrong.slice(0, NAMES_SHOWN_MAX).map(([name, version]) => `${name} ${version}`);
  const more = wrong.length > shown.length ? ` and ${String(wrong.length - shown.length)} more` : '';
  return fault(
    'installation',
    `Missing, or of another version: ${shown.join(', ')}${more}.`,
    `cd ${quoted(folder)} && npm ci`,
  );
}

function readPackage(file: string): PackageFile | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as PackageFile;
  } catch {
    return undefined;
  }
}
