import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ReportReceipt } from '@sluice/contracts/device-protocol';
import { withBroker } from './broker.ts';
import { type Figure, inWords } from './figure.ts';
import { paced, until } from './paced.ts';
import { ReportStream } from './report-stream.ts';
import { type Service, Services } from './service-processes.ts';

const REPORTS_PER_SECOND = 100_000;
const REPORTS_PER_REQUEST = 1_000;
/** No more requests are under way; a service that is slower than the load slows the load. */
const REQUESTS_AT_ONCE = 32;
const OVERLOADED = 503;
const AGAIN_AFTER_MS = 50;
const CATCH_UP_MS_MAX = 30 * 60_000;
const POLL_MS = 250;
const PROGRESS_MS = 10_000;

/** Reports accepted under a load that is meant to be 100,000 a second, and how far the fleet's topic lags behind them. */
export async function measureFleet(folder: string, seconds: number): Promise<Figure[]> {
  const figures = await withBroker(join(folder, 'kafka'), async ({ brokers }) => {
    await using services = new Services(folder, brokers);
    const catalog = await services.start('catalog');
    const telemetry = await services.start('telemetry');
    for (const each of [catalog, telemetry]) await services.ready(each);
    const load = new ReportLoad(services, telemetry);
    const startedAt = performance.now();
    await load.run(seconds);
    const took = (performance.now() - startedAt) / 1000;
    const relayedAtEnd = await relayed(services, telemetry);
    process.stderr.write(`  ${inWords(load.accepted)} accepted, ${inWords(relayedAtEnd)} of them relayed\n`);
    const waitedSeconds = await caughtUp(services, telemetry, load.accepted);
    const rate = (load.accepted - relayedAtEnd) / waitedSeconds;
    return figuresOf({ accepted: load.accepted, took, relayedAtEnd, waitedSeconds, rate });
  });
  return figures ?? [];
}

interface Measured {
  readonly accepted: number;
  readonly took: number;
  readonly relayedAtEnd: number;
  readonly waitedSeconds: number;
  readonly rate: number;
}

function figuresOf({ accepted, took, relayedAtEnd, waitedSeconds, rate }: Measured): Figure[] {
  const perSecond = inWords(accepted / took);
  return [
    {
      what: `reports accepted while the fleet's topic is fed, over ${inWords(took)} s`,
      value: accepted / took,
      unit: 'perSecond',
      target: REPORTS_PER_SECOND,
      beside: `${inWords(REPORTS_PER_SECOND)}/s were offered; ${inWords(accepted)} accepted`,
      limitedBy: 'sender, telemetry and broker share the cores',
    },
    {
      what: `lag of the fleet's topic after ${inWords(took)} s of ${perSecond} reports a second`,
      value: accepted - relayedAtEnd,
      unit: 'events',
      beside: `${inWords(relayedAtEnd)} relayed by then, ${inWords(relayedAtEnd / took)}/s`,
      limitedBy: 'relays rest as long as they work, so that reports go first',
    },
    {
      what: "time until the fleet's topic has caught up",
      value: waitedSeconds,
      unit: 'seconds',
      beside: `${inWords(rate)} events a second, one record each`,
      limitedBy: 'unpacking facts, and kafkajs producing; one thread',
    },
  ];
}

/** Requests at a steady rate; what is refused for want of room is sent again. */
class ReportLoad {
  accepted = 0;
  private underWay = 0;
  private failure: unknown;
  private readonly stream = new ReportStream(Date.now());

  constructor(
    private readonly services: Services,
    private readonly telemetry: Service,
  ) {}

  async run(seconds: number): Promise<void> {
    const perSecond = REPORTS_PER_SECOND / REPORTS_PER_REQUEST;
    const signal = AbortSignal.timeout(seconds * 1000);
    await paced({ perSecond, calls: perSecond * seconds, signal }, async () => {
      while (this.underWay >= REQUESTS_AT_ONCE) await sleep(1);
      this.underWay += 1;
      void this.send(this.stream.next())
        .catch((error: unknown) => (this.failure ??= error))
        .finally(() => (this.underWay -= 1));
    });
    await until('every request is answered', () => this.underWay === 0, { everyMs: 1 });
    if (this.failure !== undefined) throw new Error('a request failed', { cause: this.failure });
  }

  private async send(body: Buffer): Promise<void> {
    const request = { path: '/v1/reports', body, as: 'device' } as const;
    let answer = await this.services.call(this.telemetry, request);
    for (; answer.status === OVERLOADED; answer = await this.services.call(this.telemetry, request)) {
      await sleep(AGAIN_AFTER_MS);
    }
    if (answer.status !== 202)
      throw new Error(`answered with ${String(answer.status)}: ${JSON.stringify(answer.body)}`);
    const { accepted, refused } = answer.body as ReportReceipt;
    if (refused.length > 0) throw new Error(`refused: ${JSON.stringify(refused[0])}`);
    this.accepted += accepted;
  }
}

function relayed(services: Services, telemetry: Service): Promise<number> {
  return services.metric(telemetry, 'sluice_relayed_events');
}

/** Seconds until all that was accepted is relayed. */
async function caughtUp(services: Services, telemetry: Service, accepted: number): Promise<number> {
  const startedAt = performance.now();
  let saidAt = startedAt;
  const isCaughtUp = async () => {
    const sent = await relayed(services, telemetry);
    if (performance.now() - saidAt > PROGRESS_MS) {
      saidAt = performance.now();
      process.stderr.write(`  ${inWords(sent)} of ${inWords(accepted)} relayed\n`);
    }
    return sent >= accepted && (await services.metric(telemetry, 'sluice_relay_behind_seconds')) === 0;
  };
  await until("the fleet's topic has caught up", isCaughtUp, { withinMs: CATCH_UP_MS_MAX, everyMs: POLL_MS });
  return (performance.now() - startedAt) / 1000;
}
