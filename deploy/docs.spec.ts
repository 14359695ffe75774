import { changedFields, deviceSources, ruleCodes } from '@sluice/api';
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { errorCodes } from '@sluice/contracts/errors';
import { eventTypes } from '@sluice/contracts/event-types';
import { Compile } from 'typebox/schema';
import { describe, expect, it } from 'vitest';
import { referencePages, SCHEMAS } from './reference.ts';
import { incompatibilities } from './schema-compatibility.ts';

const root = dirname(import.meta.dirname);
const read = (path: string) => readFileSync(join(root, path), 'utf8');
const withoutCode = (text: string) => text.replaceAll(/^```[^]*?^```$|`[^`\n]*`/gm, '');
const documents = ['README.md', ...globSync('docs/**/*.md', { cwd: root })].sort();
const pages = await referencePages();

const schemas = Object.keys(pages).filter((name) => name.startsWith(SCHEMAS));

if (process.env['UPDATE_DOCS'] === '1') {
  for (const [name, text] of Object.entries(pages)) {
    // What was released stays as it is, and the test that it equals the code goes on to fail.
    if (schemas.includes(name) && breaksReleased(name).length > 0) continue;
    mkdirSync(join(root, 'docs/reference', dirname(name)), { recursive: true });
    writeFileSync(join(root, 'docs/reference', name), text);
  }
}

/** What today's schema would break of the released one of the same version; nothing where none was released. */
function breaksReleased(name: string): string[] {
  const file = `docs/reference/${name}`;
  return existsSync(join(root, file)) ? incompatibilities(toJson(read(file)), toJson(pages[name] ?? '{}')) : [];
}

function toJson(text: string): Record<string, unknown> {
  return JSON.parse(text) as Record<string, unknown>;
}

describe('describing the code', () => {
  it.each(Object.keys(pages))('keeps docs/reference/%s equal to the code', (name) => {
    expect(read(`docs/reference/${name}`), 'to make it again: UPDATE_DOCS=1 npm test -- deploy/docs.spec.ts').toBe(
      pages[name],
    );
  });

  it('has a line for every project in the map', () => {
    const map = read('docs/ARCHITECTURE.md');
    const folders = globSync('{apps,libs}/**/project.json', { cwd: root }).map((file) => dirname(file));
    expect(folders.length).toBeGreaterThan(15);
    expect(folders.filter((folder) => !map.includes(`| \`${folder}\``))).toEqual([]);
    const mapped = [...map.matchAll(/^\| `((?:apps|libs)\/[^`]+)`/gm)].map(([, folder = '']) => folder);
    expect(mapped.filter((folder) => !folders.includes(folder))).toEqual([]);
  });

  it('names only files that are there', () => {
    const named = documents.flatMap((document) =>
      [...read(document).matchAll(/`((?:apps|libs|deploy|docs)\/[\w./-]+\.\w+)`/g)].map(([, file = '']) => file),
    );
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter((file) => !existsSync(join(root, file)))).toEqual([]);
  });

  it.each(documents)('has no broken link in %s', (document) => {
    const targets = [...withoutCode(read(document)).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
    const files = targets.filter((target) => !/^(https?:|#)/.test(target)).map((target) => target.split('#')[0] ?? '');
    expect(files.filter((file) => !existsSync(join(root, dirname(document), file)))).toEqual([]);
  });

  it.each(documents.filter((document) => document.startsWith('docs/guides/')))(
    'shows in %s only tested code',
    (guide) => {
      const tested = globSync('docs/guides/*.{mjs,json}', { cwd: root }).map((file) => read(file));
      const shown = [...read(guide).matchAll(/^```(?:js|json)\n([^]*?)^```$/gm)].map(([, code = '']) => code);
      expect(shown.filter((code) => !tested.some((file) => file.includes(code)))).toEqual([]);
    },
  );

  it('explains every rule, and every field that would change an answer', () => {
    const guide = read('docs/guides/why.md');
    const wanted = [...ruleCodes, ...changedFields, ...deviceSources];
    expect(wanted.filter((code) => !guide.includes(`\`${code}\``))).toEqual([]);
  });

  it('stays short', () => {
    expect(read('README.md').trimEnd().split('\n').length).toBeLessThanOrEqual(120);
    expect(read('docs/ARCHITECTURE.md').trimEnd().split('\n').length).toBeLessThanOrEqual(200);
  });
});

describe('keeping the schemas of events', () => {
  const versions = [...eventTypes.all.values()].map(
    ({ type, version, schemaId }) => [`${type}.v${String(version)}.json`, schemaId] as const,
  );

  it.each(schemas)('changes nothing in %s that was released: that would be a new version', (name) => {
    expect(breaksReleased(name)).toEqual([]);
  });

  it('keeps the schema of every version of every event, and none beside', () => {
    const wanted = versions.map(([name]) => name);
    expect(globSync('*', { cwd: join(root, 'docs/reference', SCHEMAS) }).sort()).toEqual(wanted.sort());
  });

  it.each(versions)('has a schema of %s that its golden record keeps to', (name, schemaId) => {
    const schema = toJson(read(`docs/reference/${SCHEMAS}${name}`));
    const golden = toJson(read(`libs/contracts/golden/${name}`));
    expect(schema['$id']).toBe(schemaId);
    expect(Compile(schema).Errors(golden['data'])[1]).toEqual([]);
    expect(Compile(schema).Check({ ...(golden['data'] as object), type: 'Other' })).toBe(false);
  });
});

describe('listing error codes', () => {
  it('knows every code that is thrown', () => {
    const sources = globSync('libs/{domain,services,platform}/**/*.ts', { cwd: root }).filter(
      (file) => !file.endsWith('.spec.ts'),
    );
    const thrown = sources.flatMap((file) =>
      [...read(file).matchAll(/\b(?:reject|ProblemError)\(\s*'([^']+)'/g)].map(([, code = '']) => code),
    );
    expect(thrown).toEqual(expect.arrayContaining(['patch-not-found', 'gate-says-stop', 'overloaded']));
    expect([...new Set(thrown)].filter((code) => !Object.hasOwn(errorCodes, code))).toEqual([]);
  });
});
