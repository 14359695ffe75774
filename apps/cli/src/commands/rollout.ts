import {
  bodyOf,
  enums,
  given,
  type PlanRolloutBody,
  type ReplanRolloutBody,
  type RolloutStatus,
  type RolloutView,
} from '@sluice/api-client';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { type Api } from '../api.ts';
import { type OpenSession, type Session, toLimit, toTime } from '../session.ts';
import { addRolloutHistoryCommands } from './history.ts';
import { personWaves, previewText, rolloutTable, rolloutText } from './rollout-text.ts';

interface ListOptions {
  readonly limit: number;
  readonly patch?: string;
  readonly status?: RolloutStatus;
  readonly at?: string;
}

export function addRolloutCommands(program: Command, open: OpenSession): void {
  const rollout = program.command('rollout').description('plan, watch and steer rollouts');
  addReadingCommands(rollout, open);
  addRolloutHistoryCommands(rollout, open);
  addPlanningCommands(rollout, open);
  addSteeringCommands(rollout, open);
}

function addReadingCommands(rollout: Command, open: OpenSession): void {
  rollout
    .command('list')
    .description('list rollouts')
    .option('--patch <patch>', 'of this patch only')
    .addOption(new Option('--status <status>', 'with this status only').choices(enums.RolloutStatus))
    .option('--at <time>', 'as of this instant (RFC 3339)', toTime)
    .option('--limit <count>', 'at most so many', toLimit, 100)
    .addHelpText('after', '\nExample:\n  $ sluice rollout list --status running')
    .action(async ({ limit, patch, ...filter }: ListOptions) => {
      const { api, output } = open();
      const page = await api.list(limit, (each) => {
        const query = given({ patchId: patch, ...filter, ...each });
        return bodyOf(api.of('orchestrator').GET('/v1/rollouts', { params: { query } }));
      });
      output.answer(page, ({ items }, paint) =>
        items.length === 0 ? 'No rollouts. `sluice rollout plan FILE` makes one.' : rolloutTable(items, paint),
      );
      if (page.nextCursor !== undefined) output.note('There are more; ask for them with --limit.');
    });
  rollout
    .command('show <rollout>')
    .description('show the waves of a rollout, how far they have come, and what a gate has found')
    .option('--at <time>', 'as of this instant (RFC 3339)', toTime)
    .addHelpText('after', '\nExample:\n  $ sluice rollout show r1')
    .action(async (id: string, { at }: { at?: string }) => {
      const { api, output } = open();
      output.answer(await show(api, id, at), rolloutText);
    });
  rollout
    .command('preview <rollout>')
    .description('count who would get the patch, per wave')
    .addHelpText('after', '\nExample:\n  $ sluice rollout preview r1')
    .action(async (id: string) => {
      const { api, output } = open();
      output.answer(await preview(api, id), previewText);
    });
  rollout
    .command('watch <rollout>')
    .description('follow a rollout until it ends; with --json, a line for each change')
    .addHelpText('after', '\nExits with 1 when the rollout was aborted.\n\nExample:\n  $ sluice rollout watch r1')
    .action(async (id: string) => {
      const session = open();
      const last = await session.watch(() => show(session.api, id), {
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
      const body = (await session.readJson(file)) as PlanRolloutBody;
      const planned = await bodyOf(session.api.of('orchestrator').POST('/v1/rollouts', { body }));
      session.output.answer(planned, rolloutText);
      if (planned.status !== 'planned') return;
      const id = planned.rolloutId;
      session.output.note(`Planned. \`sluice rollout preview ${id}\` counts who would get it.`);
      const { waves } = await preview(session.api, id);
      for (const line of personWaves(waves)) session.output.note(line);
    });
  rollout
    .command('replan <rollout> <file>')
    .description('put another plan in place of the present one; nothing that was exposed is taken back')
    .option('--reason <text>', 'why, for those who ask later; needed once the rollout has started')
    .addOption(seen().makeOptionMandatory())
    .addHelpText(
      'after',
      '\nWhat others have changed since is not overwritten.\n\nExample:\n  $ sluice rollout replan r1 r1-slower.json --if-match 3 --reason "too fast"',
    )
    .action(async (id: string, file: string, { reason, ifMatch }: { reason?: string; ifMatch: string }) => {
      const session = open();
      const plan = (await session.readJson(file)) as ReplanRolloutBody;
      const params = { path: { id }, header: { 'If-Match': ifMatch } };
      const body = { ...plan, ...given({ reason }) };
      const planned = await bodyOf(session.api.of('orchestrator').PUT('/v1/rollouts/{id}', { params, body }));
      session.output.answer(planned, rolloutText);
    });
  rollout
    .command('approve <rollout>')
    .description('approve the plan of a rollout that somebody else has planned, as you have seen it')
    .addOption(seen().makeOptionMandatory())
    .addHelpText(
      'after',
      '\nA plan that has changed since is not approved.\n\nExample:\n  $ sluice rollout approve r1 --if-match 0',
    )
    .action(async (id: string, { ifMatch }: { ifMatch: string }) => {
      const session = open();
      const params = { path: { id }, header: { 'If-Match': ifMatch } };
      const approved = await bodyOf(session.api.of('orchestrator').POST('/v1/rollouts/{id}/approve', { params }));
      session.output.answer(approved, rolloutText);
    });
}

interface Steering {
  readonly does: string;
  readonly options?: readonly Option[];
  readonly example?: string;
  readonly call: (client: ReturnType<Api['of']>, id: string, texts: SteeringTexts) => Promise<RolloutView>;
}

interface SteeringTexts {
  readonly ifMatch?: string;
  readonly reason?: string;
  readonly evidenceSeen?: string;
  readonly wave: number;
  readonly force?: string;
}

const reason = () => new Option('--reason <text>', 'why, for those who ask later');
const evidence = () => new Option('--evidence-seen <text>', 'what was looked at; needed after a halt of the patch');
const wave = () =>
  new Option('--wave <number>', 'the open wave, which is to end').argParser(toWave).makeOptionMandatory();

const seen = () =>
  new Option('--if-match <revision>', 'only if it is still at the revision that `rollout show` has shown').argParser(
    toEntityTag,
  );

/** The calls that move a rollout, by the verb of the command. Those that stop something need no words. */
const steering = (): Readonly<Record<string, Steering>> => ({
  start: {
    does: 'start a planned rollout: its first wave opens',
    options: [evidence(), seen()],
    call: (client, id, { evidenceSeen, ifMatch }) =>
      bodyOf(client.POST('/v1/rollouts/{id}/start', { ...onSeen(id, ifMatch), body: given({ evidenceSeen }) })),
  },
  pause: {
    does: 'give no more directives; the clocks of ramp and bake stand still',
    options: [reason()],
    example: '--reason "…"',
    call: (client, id, texts) =>
      bodyOf(client.POST('/v1/rollouts/{id}/pause', { ...on(id), body: given({ reason: texts.reason }) })),
  },
  resume: {
    does: 'go on after a pause or a halt',
    options: [reason(), evidence(), seen()],
    example: '--evidence-seen "…"',
    call: (client, id, { reason: why, evidenceSeen, ifMatch }) => {
      const body = given({ reason: why, evidenceSeen });
      return bodyOf(client.POST('/v1/rollouts/{id}/resume', { ...onSeen(id, ifMatch), body }));
    },
  },
  advance: {
    does: 'end ramp and bake of the open wave now, unless it waits or a gate says halt',
    options: [wave(), reason(), new Option('--force <reason>', 'though evidence is missing; shown for ever'), seen()],
    example: '--wave 1',
    call: (client, id, { wave: number, reason: why, force, ifMatch }) => {
      const body = {
        wave: number,
        ...given({ reason: why, force: force === undefined ? undefined : { reason: force } }),
      };
      return bodyOf(client.POST('/v1/rollouts/{id}/advance', { ...onSeen(id, ifMatch), body }));
    },
  },
  halt: {
    does: 'stop because of harm; only an operator who names the evidence resumes',
    options: [reason()],
    example: '--reason "…"',
    call: (client, id, texts) =>
      bodyOf(client.POST('/v1/rollouts/{id}/halt', { ...on(id), body: given({ reason: texts.reason }) })),
  },
  abort: {
    does: 'end the rollout; devices keep what they have',
    options: [reason()],
    example: '--reason "…"',
    call: (client, id, texts) =>
      bodyOf(client.POST('/v1/rollouts/{id}/abort', { ...on(id), body: given({ reason: texts.reason }) })),
  },
});

const on = (id: string) => ({ params: { path: { id } } });
const onSeen = (id: string, ifMatch: string | undefined) => ({
  params: { path: { id }, header: given({ 'If-Match': ifMatch }) },
});

function addSteeringCommands(rollout: Command, open: OpenSession): void {
  for (const [verb, { does, options = [], example, call }] of Object.entries(steering())) {
    const command = rollout
      .command(`${verb} <rollout>`)
      .description(does)
      .addHelpText('after', `\nExample:\n  $ sluice rollout ${verb} r1${example === undefined ? '' : ` ${example}`}`)
      .action(async (id: string, texts: SteeringTexts) => {
        const { api, output }: Session = open();
        output.answer(await call(api.of('orchestrator'), id, texts), rolloutText);
      });
    for (const option of options) command.addOption(option);
  }
}

function show(api: Api, id: string, at?: string): Promise<RolloutView> {
  const params = { path: { id }, query: given({ at }) };
  return bodyOf(api.of('orchestrator').GET('/v1/rollouts/{id}', { params }));
}

function preview(api: Api, id: string) {
  return bodyOf(api.of('orchestrator').GET('/v1/rollouts/{id}/preview', on(id)));
}

function toEntityTag(text: string): string {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('a revision is a number from 0 on.');
  return `"${text}"`;
}

function toWave(text: string): number {
  if (!/^[1-9]\d{0,2}$/.test(text)) throw new InvalidArgumentError('a wave is a number from 1 on.');
  return Number(text);
}
