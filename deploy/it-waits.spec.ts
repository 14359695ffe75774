import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { waitReasons } from '@sluice/contracts/wait-reasons';
import { describe, expect, it } from 'vitest';

const root = dirname(import.meta.dirname);
const page = readFileSync(join(root, 'docs/guides/it-waits.md'), 'utf8');
const commands = readFileSync(join(root, 'apps/cli/src/program.ts'), 'utf8');
const rows = new Map([...page.matchAll(/^\| `([a-z-]+)`\s*\| .*$/gm)].map(([row, code = '']) => [code, row]));

describe('explaining what a rollout waits for', () => {
  it('has a row for every reason, and none beside', () => {
    expect([...rows.keys()].sort()).toEqual(Object.keys(waitReasons).sort());
  });

  it.each(Object.entries(waitReasons))('names for %s the command that is in the answer', (code, { command }) => {
    expect(rows.get(code)).toContain(`\`${command}\``);
  });

  it.each(Object.entries(waitReasons))('names for %s a command that the command line knows', (_, { command }) => {
    const [, noun = '', verb = ''] = command.split(' ');
    const source = readFileSync(join(root, `apps/cli/src/commands/${noun}.ts`), 'utf8');
    expect(commands).toContain(`./commands/${noun}.ts`);
    expect(source).toContain(`'${noun}`);
    const isVerb = /^[a-z]+$/.test(verb);
    if (isVerb) expect(source).toMatch(new RegExp(`'${verb}[' ]|^  ${verb}: \\{|'${verb} <`, 'm'));
    for (const [, option = ''] of command.matchAll(/ --([a-z-]+)/g)) expect(source).toContain(`'--${option} <`);
  });
});
