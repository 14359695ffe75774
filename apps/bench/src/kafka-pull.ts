import { join } from 'node:path';
import { type Directive } from '@sluice/contracts/device-protocol';
import { withBroker } from './broker.ts';
import { type Figure, inWords, quantile } from './figure.ts';
import { paced, until } from './paced.ts';
import { checkInOf, type ExamplePatch, patchOf, publicationOf, rollOut } from './rollouts.ts';
import { type Service, Services } from './service-processes.ts';

const PULLS_MIN = 20;
const SECONDS_PER_PULL = 3;
const CHECK_INS_PER_SECOND = 2_000;
/** So many offers have to be seen before a patch is pulled. */
const OFFERS_BEFORE = 200;
/** No offer for so long: that one was the last. */
const QUIET_MS = 1_500;
/** A check-in that would be one more is left out: a server that is at its limit is asked less often. */
const CHECK_INS_AT_ONCE = 64;

interface Pulled {
  /** From sending the pull to the last answer that offered the patch; 0 when none did any more. */
  readonly lastOfferMs: number;
  readonly answeredMs: number;
  /** Answers with an offer that came after the answer to the pull. */
  readonly offersAfter: number;
}

/** How long a pulled patch is still offered, with the services in processes of their own, under check-ins. */
export async function measurePulls(folder: string, seconds: number): Promise<Figure[]> {
  const pulls = Math.max(PULLS_MIN, Math.round(seconds / SECONDS_PER_PULL));
  const figures = await withBroker(join(folder, 'kafka'), async ({ brokers }) => {
    await using services = new Services(folder, brokers);
    const catalog = await services.start('catalog');
    const telemetry = await services.start('telemetry');
    const orchestrator = await services.start('orchestrator');
    for (const each of [catalog, telemetry, orchestrator]) await services.ready(each);
    const patches = Array.from({ length: pulls }, (_, n) => patchOf(n + 1));
    for (const patch of patches) {
      await services.ask(catalog, { path: '/v1/patches', body: publicationOf(patch) });
      await until('the orchestrator knows the patch', () => isOffered(services, orchestrator, patch, 'no-rollout'));
      await rollOut(services, orchestrator, patch);
    }
    const load = new CheckIns(services, orchestrator, patches);
    const pulled: Pulled[] = [];
    for (const patch of patches) {
      pulled.push(await pull(services, { catalog, load, patch }));
      process.stderr.write(`  pull ${String(pulled.length)}: ${JSON.stringify(pulled.at(-1))}\n`);
    }
    await load.stop();
    return figuresOf(pulled, load);
  });
  return figures ?? [];
}

function figuresOf(pulled: readonly Pulled[], load: CheckIns): Figure[] {
  const lastOffers = pulled.map(({ lastOfferMs }) => lastOfferMs);
  const answers = pulled.map(({ answeredMs }) => answeredMs);
  const checkIns = `check-in itself p50 ${inWords(quantile(load.tookMs, 0.5))}, p99 ${inWords(quantile(load.tookMs, 0.99))} ms`;
  const after = pulled.reduce((sum, { offersAfter }) => sum + offersAfter, 0);
  return ([0.5, 0.99] as const).map((share) => ({
    what: `pull → last offer through Kafka, ${inWords(load.perSecond())} check-ins a second, p${String(share * 100)} of ${String(pulled.length)}`,
    value: quantile(lastOffers, share),
    unit: 'ms',
    beside: `the pull was answered in ${inWords(quantile(answers, share))} ms; ${checkIns}`,
    limitedBy: `the relay, and check-ins that were on their way; ${String(after)} offers came after the answer to their pull`,
  }));
}

async function isOffered(services: Services, orchestrator: Service, patch: ExamplePatch, reason: string) {
  const request = { path: '/v1/check-in', body: checkInOf(patch, 0), as: 'device' } as const;
  return (await services.ask<Directive>(orchestrator, request)).reason === reason;
}

interface PullRequest {
  readonly catalog: Service;
  readonly load: CheckIns;
  readonly patch: ExamplePatch;
}

async function pull(services: Services, { catalog, load, patch }: PullRequest): Promise<Pulled> {
  load.of(patch);
  await until('the patch is offered', () => load.offers.length >= OFFERS_BEFORE);
  const path = `/v1/patches/${patch.patchId}/pull`;
  const sentAt = performance.now();
  await services.ask(catalog, { path, body: { mode: 'withdraw', reason: 'bench' } });
  const answeredAt = performance.now();
  const lastAt = () => load.offers.at(-1) ?? 0;
  await until('the patch is offered no more', () => performance.now() - Math.max(lastAt(), answeredAt) > QUIET_MS);
  return {
    lastOfferMs: Math.max(0, lastAt() - sentAt),
    answeredMs: answeredAt - sentAt,
    offersAfter: load.offers.filter((nowMs) => nowMs > answeredAt).length,
  };
}

/** Devices of one base build that check in all the time, at a steady rate. */
class CheckIns {
  /** When answers came that offered the patch of now. */
  offers: number[] = [];
  readonly tookMs: number[] = [];
  private readonly stopping = new AbortController();
  private readonly running: Promise<number>;
  private readonly startedAt = performance.now();
  private readonly bodies = new Map<ExamplePatch, Buffer>();
  private patch: ExamplePatch;
  private underWay = 0;
  private failure: unknown;

  constructor(
    private readonly services: Services,
    private readonly orchestrator: Service,
    patches: readonly ExamplePatch[],
  ) {
    for (const each of patches) this.bodies.set(each, Buffer.from(JSON.stringify(checkInOf(each, 1))));
    this.patch = patches[0] ?? patchOf(1);
    const pace = { perSecond: CHECK_INS_PER_SECOND, signal: this.stopping.signal };
    this.running = paced(pace, () => {
      if (this.underWay < CHECK_INS_AT_ONCE) void this.checkIn().catch((error: unknown) => (this.failure ??= error));
    });
  }

  of(patch: ExamplePatch): void {
    this.patch = patch;
    this.offers = [];
  }

  perSecond(): number {
    return (this.tookMs.length * 1000) / (performance.now() - this.startedAt);
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
    await until('every check-in is answered', () => this.underWay === 0);
    if (this.failure !== undefined) throw new Error('a check-in failed', { cause: this.failure });
  }

  private async checkIn(): Promise<void> {
    const { patch } = this;
    const body = this.bodies.get(patch) ?? Buffer.alloc(0);
    const startedAt = performance.now();
    this.underWay += 1;
    const request = { path: '/v1/check-in', body, as: 'device' } as const;
    const answer = await this.services.ask<Directive>(this.orchestrator, request).finally(() => (this.underWay -= 1));
    const nowMs = performance.now();
    this.tookMs.push(nowMs - startedAt);
    if (answer.directive === 'install' && answer.patchId === patch.patchId && patch === this.patch)
      this.offers.push(nowMs);
  }
}
