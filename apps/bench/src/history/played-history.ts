import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { openStore } from '@sluice/composition';
import { close, Followers, inject, ManualClock, type RunningService, Settings, startService } from '@sluice/platform';
import { CatalogModule, catalogPublications } from '@sluice/service-catalog';
import { OrchestratorModule, orchestratorPublications, orchestratorSettings } from '@sluice/service-orchestrator';
import { Random } from '@sluice/simulation';
import { TelemetryModule, telemetryPublications, telemetrySettings } from '@sluice/service-telemetry';
import { repository } from '../broker.ts';
import { BASE_BUILD, DEVICE_PREFIX, PATCH, PATCHED_BUILD } from '../examples.ts';

export interface HistorySize {
  readonly devices: number;
  readonly days: number;
}

/** What the history is about, to be asked for. */
export const ROLLOUT_ID = 'r1';
export const DEVICE_ID = `${DEVICE_PREFIX}7`;

const STEP_MS = 10 * 60_000;
const STEPS_PER_DAY = 144;
const DAY_MS = STEPS_PER_DAY * STEP_MS;
const REPORTS_PER_BODY = 1_000;
const MODELS = 40;
/** Parts of the history: the patch is started, and recalled; before the recall some are switched off for good. */
const STARTED_AT = 0.1;
const SWITCHED_OFF_AT = 0.45;
const RECALLED_AT = 0.5;
const ONE_OFF_OF = 20;
const ONE_FAILS_OF = 500;
const ONE_REFUSES_OF = 100;
/** Days over which the exposed devices install. */
const INSTALL_DAYS = 3;

type Life = 'base' | 'installing' | 'patched' | 'removed';

/**
 * Writes the history of a fleet that ends now, through the services themselves: daily reports, a patch that reaches everybody
 * over some days, and its recall. One device in twenty is switched off before the recall, one in a hundred cannot remove it.
 * Resolves with how many reports were accepted.
 */
export async function playHistory(data: string, { devices, days }: HistorySize): Promise<number> {
  mkdirSync(data, { recursive: true, mode: 0o700 });
  // A month of the wall's time takes minutes, and Sluice goes on with the wall's clock.
  const clock = new ManualClock(Date.now() - days * DAY_MS, 'wall');
  const bundles = join(repository, 'dist', 'standalone');
  const settings = Settings.of({ data, port: 0, logLevel: 'silent' });
  const service = await startService(
    {
      modules: [CatalogModule, OrchestratorModule, TelemetryModule],
      publications: [...catalogPublications(), ...orchestratorPublications(), ...telemetryPublications()],
      settings: [orchestratorSettings, telemetrySettings],
      openStore,
      foldsWorker: new URL(`file://${join(bundles, 'folds.worker.js')}`),
      feedWorker: new URL(`file://${join(bundles, 'feed.worker.js')}`),
    },
    settings,
    clock,
  );
  const fleet = new PlayedFleet(service, devices);
  try {
    const steps = days * STEPS_PER_DAY;
    for (let step = 0; step < steps; step += 1) {
      await fleet.play(step, step / steps, clock.now());
      await clock.advanceTo(clock.now() + STEP_MS);
      await service.app.get(Followers).settle();
      if (step % STEPS_PER_DAY === 0)
        process.stderr.write(`\r  plays day ${String(step / STEPS_PER_DAY + 1)} of ${String(days)}…`);
    }
    process.stderr.write('\n');
    return fleet.accepted;
  } finally {
    await close(service.app);
  }
}

class PlayedFleet {
  accepted = 0;
  private readonly lives: Life[];
  private readonly random = Random.seeded(1);
  private readonly token: string;
  private installing: number[] = [];
  private reports: string[] = [];
  private made = 0;
  private begun: 'nothing' | 'started' | 'recalled' = 'nothing';

  constructor(
    private readonly service: RunningService,
    private readonly devices: number,
  ) {
    this.lives = new Array<Life>(devices).fill('base');
    this.token = service.tokens.createLocal('bench', ['gateway']);
  }

  /** What happens in one step; `part` is the part of the history that has passed. */
  async play(step: number, part: number, nowMs: number): Promise<void> {
    await this.command(part);
    for (const device of this.installing) this.endInstall(device, nowMs);
    this.installing = [];
    // Each has its time of the day.
    for (let device = step % STEPS_PER_DAY; device < this.devices; device += STEPS_PER_DAY) {
      if (device % ONE_OFF_OF === 0 && part > SWITCHED_OFF_AT) continue;
      this.report(device, step < STEPS_PER_DAY, nowMs);
      if (this.reports.length >= REPORTS_PER_BODY) await this.send();
    }
    await this.send();
  }

