import { ExplainBody, type ExplainedDevice, ExplainQuery, ExplanationView, Operation } from '@sluice/api';
import { Body, Controller, Get, HttpCode, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { asObserved } from '@sluice/contracts/device-protocol';
import { type AskingDevice, explain, explainNobody, type Explanation } from '@sluice/domain-rollout';
import { Clock } from '@sluice/event-sourcing';
import { ProblemError, QuestionRoute, Roles } from '@sluice/platform';
import { type KnownDevice } from '../as-of/as-of.fold.ts';
import { AsOf } from '../as-of/as-of.ts';
import { bucketOf } from '../check-in/bucket-of.ts';
import { Knowledge } from '../knowledge/knowledge.ts';
import { ReportedDevices } from './reported-devices.ts';

const problems = ['patch-not-found', 'at-in-future', 'at-before-first-record'] as const;

interface Asked {
  readonly deviceId: string;
  readonly patchId?: string | undefined;
  readonly at?: string | undefined;
}

/** Why devices are told what they are told; by the code that tells them. */
@ApiTags('explain')
@Controller('v1/explain')
export class ExplainController {
  constructor(
    private readonly knowledge: Knowledge,
    private readonly devices: ReportedDevices,
    private readonly past: AsOf,
    private readonly clock: Clock,
  ) {}

  @Get()
  @Roles('viewer', 'operator', 'responder')
  @Operation({
    id: 'explainDevice',
    summary: 'Why does this device get what it gets, by its last reports? Now, or as of an instant',
    description:
      'Telemetry is asked for the device, for at most two seconds, of the past ten. What it does not know is listed under `unknown`, and where the answer hangs on that there is none.',
    answers: { 200: ExplanationView },
    problems: [...problems],
  })
  async explain(@Query() { deviceId, patchId, at }: ExplainQuery): Promise<ExplanationView> {
    const instant = at === undefined ? undefined : this.past.instant(at);
    const nowMs = instant === undefined ? this.clock.now() : Date.parse(instant);
    const reported = await this.devices.find(deviceId, instant, nowMs);
    const explained = await this.answer({ deviceId, patchId, at: instant }, reported);
    const device = reported.device === undefined ? null : { ...shown(reported.device), ...reported.seen };
    return { ...explained, deviceBy: reported.by, device };
  }

  @Post()
  @QuestionRoute()
  @HttpCode(200)
  @Roles('viewer', 'operator', 'responder')
  @Operation({
    id: 'explainCheckIn',
    summary: 'Why would a device that checks in like this get what it gets? Now, or as of an instant',
    answers: { 200: ExplanationView },
    isQuestion: true,
    problems: [...problems],
  })
  async explainCheckIn(@Body() { patchId, at, ...checkIn }: ExplainBody): Promise<ExplanationView> {
    const device: AskingDevice = asObserved(checkIn);
    const explained = await this.answer({ deviceId: device.deviceId, patchId, at }, { device, unknown: {} });
    return { ...explained, deviceBy: 'check-in', device: shown(device) };
  }

  private async answer({ deviceId, patchId, at }: Asked, of: KnownDevice) {
    if (at === undefined) return { deviceId, asOf: this.clock.nowText(), ...this.explainNow(of, patchId) };
    const { asOf, position, answer } = await this.past.ask('explain', at, { of, patchId });
    if (answer === null) throw new ProblemError('patch-not-found', patchId);
    return { deviceId, asOf, position, ...answer };
  }

  private explainNow(of: KnownDevice, patchId: string | undefined): Explanation {
    const policy = this.knowledge.currentPolicy();
    if (patchId !== undefined && policy.patches.get(patchId)?.published === undefined)
      throw new ProblemError('patch-not-found', patchId);
    if (of.device === undefined) return explainNobody(policy, of.because, patchId);
    const staleBecause = policy.stale ? this.staleBecause() : [];
    const asked = { device: of.device, policy, nowMs: this.clock.now(), bucketOf, staleBecause };
    return explain(asked, patchId, of.unknown);
  }

  /** What keeps from offering; where nothing does by itself, what has kept from widening for too long. */
  private staleBecause(): string[] {
    const doubts = this.knowledge.doubts();
    const ofOffers = doubts.filter(({ stale }) => stale !== 'never');
    return (ofOffers.length > 0 ? ofOffers : doubts).map(({ words }) => words);
  }
}

/** The device as the rules saw it. */
function shown(device: AskingDevice): ExplainedDevice {
  const { deviceId, platform, model, osVersion, osBuild, track, ring, ...lists } = device;
  const { installed, removed = [], failed = [], removeFailed = [] } = lists;
  return {
    ...{ deviceId, platform, model, osBuild, track, installed, removed, failed, removeFailed },
    ...(osVersion !== undefined && { osVersion }),
    ...(ring !== undefined && { ring }),
  };
}
