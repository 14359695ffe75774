import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = dirname(import.meta.dirname);
const folders = globSync('{apps,libs}/**/src', { cwd: root })
  .map((source) => dirname(source))
  .sort();

interface Project {
  readonly tags: string[];
  readonly targets?: Readonly<Record<string, unknown>>;
}

function read(folder: string): Project {
  return JSON.parse(readFileSync(join(root, folder, 'project.json'), 'utf8')) as Project;
}

describe('tagging projects', () => {
  it('finds the projects at all', () => {
    expect(folders).toContain('libs/event-sourcing');
    expect(folders).toContain('apps/cli');
  });

  it.each(folders)('gives %s a project with one type and one scope', (folder) => {
    const { tags } = read(folder);
    expect(tags.filter((tag) => tag.startsWith('type:'))).toHaveLength(1);
    expect(tags.filter((tag) => tag.startsWith('scope:'))).toHaveLength(1);
  });
});

describe('running the tests of projects', () => {
  it.each(folders)('is a target of %s when it has unit tests', (folder) => {
    const specs = globSync('src/**/*.spec.ts', { cwd: join(root, folder) });
    const isUnit = (file: string) => !/\.(int|e2e)\.spec\.ts$/.test(file);
    expect(Object.hasOwn(read(folder).targets ?? {}, 'test')).toBe(specs.some(isUnit));
  });
});
