import { bodyOf, given, type DeadLetterDetails, type DeadLetterView } from '@sluice/api-client';
import { type Command } from 'commander';
import { clean, facts, type Paint, table, time } from '../output.ts';
import { type OpenSession, type Session } from '../session.ts';

/** As many as a consumer parks before it stops, of several consumers. */
const LETTERS_MAX = 100_000;

export function addDeadLetterCommands(program: Command, open: OpenSession): void {
  const dlq = program.command('dlq').description('events that a service could not apply, parked until you decide');
  dlq
    .command('list')
    .description('list parked events of all services, the first of each stream with the reason')
    .addHelpText('after', '\nExample:\n  $ sluice dlq list')
    .action(async () => {
      const session = open();
      session.output.answer({ items: await allLetters(session) }, ({ items }, paint) =>
        items.length === 0 ? 'Nothing is parked.' : letterTable(items, paint),
      );
    });
  dlq
    .command('show <letter>')
    .description('show one parked event with its data')
    .addHelpText('after', '\nExample:\n  $ sluice dlq show orchestrator-catalog/patch-ios-26.3.1-a/3/0')
    .action(async (id: string) => {
      const { api, output } = open();
      const shown = await bodyOf(api.of(serviceOf(id)).GET('/v1/dead-letters/{id}', { params: { path: { id } } }));
      output.answer(shown, letterText);
    });
  addDecision(dlq, open, 'retry', 'apply a parked event again, and then those behind it');
  addDecision(dlq, open, 'discard', 'drop a parked event for good, and apply those behind it');
}

function addDecision(dlq: Command, open: OpenSession, verb: 'retry' | 'discard', description: string): void {
  dlq
    .command(`${verb} <letter>`)
    .description(description)
    .addHelpText('after', `\nExample:\n  $ sluice dlq ${verb} orchestrator-catalog/patch-ios-26.3.1-a/3/0`)
    .action(async (id: string) => {
      const { api, output } = open();
      const route = `/v1/dead-letters/{id}/${verb}` as const;
      const decided = await bodyOf(api.of(serviceOf(id)).POST(route, { params: { path: { id } } }));
      output.answer(decided, ({ parked }, paint) => {
        const [first] = parked;
        if (first === undefined) return verb === 'retry' ? 'Applied; nothing is parked behind it.' : 'Dropped.';
        return `${String(parked.length)} of the stream are still parked:\n${letterTable(parked, paint)}`;
      });
    });
}

// Consumers are named after the service that they belong to.
function serviceOf(id: string): 'orchestrator' | 'telemetry' {
  return id.startsWith('telemetry-') ? 'telemetry' : 'orchestrator';
}

async function allLetters({ api }: Session): Promise<DeadLetterView[]> {
  const pages = await Promise.all(
    api
      .hosts()
      .map(({ services: [service] }) =>
        api.list(LETTERS_MAX, (query) =>
          bodyOf(api.of(service).GET('/v1/dead-letters', { params: { query: given(query) } })),
        ),
      ),
  );
  return pages.flatMap(({ items }) => items);
}

function letterTable(letters: readonly DeadLetterView[], paint: Paint): string {
  return table(
    letters,
    [
      { head: 'LETTER', text: ({ id }) => id },
      { head: 'EVENT', text: ({ type }) => type },
      { head: 'OF', text: ({ time: at }) => time(at) },
      { head: 'WHY', text: ({ reason }) => reason ?? 'waits behind the one before' },
    ],
    paint,
  );
}

function letterText({ event, ...letter }: DeadLetterDetails, paint: Paint): string {
  const { consumer, type, stream, revision, index, time: at, reason } = letter;
  const head = facts(
    [
      ['event', `${type} of ${time(at)}`],
      ['stream', `${stream}, revision ${String(revision)}, event ${String(index)}`],
      ['consumer', consumer],
      ['why', reason ?? 'waits behind another one of its stream'],
    ],
    paint,
  );
  return `${paint('bold', clean(letter.id))}\n${head}\n${clean(JSON.stringify(event.data, undefined, 2))}`;
}
