import { createHash } from 'node:crypto';
import { type PlanRolloutBody } from '@sluice/api-client';
import { type CheckIn, type Directive, type Report } from '@sluice/contracts/device-protocol';
import { toTimeText } from '@sluice/event-sourcing';
import { type CatalogPatch } from './real-patches.ts';
import { bucketOf } from './scenario.ts';
import { World, type WorldAnswer, type WorldRequest } from './world.ts';

const MINUTE = 60_000;

interface FakeRollout {
  readonly plan: PlanRolloutBody;
  status: string;
  startedAt: number;
  haltedAt: number | undefined;
}

interface FakePatch {
  readonly content: CatalogPatch;
  pulledAt: number | undefined;
  replacement: string | undefined;
}

interface FakeDevice {
  osVersion: string;
  osBuild: string;
  held: string | undefined;
}

/** As much of Sluice as devices and operators notice: one gate that counts failures, ramps by the clock, recalls. */
export class FakeWorld extends World {
  readonly requests: WorldRequest[] = [];
  readonly reports: Report[] = [];
  leaseMinutes = 60;
  /** Failures of one patch at which its rollout halts. */
  haltAtFailures = 6;
  /** What `GET /v1/feed` answers with. */
  stored: readonly object[] = [];
  private readonly patches = new Map<string, FakePatch>();
  private readonly rollouts = new Map<string, FakeRollout>();
  private readonly devices = new Map<string, FakeDevice>();
  private readonly trace = createHash('sha256');

  constructor(private clock: number) {
    super();
  }

  override now(): number {
    return this.clock;
  }

  override advanceTo(ms: number): Promise<void> {
    this.clock = ms;
    for (const rollout of this.rollouts.values()) this.evaluate(rollout);
    return Promise.resolve();
  }

  override send(request: WorldRequest): Promise<WorldAnswer> {
    this.requests.push(request);
    this.trace.update(JSON.stringify([this.clock, request]));
    return Promise.resolve(this.answer(request));
  }

  /** The digest of every request so far, with its time. */
  traceDigest(): string {
    return this.trace.copy().digest('hex');
  }

  private answer({ method, path, body }: WorldRequest): WorldAnswer {
    const [, , noun = '', id = '', verb = ''] = (path.split('?')[0] ?? '').split('/');
    switch (`${method} ${noun} ${verb}`.trim()) {
      case 'POST check-in':
        return ok(this.decide(body as CheckIn));
      case 'POST reports':
        return this.accept((body as { reports: Report[] }).reports);
      case 'POST patches':
        return this.publish(body as CatalogPatch);
      case 'GET patches':
        return id === '' ? ok({ items: [...this.patches.values()].map(viewOf) }) : this.patchView(id);
      case 'GET patches re-exposure':
        return ok({ cves: this.patches.get(id)?.content.cves ?? [], digest: '0' });
      case 'POST patches pull':
        return this.pull(id, body as { replacement?: string });
      case 'POST rollouts':
        return this.plan(body as PlanRolloutBody);
      case 'POST rollouts start':
        return this.start(id);
      case 'POST rollouts advance':
        return { status: 409, body: {} };
      case 'GET rollouts':
        return ok(
          id === '' ? { items: [...this.rollouts.values()].map((each) => this.view(each)) } : this.viewById(id),
        );
      case 'GET recalls':
        return ok(this.recall(id));
      case 'GET feed':
        return ok({ events: this.stored.map((data) => ({ data })), next: '0', caughtUp: true });
      case 'GET fleet':
        return ok({ facts: this.reports.length, devices: this.devices.size, patches: this.counts() });
      case 'GET devices':
        return ok({ items: [...this.devices].map(([deviceId, device]) => ({ deviceId, ...device, patches: {} })) });
      case 'POST replays':
        return { status: 202, body: { id: 'j1', status: 'running' } };
      case 'GET replays':
        return ok({ id, status: 'done', matches: true, differences: [] });
      default:
        return { status: 404, body: { code: 'route-not-found' } };
    }
  }

  private decide({ deviceId, osBuild, installed, ring, track, failed = [], removed = [] }: CheckIn): Directive {
    const pulled = installed.map((id) => this.patches.get(id)).find((patch) => patch?.pulledAt !== undefined);
    if (pulled !== undefined) {
      const { patchId } = pulled.content;
      const next = this.offered(pulled.replacement, { deviceId, ring });
      if (next !== undefined) return this.directive('install', 'recalled', next);
      return { ...this.directive('remove', 'recalled', undefined), patchIds: [patchId] };
    }
    const patch = [...this.patches.values()].findLast(
      ({ content, pulledAt }) =>
        pulledAt === undefined && content.variants.some(({ prerequisiteBuild }) => prerequisiteBuild === osBuild),
    );
    const patchId = patch?.content.patchId;
    const spent = failed.some((each) => each.patchId === patchId && each.attempts >= 3);
    if (patchId === undefined || spent || removed.includes(patchId))
      return this.directive('none', 'no-patch', undefined);
    const rollout = this.offered(patchId, { deviceId, ring });
    if (rollout === undefined) return this.directive('none', 'beyond-exposure', undefined);
    return track === 'manual'
      ? this.directive('offer', 'manual-track', rollout)
      : this.directive('install', 'in-wave', rollout);
  }

