import { join } from 'node:path';
import { DEVICE_PREFIX } from '../examples.ts';
import { type Figure, inWords } from '../figure.ts';
import { type Beside, measureBeside, preparePulls, pullFigure, PulledServer } from '../pulls-beside.ts';
import { CheckInProbe, type CheckInTally, startCheckIns, TIMES_CAPACITY } from './check-in-crowd.ts';
import { type CrowdName, crowds, type CrowdTally, startCrowd } from './crowd.ts';

interface Case {
  readonly what: string;
  readonly crowd?: CrowdName;
  readonly isKnown?: boolean;
}

const cases: readonly Case[] = [
  { what: 'no load' },
  { what: 'beside 1,000 connections without a token, each with 2 MB announced and trickled', crowd: 'trickled' },
  { what: 'beside 36 × 2 MB without a token, over and over', crowd: 'posts' },
  { what: 'beside imports of 32 MB by a device token, 4 at once, over and over', crowd: 'imports', isKnown: true },
];

/** How long a pull takes whoever crowds the door, each on a connection of its own, with the embedded store. */
export async function measureDoor(folder: string): Promise<Figure[]> {
  await using server = await PulledServer.start(join(folder, 'door'));
  const token = await server.deviceToken(DEVICE_PREFIX);
  await preparePulls(server, cases.length + 1);
  const figures: Figure[] = [];
  let alone: Beside<CrowdTally> | undefined;
  for (const [nth, { what, crowd, isKnown = false }] of cases.entries()) {
    process.stderr.write(`  ${what}…\n`);
    const start = crowd && (() => startCrowd({ name: crowd, port: server.port, ...(isKnown && { token }) }));
    const beside = await measureBeside(server, nth, start);
    figures.push(pullFigure(what, beside, alone, crowdText(crowd, beside.tally)));
    alone ??= beside;
  }
  figures.push(...(await measureBesideCheckIns(server, token, { nth: cases.length, alone })));
  return figures;
}

/** More check-ins than can be answered: some are turned away so that pulls, and the check-ins that are taken, are answered soon. */
async function measureBesideCheckIns(
  server: PulledServer,
  token: string,
  { nth, alone }: { readonly nth: number; readonly alone: Beside<unknown> | undefined },
): Promise<Figure[]> {
  const what = `beside check-ins at ${String(TIMES_CAPACITY)} times what can be answered`;
  process.stderr.write(`  ${what}…\n`);
  const role = { port: server.port, token };
  const beside = await measureBeside(server, nth, async () => {
    const crowd = await startCheckIns(role);
    const probe = new CheckInProbe(role);
    return { stop: async () => ({ probe: await probe.stop(), ...(await crowd.stop()) }) };
  });
  const { tally } = beside;
  if (tally === undefined) throw new Error('nobody counted the check-ins');
  const { p99Ms, answered, shed, cut } = tally.probe;
  return [
    pullFigure(what, beside, alone, checkInsText(tally)),
    {
      what: `check-in ${what}, p99 of ${inWords(answered)}`,
      value: p99Ms,
      unit: 'ms',
      beside: `${inWords(shed)} of ${inWords(answered + shed + cut)} were turned away, ${inWords(cut)} cut`,
      limitedBy: checkInsText(tally),
    },
  ];
}

function checkInsText({ answeredPerSecond, cut, ...a }: CheckInTally): string {
  const answers = Object.entries(answeredPerSecond).map(([status, count]) => `${inWords(count)} × ${status}`);
  return `${inWords(a.capacityPerSecond)} a second were answered to those who wait; ${inWords(a.duePerSecond)} due then, ${inWords(a.offeredPerSecond)} sent, answered ${answers.join(', ')} a second, ${inWords(cut)} connections cut`;
}

function crowdText(crowd: CrowdName | undefined, tally: CrowdTally | undefined): string | undefined {
  if (crowd === undefined || tally === undefined) return undefined;
  const answers = Object.entries(tally.answers).map(([status, count]) => `${inWords(count)} × ${status}`);
  return `${String(crowds[crowd].connections)} at once, ${inWords(tally.connected)} came, answered ${answers.join(', ')}, ${inWords(tally.cut)} closed without`;
}
