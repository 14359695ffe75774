import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type Command } from 'commander';
import { usageError } from '../errors.ts';
import { gather } from '../post-mortem/gather.ts';
import { toMarkdown } from '../post-mortem/markdown.ts';
import { type OpenSession } from '../session.ts';

export function addPostMortemCommand(program: Command, open: OpenSession): void {
  program
    .command('post-mortem <rollout-or-patch>')
    .description(
      'write what happened to a patch as Markdown, with --json as JSON: who did what, exposure, evidence, recall',
    )
    .option('--out <file>', 'into this new file instead of standard output')
    .addHelpText('after', '\nExample:\n  $ sluice post-mortem r1 --out r1.md')
    .action(async (id: string, { out }: { out?: string }) => {
      const { api, output, terminal } = open();
      const account = await gather(api, id);
      if (account.unknown.length > 0) output.note(`Not known: ${account.unknown.join('; ')}`);
      if (out === undefined) {
        output.answer(account, () => toMarkdown(account).trimEnd());
        return;
      }
      const text = output.json ? `${JSON.stringify(account, undefined, 2)}\n` : toMarkdown(account);
      await write(resolve(terminal.cwd, out), text);
      output.answer({ file: out, lines: account.timeline.length }, () => `Written to ${out}.`);
    });
}

/** What is there is never overwritten: it may be the only account of another incident. */
async function write(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text, { flag: 'wx' });
  } catch (error) {
    const exists = error instanceof Error && 'code' in error && error.code === 'EEXIST';
    throw usageError(
      exists ? `${file} is there already.` : `${file} cannot be written: ${String(error)}.`,
      'Name another file with --out.',
    );
  }
}
