import { setTimeout as sleep } from 'node:timers/promises';
import { type RelayStatus } from '@sluice/event-feed-kafka';
import { inWords } from '../figure.ts';
import { until } from '../paced.ts';
import { type Outcome } from './outcome.ts';
import { type PartProcess } from './part-process.ts';
import { type Ground, Site } from './site.ts';

const BROKER_AWAY_MS = 3_000;
const ABANDONED_AFTER_MS = 2_000;
const CONSUMER_LIVES = 4;
/** Each relay lives for so many checkpoints; some die at their first. */
const SAVES_BEFORE_DEATH = [0, 1, 3, 7];
const PAUSES = 2;

/** The broker is killed twice under load, and comes back. */
export async function brokerKilled(ground: Ground): Promise<Outcome> {
  await using site = await Site.open(ground);
  await site.relay();
  const consumer = await site.consumer();
  site.startLoad();
  for (let times = 0; times < 2; times += 1) {
    await sleep(quarterMs(ground));
    ground.say('killing the broker');
    await ground.broker.kill();
    await sleep(BROKER_AWAY_MS);
    await ground.broker.restart();
  }
  await sleep(quarterMs(ground));
  await site.stopLoad();
  const outcome = await site.outcome(consumer);
  return { ...outcome, remarks: [`killed twice, the consumer was interrupted ${inWords(outcome.crashes)} times`] };
}

/** Relays die one after the other between Kafka's acknowledgement and the checkpoint; the last one lives. */
export async function relayKilled(ground: Ground): Promise<Outcome> {
  await using site = await Site.open(ground);
  const consumer = await site.consumer();
  site.startLoad();
  const giveUpAt = performance.now() + ground.seconds * 1000;
  let deaths = 0;
  while (deaths < SAVES_BEFORE_DEATH.length || performance.now() < giveUpAt) {
    const relay = await site.relay({ diesAfterSaves: SAVES_BEFORE_DEATH[deaths % SAVES_BEFORE_DEATH.length] ?? 0 });
    await relay.ended();
    deaths += 1;
    ground.say(`relay ${String(deaths)} has killed itself`);
  }
  await site.relay();
  await site.stopLoad();
  const outcome = await site.outcome(consumer);
  const faults = outcome.dropped === 0 ? ['nothing was sent twice, so nothing was tried'] : [];
  return { ...outcome, remarks: [`${String(deaths)} relays killed`], faults };
}

/** Two relays take turns, as the one that runs is paused and wakes up again; a third never hears that it was replaced. */
export async function twoRelays(ground: Ground): Promise<Outcome> {
  await using site = await Site.open(ground);
  const consumer = await site.consumer();
  await site.relay({ isDeaf: true });
  const relays = await Promise.all([1, 2].map(() => site.relay({ abandonedAfterMs: ABANDONED_AFTER_MS })));
  site.startLoad();
  for (let times = 0; times < PAUSES; times += 1) {
    await sleep(quarterMs(ground));
    const [running, other] = await whoRuns(relays);
    running.signal('SIGSTOP');
    await until('the other relay takes over', async () => (await stateOf(other)) === 'running');
    ground.say('the relay that ran was paused, and the other has taken over');
    running.signal('SIGCONT');
    await until('the one that was paused stands by', async () => (await stateOf(running)) === 'standby');
  }
  await sleep(quarterMs(ground));
  await site.stopLoad();
  const outcome = await site.outcome(consumer);
  const faults = outcome.received < outcome.sent * 2 ? ['not everything came twice'] : [];
  return {
    ...outcome,
    remarks: [`two that take turns, paused ${String(PAUSES)} times, and one that does not`],
    faults,
  };
}

/** A consumer is killed and starts again, with an empty read model each time. */
export async function consumerKilled(ground: Ground): Promise<Outcome> {
  await using site = await Site.open(ground);
  await site.relay();
  site.startLoad();
  let consumer = await site.consumer();
  for (let lives = 1; lives < CONSUMER_LIVES; lives += 1) {
    await sleep((ground.seconds * 1000) / CONSUMER_LIVES);
    await consumer.kill();
    ground.say('killed the consumer');
    consumer = await site.consumer();
  }
  await sleep((ground.seconds * 1000) / CONSUMER_LIVES);
  await site.stopLoad();
  const remarks = [`${String(CONSUMER_LIVES - 1)} consumers killed; each next one begins anew`];
  return { ...(await site.outcome(consumer)), remarks };
}

function quarterMs({ seconds }: Ground): number {
  return (seconds * 1000) / 4;
}

async function stateOf(relay: PartProcess): Promise<RelayStatus['state']> {
  return (await relay.ask<RelayStatus>({ ask: 'status' })).state;
}

async function whoRuns(relays: readonly PartProcess[]): Promise<readonly [PartProcess, PartProcess]> {
  const [first, second] = relays;
  if (first === undefined || second === undefined) throw new Error('two relays are needed');
  let running: PartProcess | undefined;
  await until('one relay runs', async () => {
    running = (await stateOf(first)) === 'running' ? first : (await stateOf(second)) === 'running' ? second : undefined;
    return running !== undefined;
  });
  return running === second ? [second, first] : [first, second];
}
