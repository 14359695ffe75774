import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

/** Words of the code that mean something else here, or nothing in particular (design §2). */
const bannedNames = /(?:^|-)(?:told|heard|news|stands|standings?|let-go|attend)(?:$|-)/;
const bannedAlone = /^(?:take|releases?|Releases?)$/;
const PROCESS_FILE = /\.policy\.ts$/;
/** Prose may speak of a full release, of release notes, and of letting go; "a release" says neither. */
const bannedProse = /\b(?:a|the|this|another|each|every|which|next|later|real|all) releases?\b/i;

const root = dirname(import.meta.dirname);
const sources = globSync('{apps,libs}/**/*.ts', { cwd: root }).sort();
const texts = [...sources, ...globSync('{README.md,docs/**/*.md}', { cwd: root }).sort()];

describe('keeping banned words out', () => {
  it.each([
    ['const told = 1;', ['told']],
    ['function isHeard() {}', ['isHeard']],
    ['interface ToldHealth {}', ['ToldHealth']],
    ['class Desk { take() {} release() {} }', ['take']],
    ['const release = 1;', ['release']],
    ['for (let at = 0; ; ) {}', ['at']],
    ['items.map((item, at) => at);', ['at']],
    ["const at = '2026-03-17T10:00:00.000Z'; const understands = true; const releaseNotesUrl = '';", []],
  ])('finds in %j the names %j', (text, names) => {
    expect(bannedNamesIn('example.ts', text)).toEqual(names);
  });

  it('finds the noun in prose', () => {
    expect(bannedProse.test('the release that contains it')).toBe(true);
    expect(bannedProse.test('the full release that contains it, and its release notes')).toBe(false);
  });

  it('finds none in the sources', () => {
    expect(sources.length).toBeGreaterThan(200);
    const found = sources.flatMap((file) => bannedNamesIn(file, read(file)).map((name) => `${file}: ${name}`));
    expect(found).toEqual([]);
  });

  it('finds no file that calls a process manager a policy', () => {
    expect(sources.filter((file) => PROCESS_FILE.test(file))).toEqual([]);
  });

  it('finds the noun nowhere in comments, messages and documents', () => {
    const found = texts.flatMap((file) =>
      read(file)
        .split('\n')
        .flatMap((line, index) => (bannedProse.test(line) ? [`${file}:${String(index + 1)} ${line.trim()}`] : [])),
    );
    expect(found).toEqual([]);
  });
});

/** The names that a source declares and that must not be: an `at` that counts places is one, an `at` that is a time is not. */
function bannedNamesIn(file: string, text: string): string[] {
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    const name = nameOf(node);
    if (name !== undefined && isBanned(node, name)) found.push(name);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true));
  return found;
}

function nameOf(node: ts.Node): string | undefined {
  const isDeclaration =
    ts.isVariableDeclaration(node) ||
    ts.isParameter(node) ||
    ts.isBindingElement(node) ||
    ts.isPropertyDeclaration(node) ||
    ts.isPropertySignature(node) ||
    ts.isMethodDeclaration(node) ||
    ts.isMethodSignature(node) ||
    ts.isFunctionDeclaration(node) ||
    ts.isClassDeclaration(node) ||
    ts.isInterfaceDeclaration(node) ||
    ts.isTypeAliasDeclaration(node);
  return isDeclaration && node.name !== undefined && ts.isIdentifier(node.name) ? node.name.text : undefined;
}

function isBanned(node: ts.Node, name: string): boolean {
  if (name === 'at') return countsPlaces(node);
  // To release something is a verb; only what is called so and is no function is the noun.
  const isVerb = ts.isMethodDeclaration(node) || ts.isMethodSignature(node) || ts.isFunctionDeclaration(node);
  if (/^release$/.test(name) && (isVerb || isFunctionValue(node))) return false;
  return bannedNames.test(toKebabCase(name)) || bannedAlone.test(name);
}

function toKebabCase(name: string): string {
  const words = name.replaceAll('_', '-').replaceAll(/([a-z0-9])([A-Z])/g, '$1-$2');
  return words.toLowerCase();
}

function isFunctionValue(node: ts.Node): boolean {
  return ts.isVariableDeclaration(node) && node.initializer !== undefined && ts.isArrowFunction(node.initializer);
}

function countsPlaces(node: ts.Node): boolean {
  if (ts.isVariableDeclaration(node)) return (ts.getCombinedNodeFlags(node) & ts.NodeFlags.Let) !== 0;
  return ts.isParameter(node) && (node.type === undefined || node.type.kind === ts.SyntaxKind.NumberKeyword);
}

function read(file: string): string {
  return readFileSync(join(root, file), 'utf8');
}
