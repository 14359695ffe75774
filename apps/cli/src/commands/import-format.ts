import { usageError } from '../errors.ts';

type Fields = Readonly<Record<string, unknown>>;

interface KnownFile {
  readonly name: string;
  /** How `--format` calls it; undefined for a file that people have, and that cannot be imported. */
  readonly format?: string;
  readonly isIt: (root: Fields) => boolean;
}

const isSofa = (root: Fields) => Array.isArray(root['OSVersions']);
const isOfSofa2 = (root: Fields) => 'BackgroundSecurityImprovements' in root || 'SchemaVersion' in root;
const hasAssetSets = (part: unknown) => typeof part === 'object' && part !== null && 'PublicAssetSets' in part;

const knownFiles: readonly KnownFile[] = [
  { name: 'a feed of SOFA v2', format: 'sofa-v2', isIt: (root) => isSofa(root) && isOfSofa2(root) },
  { name: 'a feed of SOFA v1', isIt: (root) => isSofa(root) && !isOfSofa2(root) },
  { name: "an answer of Apple's gdmf", isIt: (root) => hasAssetSets(root) || hasAssetSets(root['data']) },
  { name: 'a catalog of exploited CVEs (KEV)', isIt: (root) => Array.isArray(root['vulnerabilities']) },
];

/** The format of a file that is to be imported, by what is in it. Throws wrong use where it is none, or could be two. */
export function guessFormat(content: string, file: string): string {
  const name = file === '-' ? 'Standard input' : file;
  const found = knownFiles.filter(({ isIt }) => isIt(rootOf(content, name)));
  const [only] = found;
  if (only?.format !== undefined && found.length === 1) return only.format;
  if (only === undefined) throw unknown(`${name} has the form of no file that is known here.`);
  throw unknown(`${name} looks like ${found.map((each) => each.name).join(' and like ')}.`);
}

function rootOf(content: string, name: string): Fields {
  let root: unknown;
  try {
    root = JSON.parse(content);
  } catch {
    throw unknown(`${name} is not JSON.`);
  }
  return typeof root === 'object' && root !== null ? { ...root } : {};
}

function unknown(what: string) {
  const formats = knownFiles.flatMap(({ format, name }) => (format === undefined ? [] : `${format} (${name})`));
  return usageError(what, `These formats can be imported: ${formats.join(', ')}. To insist on one: --format.`);
}
