import { bucketBy } from '@sluice/domain-cohorts';
import { hash } from 'node:crypto';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { asObserved, CheckIn, checkInValidator, Directive } from '@sluice/contracts';
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
    this.directives = metrics.tally('sluice_directives_total', 'Directives given, by kind and reason', [
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
      kind: 'check-ins',
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
    const directive = decide(asObserved(device), this.knowledge.currentPolicy(), this.clock.now(), bucketOf);
    this.directives(directive.directive, directive.reason);
    return directive;
  }
}

/** A Buffer of 32 bytes would cost more than the hash itself. */
export const bucketOf = bucketBy((text) => hash('sha256', text, 'binary'));
