import { Injectable } from '@nestjs/common';
import {
  asObserved,
  type Report,
  type ReportReceipt,
  REPORTS_PER_REQUEST_MAX,
} from '@sluice/contracts/device-protocol';
import { type NewFact } from '@sluice/domain-fleet';
import { Clock } from '@sluice/event-sourcing';
import { Observe } from '../observe.ts';
import { type Caller, ProblemError } from '@sluice/platform';
import { Fleet } from '../fleet/fleet.ts';
import { type Delivered, type Elsewhere, type Parcel, ReportHandover } from './report-handover.ts';
import { checkReport, countUnknownFields, factKindOf, isRefusal, type Refusal } from './report-check.ts';
import { hashContent, hashDevice, hashReport } from '../shard/shard-of.ts';
import { type ShardWriter } from '../shard/shard-writer.ts';

/** A clock further ahead than this is called wrong (design §3.6). */
const CLOCK_AHEAD_TOLERATED_MS = 5 * 60_000;

interface Delivery {
  /** Of its report in the request. */
  readonly index: number;
  readonly writer: ShardWriter;
  readonly fact: NewFact;
}

/** The reports of one request, by where they go. */
interface Sorted {
  readonly deliveries: Delivery[];
  readonly elsewhere: Elsewhere[];
  readonly refused: ReportReceipt['refused'];
}

/** Takes in what devices report: a few microseconds a report, so no object or call here that is not needed. */
@Injectable()
export class ReportsIntake {
  constructor(
    private readonly fleet: Fleet,
    private readonly clock: Clock,
    private readonly handover: ReportHandover,
    private readonly observe: Observe,
  ) {}

  /**
   * Resolves when all of the body's reports are durable, or refused for what they are. Throws when some are perhaps not:
   * the request is to be sent again then, and what was taken is recognized.
   */
  async accept(body: unknown, delivered: Delivered): Promise<ReportReceipt> {
    const values = reportsOf(body);
    const { deliveries, elsewhere, refused } = this.sort(values, delivered.caller);
    const parcels = elsewhere.length === 0 ? undefined : this.handover.pack(values, elsewhere, delivered);
    const shares = new Map<ShardWriter, number>();
    for (const { writer } of deliveries) shares.set(writer, (shares.get(writer) ?? 0) + 1);
    // All or nothing up to here: a request that is turned away for want of room leaves no part of itself behind.
    for (const [writer, share] of shares) writer.admit(share);
    let accepted = 0;
    let removalsFailed = 0;
    let unknownPatches = 0;
    let duplicates = 0;
    for (const { index, writer, fact } of deliveries) {
      const before = writer.offer(fact, delivered.cause);
      if (before === 'same') duplicates += 1;
      if (before === 'other') refused.push({ index, ...reportIdUsed });
      if (before !== 'new') continue;
      accepted += 1;
      const patchId = fact.said?.patchId;
      if (patchId !== undefined && !this.fleet.catalog.knows(patchId)) unknownPatches += 1;
      if (fact.kind === 'PatchRemoveFailed') removalsFailed += 1;
    }
    const handedOn = parcels && this.send(parcels, delivered);
    // Asked all at once: whoever is asked later has forgotten what failed meanwhile.
    await Promise.all([...shares.keys()].map((writer) => writer.settled()));
    this.observe.reports.accepted.inc(accepted);
    this.observe.removalsFailed.inc(removalsFailed);
    this.observe.unknownPatches.inc(unknownPatches);
    this.observe.reports.duplicates.inc(duplicates);
    this.observe.reports.refused.inc(refused.length);
    const receipt = { accepted, duplicates, refused: refused.sort(byIndex) };
    return handedOn === undefined ? receipt : merge(receipt, await handedOn);
  }

