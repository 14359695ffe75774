import { Injectable } from '@nestjs/common';
import { ReportBatch, ReportReceipt } from '@sluice/contracts/device-protocol';
import { type Caller, DeviceRoutes } from '@sluice/platform';
import { type PeerRequest, Peers } from '../shard/peers.ts';
import { REPORTS_PATH } from './report-handover.ts';
import { ReportsIntake } from './reports.intake.ts';

const BODY_LIMIT_BYTES = 2 * 1024 * 1024;

/** `POST /v1/reports`, for devices, and for other instances that hand on what they were sent. */
@Injectable()
export class ReportsRoute {
  constructor(
    private readonly intake: ReportsIntake,
    private readonly peers: Peers,
    routes: DeviceRoutes,
  ) {
    routes.post({
      path: REPORTS_PATH,
      summary: 'What devices say happened, 1 to 1000 at once. Answered when durable and visible.',
      body: ReportBatch,
      answer: ReportReceipt,
      status: 202,
      bodyLimitBytes: BODY_LIMIT_BYTES,
      kind: 'reports',
      handle: (body, caller, request) => this.accept(body, caller, request),
    });
  }

  private accept(body: unknown, caller: Caller, request: PeerRequest): Promise<ReportReceipt> {
    const handedOn = this.peers.handedOn(request);
    const cause = { actor: handedOn?.actor ?? caller.name, correlationId: request.id };
    return this.intake.accept(body, { caller, cause, handedOn: handedOn !== undefined });
  }
}
