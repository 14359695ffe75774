import { hash } from 'node:crypto';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { CheckIn, checkInValidator, Directive } from '@sluice/contracts';
import { decide } from '@sluice/domain-rollout';
import { Clock } from '@sluice/event-sourcing';
import { type Caller, DeviceRoutes, Metrics, ProblemError, toSchemaFaults } from '@sluice/platform';
import { Knowledge } from '../knowledge/knowledge.ts';

const BODY_LIMIT_BYTES = 32 * 1024;
const knownFields = new Set(Object.keys(CheckIn.properties));

/** `POST /v1/check-in`: a device asks what to do. Answered from memory; writes nothing. */
@Injectable()
export class CheckInRoute implements OnModuleInit {
  private readonly unknownFields;
  private readonly directives;

  constructor(
    private readonly routes: DeviceRoutes,
    private readonly knowledge: Knowledge,
    private readonly clock: Clock,
    metrics: Metrics,
  ) {
    this.unknownFields = metrics.counter(
      'sluice_check_in_unknown_fields_total',
      'Fields of check-ins that this version does not know',
    );
    this.directives = metrics.counter('sluice_directives_total', 'Directives given, by kind and reason', [
      'directive',
      'reason',
    ]);
  }

  onModuleInit(): void {
    this.routes.post({
      path: '/v1/check-in',
      summary: 'What should this device do now?',
      body: CheckIn,
      answer: Directive,
      status: 200,
      bodyLimitBytes: BODY_LIMIT_BYTES,
      handle: (body, caller) => this.answer(body, caller),
    });
  }

  private answer(body: unknown, caller: Caller): Directive {
    if (!checkInValidator.Check(body)) {
      throw new ProblemError('invalid-request', undefined, toSchemaFaults(checkInValidator.Errors(body)));
    }
    const device: CheckIn = body;
    if (!caller.maySpeakFor(device.deviceId)) throw new ProblemError('device-forbidden', device.deviceId);
    for (const field in device) if (!knownFields.has(field)) this.unknownFields.inc();
    const directive = decide(device, this.knowledge.currentPolicy(), this.clock.now(), bucketOf);
    this.directives.inc({ directive: directive.directive, reason: directive.reason });
    return directive;
  }
}

/**
 * The place of a device in [0, 1) for a salt (design §3.3; vectors in docs/reference/bucket-vectors.json). The digest is a
 * text of one byte a character, because a Buffer of 32 bytes costs more than the hash itself.
 */
export function bucketOf(salt: string, deviceId: string): number {
  const digest = hash('sha256', `${salt}\u001f${deviceId}`, 'binary');
  return (wordAt(digest, 0) * 2 ** 32 + wordAt(digest, 4)) / 2 ** 64;
}

/** Four bytes as an unsigned number, big endian. */
function wordAt(bytes: string, index: number): number {
  const high = (bytes.charCodeAt(index) << 8) | bytes.charCodeAt(index + 1);
  const low = (bytes.charCodeAt(index + 2) << 8) | bytes.charCodeAt(index + 3);
  return high * 0x10000 + low;
}
