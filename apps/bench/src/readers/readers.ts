import { join } from 'node:path';
import { DEVICE_PREFIX } from '../examples.ts';
import { type Figure, inWords } from '../figure.ts';
import { type Beside, measureBeside, MIB, preparePulls, pullFigure, PulledServer, PULLS } from '../pulls-beside.ts';
import { ReportStream } from '../report-stream.ts';
import { type CrowdName, crowds, type ReadingTally, startReaders } from './reading-crowd.ts';

/** Of a thousand reports each. */
const REPORT_BODIES = 250;
const TOKENS = 20_000;
const TOKENS_AT_ONCE = 32;

const cases: readonly { readonly what: string; readonly crowd?: CrowdName }[] = [
  { what: 'no load' },
  { what: 'beside 500 readers of the feed, each from the beginning, over and over', crowd: 'feed' },
  { what: 'beside ten parallel pages of 10,000 events, over and over', crowd: 'pages' },
  { what: 'beside ten parallel pages of 1,000 devices, over and over', crowd: 'devices' },
  { what: 'beside ten parallel pages of devices, found among 100,000 by their ids', crowd: 'filtered' },
  { what: `beside ten parallel pages of 1,000 tokens of ${inWords(TOKENS)}`, crowd: 'tokens' },
];

/** How long a pull takes beside those who read much, each on a connection of its own, with the embedded store. */
export async function measureReaders(folder: string): Promise<Figure[]> {
  await using server = await PulledServer.start(join(folder, 'readers'));
  const events = (await report(server)) + (cases.length + 1) * PULLS;
  await preparePulls(server, cases.length);
  await issueTokens(server);
  const figures: Figure[] = [];
  let alone: Beside<ReadingTally> | undefined;
  for (const [nth, { what, crowd }] of cases.entries()) {
    process.stderr.write(`  ${what}…\n`);
    const { url, token } = server;
    const start = crowd && (() => startReaders({ name: crowd, url, token }));
    const beside = await measureBeside(server, nth, start);
    figures.push(pullFigure(what, beside, alone, readersText(crowd, events, beside)));
    alone ??= beside;
  }
  return figures;
}

/** Facts of 100,000 devices. Returns how many there are. */
async function report(server: PulledServer): Promise<number> {
  const token = await server.deviceToken(DEVICE_PREFIX);
  const stream = new ReportStream(Date.now(), REPORT_BODIES);
  let accepted = 0;
  for (let n = 0; n < REPORT_BODIES; n += 1)
    accepted += (await server.call<{ accepted: number }>('/v1/reports', stream.next(), token)).accepted;
  return accepted;
}

async function issueTokens(server: PulledServer): Promise<void> {
  process.stderr.write(`  issues ${inWords(TOKENS)} tokens…\n`);
  let issued = 0;
  const issue = async (): Promise<void> => {
    while (issued < TOKENS) {
      issued += 1;
      const body = {
        name: `gate-${String(issued)}`,
        roles: ['device'],
        devicePrefix: `${DEVICE_PREFIX}${String(issued)}-`,
      };
      await server.call('/v1/tokens', JSON.stringify(body));
    }
  };
  await Promise.all(Array.from({ length: TOKENS_AT_ONCE }, issue));
}

function readersText(crowd: CrowdName | undefined, events: number, { tally, seconds }: Beside<ReadingTally>): string {
  const there = `${inWords(events)} events in the store`;
  if (crowd === undefined || tally === undefined) return there;
  return `${there}; ${inWords(crowds[crowd].readers)} readers, ${inWords(tally.bytes / MIB / seconds)} MiB a second, ${inWords(tally.read)} read to the end, ${inWords(tally.refused)} refused with 503, ${inWords(tally.cut)} cut`;
}
