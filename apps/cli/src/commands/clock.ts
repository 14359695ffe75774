import { bodyOf, type ClockView } from '@sluice/api-client';
import { type Command } from 'commander';
import { CliError } from '../errors.ts';
import { facts } from '../output.ts';
import { type OpenSession, type Session } from '../session.ts';

const SERVICES = ['catalog', 'orchestrator', 'telemetry'] as const;

export function addClockCommands(program: Command, open: OpenSession): void {
  const clock = program
    .command('clock')
    .description("show the time that Sluice goes by, and whether it believes the wall's clock")
    .addHelpText('after', '\nExits with 1 when a clock is not believed.\n\nExample:\n  $ sluice clock')
    .action(async () => {
      const session = open();
      const clocks = await readAll(session.api);
      session.output.answer({ clocks }, (_, paint) =>
        clocks.map(({ service, ...each }) => `${service}\n${facts(rowsOf(each), paint)}`).join('\n'),
      );
      if (clocks.every(({ sound }) => sound)) return;
      session.exit = 'no';
      session.output.note('Repair the clock of the machine. If it is right: `sluice clock accept`');
    });
  clock
    .command('accept')
    .description("believe the wall's clock as it is now, until the service is started again")
    .option('--yes', 'do not ask')
    .addHelpText('after', '\nExample:\n  $ sluice clock accept --yes')
    .action((options: { yes?: true }) => accept(open(), options));
}

async function accept(session: Session, { yes }: { yes?: true }): Promise<void> {
  const { api, output } = session;
  const unsound = (await readAll(api)).filter(({ sound }) => !sound);
  if (yes === undefined && unsound.length > 0) await session.confirm('accept', unsound.map(question).join('\n'));
  const accepted: ClockView[] = [];
  for (const { service, differenceSeconds = 0 } of unsound) {
    const body = { differenceSeconds };
    accepted.push(await bodyOf(api.of(service).POST('/v1/clock/accept', { body })));
  }
  output.answer({ clocks: accepted }, () =>
    accepted.length === 0 ? 'Every clock is believed already.' : accepted.map(acceptedText).join('\n'),
  );
}

function question({ service, now, wall = '', differenceSeconds = 0 }: ClockView & { service: string }): string {
  return differenceSeconds > 0
    ? `${service} goes by ${now}, the wall says ${wall}: holds, leases and ramps go on as if it had been so long.`
    : `${service} goes by ${now}, the wall says ${wall}: nothing that was written can become earlier.`;
}

function acceptedText({ now, aheadSeconds }: ClockView): string {
  return aheadSeconds === undefined
    ? `Accepted: it is ${now}.`
    : `Accepted: it is ${now}, ${String(aheadSeconds)} s ahead of the wall, because time does not go backwards here.`;
}

type Api = ReturnType<OpenSession>['api'];

/** One clock for each address: services in one process have one. */
async function readAll(api: Api) {
  const hosts = api.hosts();
  const clocks = [];
  for (const { services } of hosts) {
    const service = SERVICES.find((each) => services.includes(each));
    if (service === undefined)
      throw new CliError('usage', 'usage', { what: 'No service is named.', next: 'See sluice help.' });
    clocks.push({ service, ...(await bodyOf(api.of(service).GET('/v1/clock'))) });
  }
  return clocks;
}

function rowsOf(clock: ClockView): [string, string | undefined][] {
  const { kind, now, sound, because, wall, differenceSeconds, aheadSeconds } = clock;
  return [
    ['kind', kind],
    ['now', now],
    ['believed', sound ? 'yes' : `no: ${because ?? ''}`],
    ['wall', wall],
    ['differs', differenceSeconds === undefined ? undefined : `${String(differenceSeconds)} s`],
    ['ahead', aheadSeconds === undefined ? undefined : `${String(aheadSeconds)} s`],
  ];
}