  private send(parcels: readonly Parcel[], { cause }: Delivered): Promise<ReportReceipt[]> {
    const receipts = Promise.all(parcels.map((parcel) => this.handover.send(parcel, cause)));
    // Whoever waits hears of a failure; when the reports that stay here fail first, nobody does.
    receipts.then(
      () => this.observe.reports.handedOn.inc(parcels.reduce((sum, { indices }) => sum + indices.length, 0)),
      () => undefined,
    );
    return receipts;
  }

  private sort(values: readonly unknown[], caller: Caller): Sorted {
    const receivedAt = this.clock.now();
    const sorted: Sorted = { deliveries: [], elsewhere: [], refused: [] };
    let unknown = 0;
    for (let index = 0; index < values.length; index += 1) {
      const checked = checkReport(values[index]);
      const refusal = isRefusal(checked) ? checked : refuseOthers(checked, caller);
      if (refusal !== undefined) sorted.refused.push({ index, code: refusal.code, detail: refusal.detail });
      else {
        const report = asObserved(checked as Report);
        unknown += countUnknownFields(report);
        const deviceHash = hashDevice(report.deviceId);
        const shard = this.fleet.shardOf(deviceHash);
        const writer = this.fleet.writer(shard);
        if (writer === undefined) sorted.elsewhere.push({ shard, index });
        else if (!writer.state.hasRoomFor(report)) sorted.refused.push({ index, ...tooManyProfiles });
        else sorted.deliveries.push({ index, writer, fact: factOf(report, { deviceHash, receivedAt, writer }) });
      }
    }
    if (unknown > 0) this.observe.unknownFields.inc(unknown);
    return sorted;
  }
}

function factOf(
  report: Report,
  { deviceHash, receivedAt, writer }: { deviceHash: string; receivedAt: number; writer: ShardWriter },
): NewFact {
  const occurredAt = Date.parse(report.occurredAt);
  return {
    kind: factKindOf[report.kind],
    deviceHash,
    reportHash: hashReport(report.deviceId, report.reportId),
    content: hashContent(contentOf(report, occurredAt)),
    deviceId: writer.isNew(deviceHash) ? report.deviceId : undefined,
    occurredAt,
    receivedAt,
    clockAhead: occurredAt > receivedAt + CLOCK_AHEAD_TOLERATED_MS,
    said: report,
  };
}

const reportIdUsed: Refusal = {
  code: 'report-id-used',
  detail: 'another report of the device came under this reportId within 7 days; give each report an id of its own',
};

const tooManyProfiles: Refusal = {
  code: 'too-many-profiles',
  detail:
    'devices of so many models, versions, builds, rings and regions were reported that no other is taken: look whether agents fill these fields with what differs from device to device',
};

/** All that the report says, as one text: the report that comes again gives the same one. */
function contentOf(report: Report, occurredAt: number): string {
  const { kind, patchId, rolloutId, cause, signal, failureCode, detail, statusEveryHours } = report;
  const { platform, model, osVersion, osBuild, track, ring, region } = report;
  const device = `${platform} ${model} ${osVersion} ${osBuild} ${track} ${ring ?? ''} ${region ?? ''}`;
  const rhythm = statusEveryHours === undefined ? '' : ` ${String(statusEveryHours)}`;
  const details = `${signal ?? ''} ${failureCode ?? ''} ${detail ?? ''}${rhythm}`;
  return `${kind} ${patchId ?? ''} ${rolloutId ?? ''} ${cause ?? ''} ${String(occurredAt)} ${device} ${details}`;
}

function byIndex(left: { readonly index: number }, right: { readonly index: number }): number {
  return left.index - right.index;
}

function merge(own: ReportReceipt, others: readonly ReportReceipt[]): ReportReceipt {
  const all = [own, ...others];
  return {
    accepted: all.reduce((sum, { accepted }) => sum + accepted, 0),
    duplicates: all.reduce((sum, { duplicates }) => sum + duplicates, 0),
    refused: all.flatMap(({ refused }) => refused).sort(byIndex),
  };
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
