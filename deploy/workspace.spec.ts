import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = dirname(import.meta.dirname);
const folders = globSync('{apps,libs}/**/src', { cwd: root })
  .map((source) => dirname(source))
  .sort();

describe('tagging projects', () => {
  it('finds the projects at all', () => {
    expect(folders).toContain('libs/event-sourcing');
    expect(folders).toContain('apps/cli');
  });

  it.each(folders)('gives %s a project with one type and one scope', (folder) => {
    const { tags } = JSON.parse(readFileSync(join(root, folder, 'project.json'), 'utf8')) as { tags: string[] };
    expect(tags.filter((tag) => tag.startsWith('type:'))).toHaveLength(1);
    expect(tags.filter((tag) => tag.startsWith('scope:'))).toHaveLength(1);
  });
});
