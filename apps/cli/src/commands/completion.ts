import { Argument, type Command } from 'commander';
import { completionScript, type Shell, shells } from '../completion.ts';
import { type Terminal } from '../output.ts';

const HELP = `
Put it where your shell finds it; it is for the command \`sluice\`, so give that name to how you start it:
  $ alias sluice='npx sluice'
  $ source <(npx sluice completion bash)
  $ npx sluice completion fish > ~/.config/fish/completions/sluice.fish

Example:
  $ sluice completion bash`;

export function addCompletionCommand(program: Command, { stdout }: Terminal): void {
  program
    .command('completion')
    .description('print the script that completes commands and options in a shell')
    .addArgument(new Argument('<shell>', 'the shell that is to read it').choices(shells))
    .addHelpText('after', HELP)
    .action((shell: Shell) => {
      stdout.write(completionScript(program, shell));
    });
}