  private offered(patchId: string | undefined, device: { deviceId: string; ring: string | undefined }) {
    const rollout = [...this.rollouts.values()].find(({ plan }) => plan.patchId === patchId);
    if (rollout === undefined || rollout.status === 'halted') return undefined;
    const { wave, exposurePercent } = this.view(rollout);
    const isInside =
      device.ring === 'beta' ||
      (wave > 1 && bucketOf(rollout.plan.salt ?? '', device.deviceId) < exposurePercent / 100);
    return isInside ? rollout : undefined;
  }

  private directive(directive: Directive['directive'], reason: Directive['reason'], rollout: FakeRollout | undefined) {
    return {
      directive,
      reason,
      ...(rollout !== undefined && { patchId: rollout.plan.patchId, rolloutId: rollout.plan.rolloutId, wave: 1 }),
      lease: { expiresAt: toTimeText(this.clock + this.leaseMinutes * MINUTE), recallEpoch: 0 },
      nextCheckInSeconds: 14_400,
    };
  }

  private accept(reports: readonly Report[]): WorldAnswer {
    for (const report of reports) {
      const device = {
        osVersion: report.osVersion,
        osBuild: report.osBuild,
        held: this.devices.get(report.deviceId)?.held,
      };
      if (report.kind === 'installed') device.held = report.patchId;
      if (report.kind === 'rolled-back') device.held = undefined;
      this.devices.set(report.deviceId, device);
      this.reports.push(report);
    }
    return { status: 202, body: { accepted: reports.length, duplicates: 0, refused: [] } };
  }

  private publish(content: CatalogPatch): WorldAnswer {
    const isNew = !this.patches.has(content.patchId);
    if (isNew) this.patches.set(content.patchId, { content, pulledAt: undefined, replacement: undefined });
    return { status: isNew ? 201 : 200, body: content };
  }

  private patchView(id: string): WorldAnswer {
    const patch = this.patches.get(id);
    return patch === undefined ? { status: 404, body: {} } : ok(viewOf(patch));
  }

  private pull(id: string, { replacement }: { replacement?: string }): WorldAnswer {
    const patch = this.patches.get(id);
    if (patch === undefined) return { status: 404, body: {} };
    patch.pulledAt = this.clock;
    patch.replacement = replacement;
    return ok({});
  }

  private plan(plan: PlanRolloutBody): WorldAnswer {
    const body = { salt: plan.rolloutId, ...plan };
    this.rollouts.set(plan.rolloutId, { plan: body, status: 'planned', startedAt: 0, haltedAt: undefined });
    return { status: 201, body };
  }

  private start(id: string): WorldAnswer {
    const rollout = this.rollouts.get(id);
    if (rollout === undefined) return { status: 404, body: {} };
    rollout.status = 'running';
    rollout.startedAt = this.clock;
    return ok({});
  }

  private evaluate(rollout: FakeRollout): void {
    const { plan } = rollout;
    if (rollout.status !== 'running') return;
    const failures = this.reports.filter(({ kind, patchId }) => kind === 'install-failed' && patchId === plan.patchId);
    const minutes = plan.waves.reduce((sum, { ramp, bakeMinutes }) => sum + ramp.minutes + bakeMinutes, 0);
    if (failures.length >= this.haltAtFailures) [rollout.status, rollout.haltedAt] = ['halted', this.clock];
    else if (this.clock >= rollout.startedAt + minutes * MINUTE) rollout.status = 'completed';
  }

  private viewById(id: string) {
    const rollout = this.rollouts.get(id);
    return rollout === undefined ? {} : this.view(rollout);
  }

  private view({ plan, status, startedAt, haltedAt }: FakeRollout) {
    const elapsed = ((haltedAt ?? this.clock) - startedAt) / MINUTE;
    const ring = plan.waves[0]?.bakeMinutes ?? 0;
    const wave = status === 'planned' ? 0 : elapsed < ring ? 1 : 2;
    const share = (elapsed - ring) / (plan.waves[1]?.ramp.minutes ?? 1);
    const plannedPercent = wave < 2 ? 0 : Math.min(1, share) * 100;
    return { ...plan, status, wave, exposurePercent: plannedPercent, plannedPercent, waitsFor: [] };
  }

  private recall(patchId: string) {
    const removed = this.reports.filter((each) => each.kind === 'rolled-back' && each.patchId === patchId).length;
    const remaining = this.counts()[patchId]?.installed ?? 0;
    const status = remaining === 0 ? 'completed' : 'running';
    const places = { removed, replaced: 0, retired: 0, failing: 0, offline: 0, waiting: remaining };
    const quantiles = { p50Seconds: 60, p99Seconds: 600 };
    return { patchId, status, devices: removed + remaining, ...places, remaining, ...quantiles };
  }

  private counts(): Record<string, { installed: number; failed: number; rolledBack: number }> {
    const counts: Record<string, { installed: number; failed: number; rolledBack: number }> = {};
    for (const { held } of this.devices.values()) {
      if (held === undefined) continue;
      const count = (counts[held] ??= { installed: 0, failed: 0, rolledBack: 0 });
      count.installed += 1;
    }
    return counts;
  }
}

function viewOf({ content, pulledAt }: FakePatch) {
  return { ...content, status: pulledAt === undefined ? 'published' : 'pulled' };
}

function ok(body: unknown): WorldAnswer {
  return { status: 200, body };
}
