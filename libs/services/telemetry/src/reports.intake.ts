import { Injectable } from '@nestjs/common';
import {
  type Report,
  ReportBatch,
  type ReportReceipt,
  ReportReceipt as ReceiptSchema,
  REPORTS_PER_REQUEST_MAX,
} from '@sluice/contracts';
import { type NewFact } from '@sluice/domain-fleet';
import { Clock, type Metadata } from '@sluice/event-sourcing';
import { type Caller, DeviceRoutes, Metrics, ProblemError } from '@sluice/platform';
import { Fleet } from './fleet.ts';
import { checkReport, countUnknownFields, factKindOf, isRefusal, type Refusal } from './report-check.ts';
import { hashDevice, hashReport } from './shard-of.ts';
import { type ShardWriter } from './shard-writer.ts';

const BODY_LIMIT_BYTES = 2 * 1024 * 1024;
/** A clock further ahead than this is called wrong; less is the network and the time to send. */
const CLOCK_AHEAD_TOLERATED_MS = 60_000;

interface Delivery {
  readonly writer: ShardWriter;
  readonly fact: NewFact;
}

/** Takes in what devices report: a few microseconds a report, so no object or call here that is not needed. */
@Injectable()
export class ReportsIntake {
  private readonly accepted;
  private readonly duplicates;
  private readonly refused;
  private readonly unknownFields;

  constructor(
    private readonly fleet: Fleet,
    private readonly clock: Clock,
    routes: DeviceRoutes,
    metrics: Metrics,
  ) {
    const reports = metrics.counter('sluice_reports_total', 'Reports by what became of them', ['outcome']);
    this.accepted = reports.labels({ outcome: 'accepted' });
    this.duplicates = reports.labels({ outcome: 'duplicate' });
    this.refused = reports.labels({ outcome: 'refused' });
    this.unknownFields = metrics.counter('sluice_reports_unknown_fields_total', 'Fields of reports that are not known');
    routes.post({
      path: '/v1/reports',
      summary: 'What devices say happened, 1 to 1000 at once. Answered when durable and visible.',
      body: ReportBatch,
      answer: ReceiptSchema,
      status: 202,
      bodyLimitBytes: BODY_LIMIT_BYTES,
      handle: (body, caller, request) => this.take(body, caller, request.id),
    });
  }

  private async take(body: unknown, caller: Caller, correlationId: string): Promise<ReportReceipt> {
    const values = reportsOf(body);
    const refused: ReportReceipt['refused'] = [];
    const deliveries = this.check(values, caller, refused);
    const writers = new Set<ShardWriter>();
    for (const { writer } of deliveries) writers.add(writer);
    // All or nothing up to here: a request that is turned away for want of room leaves no part of itself behind.
    for (const writer of writers) writer.admit(deliveries.length);
    const cause: Metadata = { actor: caller.name, correlationId };
    let accepted = 0;
    for (const { writer, fact } of deliveries) if (writer.offer(fact, cause)) accepted += 1;
    for (const writer of writers) await writer.settled();
    const duplicates = deliveries.length - accepted;
    this.accepted.inc(accepted);
    this.duplicates.inc(duplicates);
    this.refused.inc(refused.length);
    return { accepted, duplicates, refused };
  }

  private check(values: readonly unknown[], caller: Caller, refused: ReportReceipt['refused']): Delivery[] {
    const receivedAt = this.clock.now();
    const deliveries: Delivery[] = [];
    let unknown = 0;
    for (let index = 0; index < values.length; index += 1) {
      const checked = checkReport(values[index]);
      const refusal = isRefusal(checked) ? checked : refuseOthers(checked, caller);
      if (refusal !== undefined) refused.push({ index, code: refusal.code, detail: refusal.detail });
      else {
        const report = checked as Report;
        unknown += countUnknownFields(report);
        deliveries.push(this.deliver(report, receivedAt));
      }
    }
    if (unknown > 0) this.unknownFields.inc(unknown);
    return deliveries;
  }

  private deliver(report: Report, receivedAt: number): Delivery {
    const deviceHash = hashDevice(report.deviceId);
    const writer = this.fleet.writerOf(deviceHash);
    const occurredAt = Date.parse(report.occurredAt);
    const fact: NewFact = {
      kind: factKindOf[report.kind],
      deviceHash,
      reportHash: hashReport(report.deviceId, report.reportId),
      deviceId: writer.isNew(deviceHash) ? report.deviceId : undefined,
      occurredAt,
      receivedAt,
      clockAhead: occurredAt > receivedAt + CLOCK_AHEAD_TOLERATED_MS,
      said: report,
    };
    return { writer, fact };
  }
}

function reportsOf(body: unknown): readonly unknown[] {
  const reports = typeof body === 'object' && body !== null && 'reports' in body ? body.reports : undefined;
  const detail = !Array.isArray(reports)
    ? 'is to be a list'
    : reports.length < 1 || reports.length > REPORTS_PER_REQUEST_MAX
      ? `takes 1 to ${String(REPORTS_PER_REQUEST_MAX)} reports`
      : undefined;
  if (detail !== undefined) {
    throw new ProblemError('invalid-request', undefined, [{ path: '/reports', code: 'reports', detail }]);
  }
  return reports as readonly unknown[];
}

function refuseOthers({ deviceId }: Report, caller: Caller): Refusal | undefined {
  if (caller.maySpeakFor(deviceId)) return undefined;
  return { code: 'device-forbidden', detail: `the token may not speak for ${deviceId}` };
}
