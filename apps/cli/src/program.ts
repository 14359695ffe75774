import { readFileSync } from 'node:fs';
import { findPackageJSON } from 'node:module';
import { Command, CommanderError } from 'commander';
import { addAttentionCommands } from './commands/attention.ts';
import { addAuditCommand } from './commands/audit.ts';
import { addClockCommands } from './commands/clock.ts';
import { addCompletionCommand } from './commands/completion.ts';
import { addDeadLetterCommands } from './commands/dlq.ts';
import { addDoctorCommand } from './commands/doctor.ts';
import { addEventCommands } from './commands/events.ts';
import { addExplainCommand } from './commands/explain.ts';
import { addFleetCommands } from './commands/fleet.ts';
import { addHealthCommand } from './commands/health.ts';
import { addPostMortemCommand } from './commands/post-mortem.ts';
import { addHoldCommands, addStopCommand } from './commands/hold.ts';
import { addImportCommand } from './commands/import.ts';
import { addPatchCommands } from './commands/patch.ts';
import { addRecallCommands } from './commands/recall.ts';
import { addReplayCommands } from './commands/replay.ts';
import { addRolloutCommands } from './commands/rollout.ts';
import { addTokenCommands } from './commands/token.ts';
import { addWebhookCommands } from './commands/webhook.ts';
import { type ConnectionOptions } from './connection.ts';
import { CliError, type Exit, exitCodes, usageError } from './errors.ts';
import { Output, table, type Terminal } from './output.ts';
import { Session } from './session.ts';
import { beginTrace, type Trace } from './trace.ts';

const HELP_WIDTH_MAX = 100;

/** Runs one command line and resolves with the exit code; nothing is thrown. */
export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  // Wrong use is told as JSON too, and then the options have not been parsed.
  const output = new Output(terminal, args.includes('--json'));
  let session: Session | undefined;
  let trace: Trace | undefined;
  const program: Command = createProgram(terminal, output, () => {
    session = new Session(program.opts<ConnectionOptions>(), output, { terminal, trace });
    return session;
  });
  program.hook('preAction', async (_, command) => {
    trace = await beginTrace(fullName(command), terminal);
  });
  try {
    // `--version` is also an option of commands (`patch fold-in`), which a global one would take away from them.
    await program.parseAsync(args[0] === '--version' ? ['-V'] : [...args], { from: 'user' });
    await trace?.end();
    return exitCodes[session?.exit ?? 'ok'].code;
  } catch (error) {
    await trace?.end(error instanceof CliError ? error.code : 'internal');
    return exitCodes[report(error, output, terminal)].code;
  }
}

function createProgram(terminal: Terminal, output: Output, open: () => Session): Command {
  const program = new Command('sluice')
    .description('Rolls security patches out in waves, and takes bad ones back.')
    .version(ownVersion(), '-V', 'print the version; so does --version alone')
    .option('--url <url>', 'address of Sluice, for all services (SLUICE_URL; default http://127.0.0.1:4600)')
    .option('--token <token>', 'token to send (SLUICE_TOKEN)')
    .option('--data <folder>', 'data folder with an admin-token (SLUICE_DATA; default .sluice, then .sluice/demo)')
    .option('--json', 'answer with JSON on standard output, errors as JSON on standard error')
    .helpCommand(false)
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => terminal.stdout.write(text),
      writeErr: (text) => terminal.stderr.write(text),
      // Told by `report`, in the form that all errors have.
      outputError: () => undefined,
      getOutHelpWidth: () => HELP_WIDTH_MAX,
      getErrHelpWidth: () => HELP_WIDTH_MAX,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .addHelpText('after', `\n${ABOUT}`);
  addPatchCommands(program, open);
  addRolloutCommands(program, open);
  addStopCommand(program, open);
  addHoldCommands(program, open);
  addRecallCommands(program, open);
  addImportCommand(program, open);
  addFleetCommands(program, open);
  addExplainCommand(program, open);
  addEventCommands(program, open);
  addDeadLetterCommands(program, open);
  addReplayCommands(program, open);
  addTokenCommands(program, open);
  addAttentionCommands(program, open);
  addAuditCommand(program, open);
  addPostMortemCommand(program, open);
  addHealthCommand(program, open);
  addDoctorCommand(program, open);
  addClockCommands(program, open);
  addWebhookCommands(program, open);
  addCompletionCommand(program, terminal);
  addHelpCommand(program, output);
  return program;
}

/** `sluice patch pull`. */
function fullName(command: Command): string {
  return command.parent === null ? command.name() : `${fullName(command.parent)} ${command.name()}`;
}

/** That of the package which this program is part of, bundled or not. */
function ownVersion(): string {
  const file = findPackageJSON('..', import.meta.url);
  const { version } = file === undefined ? {} : (JSON.parse(readFileSync(file, 'utf8')) as { version?: string });
  return version ?? 'unknown';
}

const ABOUT = `Services that run apart are named by SLUICE_CATALOG_URL, SLUICE_ORCHESTRATOR_URL and SLUICE_TELEMETRY_URL;
--url on the command line wins over all of them. SLUICE_TRACES (otlp, or file:PATH) has a command begin a trace.

Examples:
  $ sluice patch list
  $ sluice patch pull ios-26.3.1-a --mode recall --reason "boot loops on iPhone18,1"
  $ sluice help rollout plan
  $ sluice help exit-codes`;

function addHelpCommand(program: Command, output: Output): void {
  program
    .command('help [command...]')
    .description('show the help of a command, or `help exit-codes`')
    .action((names: string[]) => {
      if (names[0] === 'exit-codes') {
        output.answer(exitCodes, exitCodeTable);
        return;
      }
      const found = names.reduce((command: Command, name) => {
        const next = command.commands.find((each) => each.name() === name);
        return next ?? command.error(`error: unknown command '${name}'`);
      }, program);
      found.outputHelp();
    });
}

const exitCodeTable = (codes: typeof exitCodes, paint: Output['paint']) =>
  table(
    Object.values(codes),
    [
      { head: 'CODE', align: 'right', text: ({ code }) => code },
      { head: 'MEANING', text: ({ meaning }) => meaning },
    ],
    paint,
  );

/** Tells the person what went wrong; gives the exit that goes with it. */
function report(error: unknown, output: Output, terminal: Terminal): Exit {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 'ok';
    // A noun without a verb: its help was printed already, on standard error.
    if (error.code !== 'commander.help' || output.json) output.error(fromCommander(error));
    return 'usage';
  }
  const received = error instanceof CliError ? error : unexpected(error);
  if (received.exit !== 'interrupted' || !terminal.isTty.stderr) output.error(received);
  return received.exit;
}

function fromCommander({ code, message }: CommanderError): CliError {
  if (code === 'commander.help') return usageError('The command line names no command.');
  const [what = '', hint] = message.replace(/^error: /, '').split('\n');
  const next = hint?.replace(/^\((.*)\)$/, '$1');
  return next === undefined ? usageError(sentence(what)) : usageError(sentence(what), next);
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1).replace(/\.?$/, '.')}`;
}

function unexpected(error: unknown): CliError {
  return new CliError('unavailable', 'internal', {
    what: 'A fault in the sluice command, or an answer that it does not understand.',
    next: 'Is the command of the same version as the server? `sluice health` tells how the services are.',
    detail: error instanceof Error ? error.message : String(error),
  });
}
