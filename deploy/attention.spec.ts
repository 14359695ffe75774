import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { attentionKinds, noticeKinds } from '@sluice/api';
import { describe, expect, it } from 'vitest';

const root = dirname(import.meta.dirname);
const read = (path: string) => readFileSync(join(root, path), 'utf8');
const [list = '', webhooks = ''] = read('docs/guides/attention-and-webhooks.md').split('\n## Webhooks\n');
const kindsIn = (text: string) => [...text.matchAll(/^\| `([a-z-]+)`\s*\| .*$/gm)].map(([, kind]) => kind);
const commands = [...list.matchAll(/`(sluice [^`]+)`/g)].map(([, command = '']) => command);
const program = read('apps/cli/src/program.ts');

describe('explaining what needs a person, and what is told', () => {
  it('has a row for every kind, and none beside', () => {
    expect(kindsIn(list).sort()).toEqual([...attentionKinds].sort());
    expect(kindsIn(webhooks).sort()).toEqual([...noticeKinds].sort());
  });

  it.each([...new Set(commands)])('names a command that the command line knows: %s', (command) => {
    const [, noun = '', verb = ''] = command.split(' ');
    const file = noun === 'device' ? 'fleet' : noun;
    expect(program).toContain(`./commands/${file}.ts`);
    const source = read(`apps/cli/src/commands/${file}.ts`);
    expect(source).toContain(`'${noun}`);
    if (/^[a-z]+$/.test(verb)) expect(source).toMatch(new RegExp(`'${verb}[' ]|^  ${verb}: \\{|'${verb}'`, 'm'));
    for (const [, option = ''] of command.matchAll(/ --([a-z-]+)/g)) expect(source).toContain(`'--${option} <`);
  });
});
