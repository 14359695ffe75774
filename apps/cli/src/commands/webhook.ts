import { bodyOf, given, type WebhookReceiver, type WebhookTest } from '@sluice/api-client';
import { type Command } from 'commander';
import { table, time } from '../output.ts';
import { type OpenSession, type Session } from '../session.ts';

const RECEIVERS_MAX = 1_000;
const NO_RECEIVERS = 'No receivers: start the services with --webhooks FILE.';

/** Each process sends what its services own, and has receivers of its own. */
export function addWebhookCommands(program: Command, open: OpenSession): void {
  const webhook = program.command('webhook').description('receivers that are told what happens, and how they are');
  webhook
    .command('list')
    .description('list receivers, what waits for each, and how the last attempts ended')
    .addHelpText('after', '\nExample:\n  $ sluice webhook list')
    .action(() => list(open()));
  webhook
    .command('test [receiver]')
    .description('send a test to each receiver, or this one, and say what each made of it')
    .addHelpText('after', '\nExits with 1 when one has not accepted it.\n\nExample:\n  $ sluice webhook test pager')
    .action((receiver: string | undefined) => test(open(), receiver));
}

async function list({ api, output }: Session): Promise<void> {
  const pages = await Promise.all(
    api.hosts().map(async ({ services }) => {
      const page = await api.list(RECEIVERS_MAX, (query) =>
        bodyOf(api.of(services[0]).GET('/v1/webhooks', { params: { query: given(query) } })),
      );
      return page.items.map((receiver) => ({ services: services.join(' '), ...receiver }));
    }),
  );
  const items = pages.flat();
  output.answer({ items }, (_, paint) =>
    items.length === 0
      ? NO_RECEIVERS
      : table(
          items,
          [
            { head: 'SERVICES', text: ({ services }) => services },
            { head: 'RECEIVER', text: ({ name }) => name },
            { head: 'TO', text: ({ to }) => to },
            { head: 'STATE', text: ({ state }) => state, style: ({ state }) => (state === 'gone' ? 'red' : 'green') },
            { head: 'WAITING', align: 'right', text: ({ waiting }) => waiting },
            { head: 'LAST SUCCESS', text: ({ lastSuccessAt }) => time(lastSuccessAt ?? '–') },
            { head: 'LAST FAILURE', text: failureText },
          ],
          paint,
        ),
  );
}

async function test(session: Session, receiver: string | undefined): Promise<void> {
  const { api, output } = session;
  const tests: (WebhookTest & { readonly services: string })[] = [];
  for (const { services } of api.hosts()) {
    const { results } = await bodyOf(api.of(services[0]).POST('/v1/webhooks/test', { body: given({ receiver }) }));
    tests.push(...results.map((result) => ({ services: services.join(' '), ...result })));
  }
  output.answer({ results: tests }, (_, paint) =>
    tests.length === 0
      ? NO_RECEIVERS
      : table(
          tests,
          [
            { head: 'SERVICES', text: ({ services }) => services },
            { head: 'RECEIVER', text: ({ receiver: name }) => name },
            {
              head: 'RESULT',
              text: ({ outcome }) => outcome,
              style: ({ outcome }) => (outcome === 'accepted' ? 'green' : 'red'),
            },
            { head: 'MS', align: 'right', text: ({ ms }) => ms },
            { head: 'WHY', text: ({ because }) => because },
          ],
          paint,
        ),
  );
  if (tests.some(({ outcome }) => outcome === 'failed')) session.exit = 'no';
}

function failureText({ lastFailure }: WebhookReceiver): string | undefined {
  return lastFailure === null ? undefined : `${time(lastFailure.at)}: ${lastFailure.because}`;
}
