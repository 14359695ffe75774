import { setTimeout as sleep } from 'node:timers/promises';
import { type Message } from 'kafkajs';
import { clientOf } from '../broker.ts';
import { inWords } from '../figure.ts';
import { until } from '../paced.ts';
import { Copier, type Meddling } from './copier.ts';
import { type Outcome } from './outcome.ts';
import { type Ground, Site } from './site.ts';

const [FROM, TO] = ['before.', 'after.'];
/** Of a hundred records, so many are left out, come twice, or change places with the next one; progress records as well. */
const PERCENT = { left: 3, twice: 10, swapped: 10 };
/** Now and then everything of the last batches comes again. */
const AGAIN_EVERY_BATCHES = 20;
const AGAIN_RECORDS = 500;
/** Every so many records one cannot be read, or another one that nobody knows stands before it. */
const GARBLED_EVERY = 500;
const FOREIGN_EVERY = 1_777;
const POISON = [
  { stream: 'patch-ios-26.3.7-a', revision: 5 },
  { stream: 'patch-ios-26.3.8-a', revision: 20 },
];

/** Records come twice, in another order, or not at all. */
export async function meddled(ground: Ground): Promise<Outcome> {
  const done = { left: 0, twice: 0, swapped: 0 };
  const outcome = await throughCopier(ground, meddle(done), async (site) => {
    const consumer = await site.consumer({ prefix: TO });
    await sleep(ground.seconds * 1000);
    return consumer;
  });
  const remarks = [
    `${inWords(done.left)} left out, ${inWords(done.twice)} doubled, ${inWords(done.swapped)} swapped; ${inWords(outcome.filled)} holes filled from the owner`,
  ];
  return { ...outcome, remarks, faults: outcome.filled === 0 ? ['no hole was filled'] : [] };
}

/** Records that nobody can read, and events that their consumer cannot apply, in the middle of their streams. */
export async function poisoned(ground: Ground): Promise<Outcome> {
  const done = { garbled: 0, foreign: 0 };
  let parked = 0;
  let left = 0;
  const outcome = await throughCopier(
    ground,
    garble(done),
    async (site) => {
      const consumer = await site.consumer({ prefix: TO, refuses: POISON });
      await sleep(ground.seconds * 1000);
      return consumer;
    },
    async (site, consumer) => {
      await consumer.ask({ ask: 'reach', position: await site.store.head() });
      parked = await consumer.ask<number>({ ask: 'parked' });
      ground.say(`${inWords(parked)} events are parked; curing the consumer`);
      left = await consumer.ask<number>({ ask: 'cure' });
    },
  );
  const faults = [
    ...(parked < POISON.length ? ['nothing was parked'] : []),
    ...(left > 0 ? [`${inWords(left)} events are parked still`] : []),
    ...(outcome.unreadable < done.garbled ? ['unreadable records were not noticed'] : []),
  ];
  const remarks = [
    `${inWords(done.garbled)} records garbled, whose events came from the owner, and ${inWords(done.foreign)} foreign ones: ${inWords(outcome.unreadable)} noticed`,
    `${inWords(parked)} events parked behind ${String(POISON.length)} that could not be applied, and applied when they could`,
  ];
  return { ...outcome, remarks, faults };
}

type PartOf<Name extends 'consumer'> = Awaited<ReturnType<Site[Name]>>;

async function throughCopier(
  ground: Ground,
  meddling: Meddling,
  work: (site: Site) => Promise<PartOf<'consumer'>>,
  before?: (site: Site, consumer: PartOf<'consumer'>) => Promise<void>,
) {
  await using site = await Site.open(ground);
  const client = clientOf(ground.broker.brokers, 'copier');
  await using copier = await Copier.start(client, { from: FROM, to: TO, meddling });
  await site.relay({ prefix: FROM });
  site.startLoad();
  const consumer = await work(site);
  await until('records are copied', () => copier.copied > 0);
  copier.leaveOff();
  await site.stopLoad();
  await before?.(site, consumer);
  return await site.outcome(consumer);
}

/** Leaves out, doubles and swaps by a fixed series of numbers, so that each run is like the other. */
function meddle(done: { left: number; twice: number; swapped: number }): Meddling {
  let series = 1;
  const percent = () => (series = (series * 48_271) % 2_147_483_647) % 100;
  let batches = 0;
  let recent: Message[] = [];
  return (messages) => {
    const records: Message[] = [];
    for (const message of messages) {
      const dice = percent();
      if (dice < PERCENT.left) done.left += 1;
      else if (dice < PERCENT.left + PERCENT.twice) {
        done.twice += 1;
        records.push(message, message);
      } else if (dice < PERCENT.left + PERCENT.twice + PERCENT.swapped && records.length > 0) {
        done.swapped += 1;
        records.splice(-1, 0, message);
      } else records.push(message);
    }
    recent = [...recent, ...records].slice(-AGAIN_RECORDS);
    batches += 1;
    if (batches % AGAIN_EVERY_BATCHES !== 0) return records;
    done.twice += recent.length;
    return [...records, ...recent];
  };
}

function garble(done: { garbled: number; foreign: number }): Meddling {
  let seen = 0;
  return (messages) =>
    messages.flatMap((message) => {
      seen += 1;
      const isEvent = message.key !== null && message.key !== undefined;
      if (seen % FOREIGN_EVERY === 0) {
        done.foreign += 1;
        return [{ key: 'somebody', value: 'hello', partition: 0 }, message];
      }
      if (seen % GARBLED_EVERY !== 0 || !isEvent) return [message];
      done.garbled += 1;
      return [{ ...message, value: String(message.value).slice(0, 20) }];
    });
}
