import { Option, type Command } from 'commander';
import { path } from '../api.ts';
import { type OpenSession, type Session, toLimit } from '../session.ts';
import { type Preview, previewText, type Rollout, rolloutTable, rolloutText } from './rollout-text.ts';

const statuses = ['planned', 'running', 'paused', 'halted', 'completed', 'aborted'];

export function addRolloutCommands(program: Command, open: OpenSession): void {
  const rollout = program.command('rollout').description('plan, watch and steer rollouts');
  addReadingCommands(rollout, open);
  addPlanningCommands(rollout, open);
  addSteeringCommands(rollout, open);
}

function addReadingCommands(rollout: Command, open: OpenSession): void {
  rollout
    .command('list')
    .description('list rollouts')
    .option('--patch <patch>', 'of this patch only')
    .addOption(new Option('--status <status>', 'with this status only').choices(statuses))
    .option('--limit <count>', 'at most so many', toLimit, 100)
    .addHelpText('after', '\nExample:\n  $ sluice rollout list --status running')
    .action(async ({ limit, patch, status }: { limit: number; patch?: string; status?: string }) => {
      const { api, output } = open();
      const page = await api.list<Rollout>('orchestrator', '/v1/rollouts', limit, { patchId: patch, status });
      output.answer(page, ({ items }, paint) =>
        items.length === 0 ? 'No rollouts. `sluice rollout plan FILE` makes one.' : rolloutTable(items, paint),
      );
      if (page.nextCursor !== undefined) output.note('There are more; ask for them with --limit.');
    });
  rollout
    .command('show <rollout>')
    .description('show the waves of a rollout, how far they have come, and what a gate has found')
    .addHelpText('after', '\nExample:\n  $ sluice rollout show r1')
    .action(async (id: string) => {
      const { api, output } = open();
      output.answer(await api.get<Rollout>('orchestrator', path`/v1/rollouts/${id}`), rolloutText);
    });
  rollout
    .command('preview <rollout>')
    .description('count who would get the patch, per wave')
    .addHelpText('after', '\nExample:\n  $ sluice rollout preview r1')
    .action(async (id: string) => {
      const { api, output } = open();
      output.answer(await api.get<Preview>('orchestrator', path`/v1/rollouts/${id}/preview`), previewText);
    });
  rollout
    .command('watch <rollout>')
    .description('follow a rollout until it ends; with --json, a line for each change')
    .addHelpText('after', '\nExits with 1 when the rollout was aborted.\n\nExample:\n  $ sluice rollout watch r1')
    .action(async (id: string) => {
      const session = open();
      const last = await session.watch(() => session.api.get<Rollout>('orchestrator', path`/v1/rollouts/${id}`), {
        toText: rolloutText,
        isOver: ({ status }) => status === 'completed' || status === 'aborted',
      });
      if (last?.status === 'aborted') session.exit = 'no';
    });
}

function addPlanningCommands(rollout: Command, open: OpenSession): void {
  rollout
    .command('plan <file>')
    .description('plan the rollout that a JSON file describes (- for standard input)')
    .addHelpText('after', '\nExample:\n  $ sluice rollout plan r1.json')
    .action(async (file: string) => {
      const session = open();
      const planned = await session.api.post<Rollout>('orchestrator', '/v1/rollouts', await session.readJson(file));
      session.output.answer(planned, rolloutText);
      if (planned.status === 'planned') {
        session.output.note(`Planned. \`sluice rollout preview ${planned.rolloutId}\` counts who would get it.`);
      }
    });
  rollout
    .command('replan <rollout> <file>')
    .description('put another plan in place of one that has not started')
    .addHelpText('after', '\nExample:\n  $ sluice rollout replan r1 r1-slower.json')
    .action(async (id: string, file: string) => {
      const session = open();
      const body = await session.readJson(file);
      const { body: planned } = await session.api.call<Rollout>('PUT', 'orchestrator', path`/v1/rollouts/${id}`, {
        body,
      });
      session.output.answer(planned, rolloutText);
    });
}

interface Steering {
  readonly verb: string;
  readonly does: string;
  readonly option?: Option;
}

const reason = () => new Option('--reason <text>', 'why, for those who ask later').makeOptionMandatory();

/** The calls that move a rollout; each takes at most one text. */
const steering = (): readonly Steering[] => [
  { verb: 'start', does: 'start a planned rollout: its first wave opens' },
  { verb: 'pause', does: 'give no more directives; the clocks of ramp and bake stand still', option: reason() },
  {
    verb: 'resume',
    does: 'go on after a pause or a halt',
    option: new Option('--evidence-seen <text>', 'what was looked at; needed after a halt'),
  },
  { verb: 'advance', does: 'end ramp and bake of the open wave now, unless a gate says stop' },
  { verb: 'halt', does: 'stop because of harm; only an operator who names the evidence resumes', option: reason() },
  { verb: 'abort', does: 'end the rollout; devices keep what they have', option: reason() },
];

function addSteeringCommands(rollout: Command, open: OpenSession): void {
  for (const { verb, does, option } of steering()) {
    const command = rollout
      .command(`${verb} <rollout>`)
      .description(does)
      .addHelpText(
        'after',
        `\nExample:\n  $ sluice rollout ${verb} r1${option === undefined ? '' : ` ${option.long ?? ''} "…"`}`,
      )
      .action((id: string, texts: { reason?: string; evidenceSeen?: string }) => steer(open(), id, verb, texts));
    if (option !== undefined) command.addOption(option);
  }
}

async function steer({ api, output }: Session, id: string, verb: string, texts: object): Promise<void> {
  const moved = await api.post<Rollout>('orchestrator', path`/v1/rollouts/${id}/${verb}`, texts);
  output.answer(moved, rolloutText);
}
