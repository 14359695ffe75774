import { setTimeout as sleep } from 'node:timers/promises';
import { type ReportReceipt } from '@sluice/contracts/device-protocol';
import { reportsBody } from '../examples.ts';
import { paced, until } from '../paced.ts';
import { type Service, type Services } from '../service-processes.ts';

const REQUESTS_PER_SECOND = 20;
const REPORTS_PER_REQUEST = 100;
const REQUESTS_AT_ONCE = 64;
const AGAIN_AFTER_MS = 100;
const TRIES_MAX = 1_000;

/** Sends reports as devices do: what is not acknowledged is sent again, the same, until it is, to whichever instance. */
export class ReportSender {
  /** Different reports that were answered as accepted or as known already. */
  acknowledged = 0;
  refusals = 0;
  readonly tookMs: number[] = [];
  private readonly stopping = new AbortController();
  private running: Promise<number> | undefined;
  private underWay = 0;
  private made = 0;
  private turn = 0;
  private failure: unknown;

  constructor(
    private readonly services: Services,
    private readonly instances: Service[],
  ) {}

  add(instance: Service): void {
    this.instances.push(instance);
  }

  remove(instance: Service): void {
    this.instances.splice(this.instances.indexOf(instance), 1);
  }

  start(): void {
    this.running = paced({ perSecond: REQUESTS_PER_SECOND, signal: this.stopping.signal }, async () => {
      while (this.underWay >= REQUESTS_AT_ONCE) await sleep(1);
      void this.sendOnce(REPORTS_PER_REQUEST).catch((error: unknown) => (this.failure ??= error));
    });
  }

  /** Resolves when everything is acknowledged that was begun. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
    await until('every report is acknowledged', () => this.underWay === 0);
    if (this.failure !== undefined) throw new Error('reports could not be delivered', { cause: this.failure });
  }

  /** Resolves when a request of so many new reports is acknowledged. */
  async sendOnce(reports: number): Promise<void> {
    const body = Buffer.from(reportsBody(this.made, reports, Date.now()));
    this.made += reports;
    this.underWay += 1;
    const startedAt = performance.now();
    try {
      for (let tries = 1; !(await this.send(body)); tries += 1) {
        if (tries === TRIES_MAX) throw new Error(`not accepted after ${String(TRIES_MAX)} tries`);
        this.refusals += 1;
        await sleep(AGAIN_AFTER_MS);
      }
      this.tookMs.push(performance.now() - startedAt);
    } finally {
      this.underWay -= 1;
    }
  }

  private async send(body: Buffer): Promise<boolean> {
    this.turn += 1;
    const instance = this.instances[this.turn % this.instances.length];
    if (instance === undefined) throw new Error('there is nobody to send to');
    const request = { path: '/v1/reports', body, as: 'device' } as const;
    // Nobody answers, or half an answer comes: the same as a refusal, which is sent again.
    const answer = await this.services.call(instance, request).catch(() => undefined);
    if (answer?.status !== 202) return false;
    const { accepted, duplicates, refused } = answer.body as ReportReceipt;
    if (refused.length > 0) throw new Error(`refused: ${JSON.stringify(refused[0])}`);
    this.acknowledged += accepted + duplicates;
    return true;
  }
}
