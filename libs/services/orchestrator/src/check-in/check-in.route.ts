import { Injectable, type OnModuleInit } from '@nestjs/common';
import {
  asObserved,
  CHECK_INS_PER_REQUEST_MAX,
  CheckIn,
  CheckInAnswers,
  CheckInBatch,
  checkInValidator,
  Directive,
} from '@sluice/contracts/device-protocol';
import { decide, type Policy } from '@sluice/domain-rollout';
import { Clock } from '@sluice/event-sourcing';
import { type Caller, DeviceRoutes, ProblemError, schemaFaultsText, toSchemaFaults } from '@sluice/platform';
import { Knowledge } from '../knowledge/knowledge.ts';
import { Observe } from '../observe.ts';
import { bucketOf } from './bucket-of.ts';

const BODY_LIMIT_BYTES = 32 * 1024;
const BATCH_LIMIT_BYTES = 2 * 1024 * 1024;
const knownFields = new Set(Object.keys(CheckIn.properties));

/** `POST /v1/check-in`, `POST /v1/check-ins`: devices ask what to do. Answered from memory; writes nothing. */
@Injectable()
export class CheckInRoute implements OnModuleInit {
  constructor(
    private readonly routes: DeviceRoutes,
    private readonly knowledge: Knowledge,
    private readonly clock: Clock,
    private readonly observe: Observe,
  ) {}

  onModuleInit(): void {
    this.routes.post({
      path: '/v1/check-in',
      summary: 'What should this device do now?',
      body: CheckIn,
      answer: Directive,
      status: 200,
      bodyLimitBytes: BODY_LIMIT_BYTES,
      kind: 'check-ins',
      handle: (body, caller) => this.answer(body, caller),
    });
    this.routes.post({
      path: '/v1/check-ins',
      summary: 'What should each of these devices do now? 1 to 1000, answered in their order; for gateways.',
      body: CheckInBatch,
      answer: CheckInAnswers,
      status: 200,
      bodyLimitBytes: BATCH_LIMIT_BYTES,
      kind: 'check-ins',
      handle: (body, caller) => this.answerAll(body, caller),
    });
  }

  private answer(body: unknown, caller: Caller): Directive {
    if (!checkInValidator.Check(body)) {
      throw new ProblemError('invalid-request', undefined, toSchemaFaults(checkInValidator.Errors(body)));
    }
    if (!caller.maySpeakFor(body.deviceId)) throw new ProblemError('device-forbidden', body.deviceId);
    return this.direct(body, this.knowledge.currentPolicy(), this.clock.now());
  }

  /** One bad check-in refuses itself, and not the others. */
  private answerAll(body: unknown, caller: Caller): CheckInAnswers {
    const devices = devicesOf(body);
    const [policy, nowMs] = [this.knowledge.currentPolicy(), this.clock.now()];
    const answers = devices.map((device, index) => {
      if (!checkInValidator.Check(device)) {
        const detail = schemaFaultsText(checkInValidator.Errors(device));
        return { index, code: 'invalid-request', detail } as const;
      }
      const { deviceId } = device;
      if (!caller.maySpeakFor(deviceId)) return { index, code: 'device-forbidden', detail: deviceId } as const;
      return this.direct(device, policy, nowMs);
    });
    return { answers };
  }

  private direct(device: CheckIn, policy: Policy, nowMs: number): Directive {
    for (const field in device) if (!knownFields.has(field)) this.observe.unknownFields.inc();
    const directive = decide(asObserved(device), policy, nowMs, bucketOf);
    this.observe.directed(directive);
    return directive;
  }
}

function devicesOf(body: unknown): readonly unknown[] {
  const devices = typeof body === 'object' && body !== null && 'devices' in body ? body.devices : undefined;
  if (Array.isArray(devices) && devices.length >= 1 && devices.length <= CHECK_INS_PER_REQUEST_MAX) return devices;
  const detail = `is to be a list of 1 to ${String(CHECK_INS_PER_REQUEST_MAX)} check-ins`;
  throw new ProblemError('invalid-request', undefined, [{ path: '/devices', code: 'devices', detail }]);
}
