import { spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Shell, shells } from './completion.ts';
import { sluice } from './sluice.fixture.ts';

const scripts = {} as Record<Shell, string>;

beforeAll(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-completion-'));
  for (const shell of shells) {
    const { exit, stdout } = await sluice(['completion', shell]);
    expect(exit).toBe(0);
    scripts[shell] = join(folder, `sluice.${shell}`);
    writeFileSync(scripts[shell], stdout);
  }
});

/** What a shell offers for the last of the words of a command line. */
const offers: Readonly<Record<Shell, (words: readonly string[]) => string>> = {
  bash: (words) =>
    `source "$SCRIPT"; COMP_WORDS=(${words.map(quoted).join(' ')}); COMP_CWORD=${String(words.length - 1)}; _sluice; printf '%s\\n' "\${COMPREPLY[@]}"`,
  // The completion system asks for a terminal; what the function hands to it does not.
  zsh: (words) =>
    `compdef() { : }; _files() { : }; _describe() { print -rl -- \${\${(P)2}%%:*} }; source "$SCRIPT"; words=(${words.map(quoted).join(' ')}); CURRENT=${String(words.length)}; _sluice`,
  fish: (words) => `source "$SCRIPT"; complete -C ${quoted(words.join(' '))}`,
};

const isThere = (shell: Shell) => spawnSync(shell, ['-c', 'exit 0']).status === 0;

function complete(shell: Shell, words: readonly string[]): string[] {
  const quiet = { bash: ['--norc', '--noprofile'], zsh: ['-f'], fish: ['--no-config'] };
  const { stdout, stderr } = spawnSync(shell, [...quiet[shell], '-c', offers[shell](words)], {
    encoding: 'utf8',
    env: { ...process.env, SCRIPT: scripts[shell] },
  });
  expect(stderr).toBe('');
  return stdout
    .split('\n')
    .map((line) => line.split('\t')[0] ?? '')
    .filter((line) => line !== '');
}

function quoted(text: string): string {
  return `'${text}'`;
}

for (const shell of shells) {
  describe(`completing in ${shell}`, () => {
    if (!isThere(shell)) {
      it.skip(`is not tested: there is no ${shell} on this machine`);
      return;
    }
    it('offers the commands', () => {
      expect(complete(shell, ['sluice', ''])).toEqual(expect.arrayContaining(['patch', 'doctor', 'import', 'help']));
    });

    it('offers the verbs of a noun, and no others', () => {
      const verbs = complete(shell, ['sluice', 'hold', '']).filter((word) => !word.startsWith('-'));
      expect(verbs.sort()).toEqual(['help', 'lift', 'list', 'place']);
    });

    it('offers the options of a verb and those of the program', () => {
      const options = complete(shell, ['sluice', 'patch', 'pull', 'p', '--']);
      expect(options).toEqual(expect.arrayContaining(['--mode', '--reason', '--url', '--help']));
      expect(options).not.toContain('--platform');
    });

    it('offers the choices of an option', () => {
      expect(complete(shell, ['sluice', 'patch', 'pull', 'p', '--mode', '']).sort()).toEqual(['recall', 'withdraw']);
    });

    it('takes the value of an option for no command', () => {
      const found = complete(shell, ['sluice', '--data', 'patch', 'hold', '']);
      expect(found).toContain('place');
      expect(complete(shell, ['sluice', '--data', 'patch', ''])).toContain('doctor');
    });
  });
}

describe('printing a completion', () => {
  it('refuses another shell by naming those that it knows', async () => {
    const ran = await sluice(['completion', 'tcsh']);
    expect(ran).toMatchObject({ exit: 2, stdout: '' });
    expect(ran.stderr).toContain('bash, zsh, fish');
  });
});
