import { type Command, InvalidArgumentError, Option } from 'commander';
import { path } from '../api.ts';
import { type OpenSession, type Session, toLimit } from '../session.ts';
import { personWaves, type Preview, previewText, type Rollout, rolloutTable, rolloutText } from './rollout-text.ts';

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
      if (planned.status !== 'planned') return;
      const id = planned.rolloutId;
      session.output.note(`Planned. \`sluice rollout preview ${id}\` counts who would get it.`);
      const { waves } = await session.api.get<Preview>('orchestrator', path`/v1/rollouts/${id}/preview`);
      for (const line of personWaves(waves)) session.output.note(line);
    });
  rollout
    .command('replan <rollout> <file>')
    .description('put another plan in place of the present one; nothing that was exposed is taken back')
    .option('--reason <text>', 'why, for those who ask later; needed once the rollout has started')
    .addHelpText('after', '\nExample:\n  $ sluice rollout replan r1 r1-slower.json --reason "too fast"')
    .action(async (id: string, file: string, { reason }: { reason?: string }) => {
      const session = open();
      const plan = (await session.readJson(file)) as object;
      const { revision } = await session.api.get<Rollout>('orchestrator', path`/v1/rollouts/${id}`);
      const { body: planned } = await session.api.call<Rollout>('PUT', 'orchestrator', path`/v1/rollouts/${id}`, {
        body: { ...plan, ...(reason !== undefined && { reason }) },
        ifMatch: revision === undefined ? undefined : `"${String(revision)}"`,
      });
      session.output.answer(planned, rolloutText);
    });
}

interface Steering {
  readonly verb: string;
  readonly does: string;
  readonly options?: readonly Option[];
  readonly example?: string;
}

interface SteeringTexts {
  readonly reason?: string;
  readonly evidenceSeen?: string;
  readonly wave?: number;
  readonly force?: string;
}

const reason = () => new Option('--reason <text>', 'why, for those who ask later');
const evidence = () => new Option('--evidence-seen <text>', 'what was looked at; needed after a halt of the patch');
const wave = () =>
  new Option('--wave <number>', 'the open wave, which is to end').argParser(toWave).makeOptionMandatory();

/** The calls that move a rollout. Those that stop something need no words. */
const steering = (): readonly Steering[] => [
  { verb: 'start', does: 'start a planned rollout: its first wave opens', options: [evidence()] },
  {
    verb: 'pause',
    does: 'give no more directives; the clocks of ramp and bake stand still',
    options: [reason()],
    example: '--reason "…"',
  },
  {
    verb: 'resume',
    does: 'go on after a pause or a halt',
    options: [reason(), evidence()],
    example: '--evidence-seen "…"',
  },
  {
    verb: 'advance',
    does: 'end ramp and bake of the open wave now, unless it waits or a gate says halt',
    options: [wave(), reason(), new Option('--force <reason>', 'though evidence is missing; shown for ever')],
    example: '--wave 1',
  },
  {
    verb: 'halt',
    does: 'stop because of harm; only an operator who names the evidence resumes',
    options: [reason()],
    example: '--reason "…"',
  },
  { verb: 'abort', does: 'end the rollout; devices keep what they have', options: [reason()], example: '--reason "…"' },
];

function addSteeringCommands(rollout: Command, open: OpenSession): void {
  for (const { verb, does, options = [], example } of steering()) {
    const command = rollout
      .command(`${verb} <rollout>`)
      .description(does)
      .addHelpText('after', `\nExample:\n  $ sluice rollout ${verb} r1${example === undefined ? '' : ` ${example}`}`)
      .action((id: string, texts: SteeringTexts) => steer(open(), id, verb, texts));
    for (const option of options) command.addOption(option);
  }
}

async function steer({ api, output }: Session, id: string, verb: string, texts: SteeringTexts): Promise<void> {
  const { force, ...rest } = texts;
  const body = { ...rest, ...(force !== undefined && { force: { reason: force } }) };
  const moved = await api.post<Rollout>('orchestrator', path`/v1/rollouts/${id}/${verb}`, body);
  output.answer(moved, rolloutText);
}

function toWave(text: string): number {
  if (!/^[1-9]\d{0,2}$/.test(text)) throw new InvalidArgumentError('a wave is a number from 1 on.');
  return Number(text);
}
