import { bodyOf } from '@sluice/api-client';
import { type Command } from 'commander';
import { type Api, type Host } from '../api.ts';
import { CliError } from '../errors.ts';
import { table, time } from '../output.ts';
import { type OpenSession } from '../session.ts';

interface Health extends Host {
  readonly state: 'ready' | 'not-ready' | 'unreachable';
  readonly detail?: string;
}

export function addHealthCommand(program: Command, open: OpenSession): void {
  program
    .command('health')
    .description('tell whether the services are there and ready')
    .addHelpText(
      'after',
      '\nExits with 0 when all are ready, 1 when one is not, 4 when one is not reached.\n\nExample:\n  $ sluice health',
    )
    .action(async () => {
      const session = open();
      const hosts = await Promise.all(session.api.hosts().map((host) => look(session.api, host)));
      session.output.answer({ services: hosts }, (_, paint) =>
        table(
          hosts,
          [
            { head: 'SERVICES', text: ({ services }) => services.join(' ') },
            { head: 'ADDRESS', text: ({ url }) => url },
            { head: 'STATE', text: ({ state }) => state, style: ({ state }) => (state === 'ready' ? 'green' : 'red') },
            { head: '', text: ({ detail }) => detail },
          ],
          paint,
        ),
      );
      if (hosts.some(({ state }) => state === 'unreachable')) session.exit = 'unavailable';
      else if (hosts.some(({ state }) => state === 'not-ready')) session.exit = 'no';
    });
}

async function look(api: Api, host: Host): Promise<Health> {
  try {
    const body = await bodyOf(api.of(host.services[0]).GET('/health/ready'));
    const stops = body.stopsNotDurable?.map(({ stop, since }) => `${stop} (since ${time(since)})`) ?? [];
    const unstored = stops.length === 0 ? [] : [`in force, not stored yet: ${stops.join(', ')}`];
    const detail = [...unstored, ...(body.troubles ?? [])].join('; ');
    return { ...host, state: 'ready', ...(detail !== '' && { detail }) };
  } catch (error) {
    if (!(error instanceof CliError) || error.exit === 'interrupted') throw error;
    const { what, next, detail } = error.story;
    const state = error.code === 'not-ready' ? 'not-ready' : 'unreachable';
    return { ...host, state, detail: detail ?? (state === 'unreachable' ? `${what} ${next}` : what) };
  }
}
