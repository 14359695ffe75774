import { randomBytes } from 'node:crypto';
import { bodyOf, enums, given, type HoldStatus, type HoldView, type PlacedHold } from '@sluice/api-client';
import { type Command, Option } from 'commander';
import { usageError } from '../errors.ts';
import { type Style, table, time } from '../output.ts';
import { gather, type OpenSession, type Session, toLimit, toTime } from '../session.ts';

interface PlaceOptions {
  readonly id?: string;
  readonly patch?: string;
  readonly model?: string[];
  readonly family?: string[];
  readonly base?: string[];
  readonly reason: string;
  readonly link?: string;
  readonly expiresAt?: string;
}

export function addHoldCommands(program: Command, open: OpenSession): void {
  const hold = program.command('hold').description('stop a patch, or all patches, for some devices or all');
  hold
    .command('list')
    .description('list holds')
    .addOption(new Option('--status <status>', 'with this status only').choices(enums.HoldStatus))
    .option('--at <time>', 'as of this instant (RFC 3339)', toTime)
    .option('--limit <count>', 'at most so many', toLimit, 100)
    .addHelpText('after', '\nExample:\n  $ sluice hold list --status active')
    .action(async ({ limit, status, at }: { limit: number; status?: HoldStatus; at?: string }) => {
      const { api, output } = open();
      const page = await api.list(limit, (each) =>
        bodyOf(api.of('orchestrator').GET('/v1/holds', { params: { query: given({ status, at, ...each }) } })),
      );
      output.answer(page, ({ items }, paint) => (items.length === 0 ? 'No holds.' : holdTable(items, paint)));
      if (page.nextCursor !== undefined) output.note('There are more; ask for them with --limit.');
    });
  hold
    .command('place')
    .description('place a hold on a patch, or on some devices; `sluice stop` stops everything')
    .requiredOption('--reason <text>', 'why, for those who ask later')
    .option('--patch <patch>', 'this patch only')
    .option('--model <model>', 'these models only; model ids hold commas, so repeat the option', repeat)
    .option('--family <family>', 'these families only (iPhone, iPad, Mac …)', gather)
    .option('--base <build>', 'these base builds only', gather)
    .option('--link <url>', 'where to read more')
    .option('--expires-at <time>', 'when it ends by itself (RFC 3339)', toTime)
    .option('--id <id>', 'id of the hold; one is made if absent')
    .addHelpText(
      'after',
      '\nExample:\n  $ sluice hold place --patch ios-26.3.1-a --model iPhone18,1 --reason "boot loops"',
    )
    .action((options: PlaceOptions) => place(open(), options));
  hold
    .command('lift <hold>')
    .description('end a hold')
    .requiredOption('--reason <text>', 'why, for those who ask later')
    .addHelpText('after', '\nExample:\n  $ sluice hold lift h1 --reason "fixed by (c)"')
    .action(async (id: string, { reason }: { reason: string }) => {
      const { api, output } = open();
      const call = { params: { path: { id } }, body: { reason } };
      const lifted = await bodyOf(api.of('orchestrator').POST('/v1/holds/{id}/lift', call));
      output.answer(lifted, () => `${id} is lifted.`);
    });
}

async function place({ api, output }: Session, options: PlaceOptions): Promise<void> {
  const { patch: onPatch, model: models, family: families, base: bases } = options;
  const isOfDevices = [models, families, bases].some((each) => each !== undefined);
  if (onPatch === undefined && !isOfDevices) {
    throw usageError('A hold names --patch, --model, --family or --base. `sluice stop` stops everything.');
  }
  const { id = `h-${randomBytes(4).toString('hex')}`, patch, model, family, base, reason, link, expiresAt } = options;
  const slice = isOfDevices ? given({ model, family, base }) : undefined;
  const body = { holdId: id, reason, ...given({ patchId: patch, slice, url: link, expiresAt }) };
  const placed = await bodyOf(api.of('orchestrator').POST('/v1/holds', { body }));
  output.answer(placed, (each) => `${each.holdId} holds ${patchName(each)} for ${sliceName(each)}${knownText(each)}.`);
  output.note(`\`sluice hold lift ${placed.holdId}\` ends it.`);
}

function knownText({ knownDevices }: PlacedHold): string {
  return knownDevices === 0 ? ' (no known device)' : ` (${String(knownDevices)} known devices)`;
}

function holdTable(holds: readonly HoldView[], paint: Parameters<typeof table>[2]): string {
  return table(
    holds,
    [
      { head: 'HOLD', text: ({ holdId }) => holdId },
      { head: 'STATUS', text: ({ status }) => status, style: styleOf },
      { head: 'PATCH', text: patchName },
      { head: 'DEVICES', text: sliceName },
      { head: 'EXPIRES', text: ({ expiresAt }) => time(expiresAt) || 'never' },
      { head: 'OWNER', text: ({ owner }) => owner },
      { head: 'REASON', text: ({ reason, url }) => (url === undefined ? reason : `${reason} (${url})`) },
    ],
    paint,
  );
}

function patchName({ patchId }: HoldView): string {
  return patchId ?? 'every patch';
}

function sliceName({ slice }: HoldView): string {
  const { family = [], model = [], base = [] } = slice;
  return [...family, ...model, ...base].join(' ') || 'all devices';
}

function styleOf({ status }: HoldView): Style {
  return status === 'active' ? 'yellow' : 'dim';
}

function repeat(given: string, before: readonly string[] = []): string[] {
  return [...before, given];
}

/** `sluice stop`: nothing is offered to anybody until somebody lifts it. */
export function addStopCommand(program: Command, open: OpenSession): void {
  program
    .command('stop')
    .description('stop everything: nothing is offered to any device until the stop is lifted')
    .option('--reason <text>', 'why, for those who ask later')
    .option('--removals', 'devices keep what was recalled, too')
    .addHelpText(
      'after',
      '\nRemovals of recalled patches go on, unless --removals is given.\n\nExample:\n  $ sluice stop --reason "devices in a boot loop"',
    )
    .action(async (order: { reason?: string; removals?: true }) => {
      const { api, output } = open();
      const stop = await bodyOf(api.of('orchestrator').POST('/v1/stop', { body: order }));
      output.answer(stop, ({ holdId }) => `Everything is stopped by the hold ${holdId}.`);
      output.note(`\`${stop.lift}\` lifts it.`);
    });
}