  private async command(part: number): Promise<void> {
    if (this.begun === 'nothing' && part >= STARTED_AT) {
      this.begun = 'started';
      const models = Array.from({ length: MODELS }, (_, n) => modelOf(n));
      const [variant] = PATCH.variants;
      await this.post('/v1/patches', { ...PATCH, variants: [{ ...variant, models }] });
      const minutes = INSTALL_DAYS * 24 * 60;
      const wave = { name: 'all', ramp: { fromPercent: 0, toPercent: 100, minutes }, bakeMinutes: 60 };
      const gates = { installFailureRateMax: 0.02, goOn: 'time' };
      const plan = {
        rolloutId: ROLLOUT_ID,
        patchId: PATCH.patchId,
        holdBackPercent: 2,
        waves: [wave],
        gates,
      };
      await this.post('/v1/rollouts', plan);
      await this.post(`/v1/rollouts/${ROLLOUT_ID}/start`, {});
    }
    if (this.begun === 'started' && part >= RECALLED_AT) {
      this.begun = 'recalled';
      await this.post(`/v1/patches/${PATCH.patchId}/pull`, { mode: 'recall', reason: 'bench' });
    }
  }

  private report(device: number, isNew: boolean, nowMs: number): void {
    const life = this.lives[device];
    const installs = life === 'base' && !isNew && this.begun === 'started' && this.random.chance(1 / INSTALL_DAYS);
    if (installs) {
      this.say(device, nowMs, { kind: 'install-started', osBuild: BASE_BUILD });
      this.lives[device] = 'installing';
      this.installing.push(device);
    } else if (life === 'patched' && this.begun === 'recalled') {
      if (device % ONE_REFUSES_OF === 1) {
        this.say(device, nowMs, { kind: 'remove-failed', osBuild: PATCHED_BUILD });
        return;
      }
      this.say(device, nowMs, { kind: 'rolled-back', osBuild: BASE_BUILD, cause: 'recall' });
      this.lives[device] = 'removed';
    } else this.say(device, nowMs, { kind: 'status', osBuild: life === 'patched' ? PATCHED_BUILD : BASE_BUILD });
  }

  private endInstall(device: number, nowMs: number): void {
    if (this.random.chance(1 / ONE_FAILS_OF)) {
      this.say(device, nowMs, { kind: 'install-failed', osBuild: BASE_BUILD });
      this.lives[device] = 'removed';
      return;
    }
    this.say(device, nowMs, { kind: 'installed', osBuild: PATCHED_BUILD });
    this.lives[device] = 'patched';
  }

  private say(device: number, nowMs: number, said: { kind: string; osBuild: string; cause?: string }): void {
    this.made += 1;
    const report = {
      reportId: `r-${String(this.made)}`,
      deviceId: `${DEVICE_PREFIX}${String(device)}`,
      ...(said.kind !== 'status' && { patchId: PATCH.patchId }),
      ...said,
      occurredAt: new Date(nowMs - 1000).toISOString(),
      ...{ platform: 'ios', model: modelOf(device % MODELS), osVersion: PATCH.baseVersion, track: 'automatic' },
    };
    this.reports.push(JSON.stringify(report));
  }

  private async send(): Promise<void> {
    while (this.reports.length > 0) {
      const payload = `{"reports":[${this.reports.splice(0, REPORTS_PER_BODY).join()}]}`;
      const answer = await this.post('/v1/reports', payload, this.token);
      const { accepted, refused } = JSON.parse(answer) as { accepted: number; refused: readonly object[] };
      if (refused.length > 0) throw new Error(`a report was refused: ${JSON.stringify(refused[0])}`);
      this.accepted += accepted;
    }
  }

  private async post(url: string, payload: object | string, token = this.service.tokens.adminToken()): Promise<string> {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const { statusCode, body } = await inject(this.service.app, { method: 'POST', url, headers, payload });
    if (statusCode >= 300) throw new Error(`${url} was answered with ${String(statusCode)}: ${body}`);
    return body;
  }
}

function modelOf(n: number): string {
  return `iPhone${String(11 + Math.floor(n / 5))},${String(1 + (n % 5))}`;
}
