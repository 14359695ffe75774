import { Injectable } from '@nestjs/common';
import { type ReportedDevice, reportedDeviceValidator } from '@sluice/contracts/reported-device';
import { type AskingDevice, FAILED_REMOVALS_A_DAY_MAX, type Unknown } from '@sluice/domain-rollout';
import { Questions, schemaFaultsText } from '@sluice/platform';

const DAY_MS = 24 * 3_600_000;

/** A device as telemetry knows it, or why it is not known. */
export type Reported =
  | {
      readonly by: 'reports';
      readonly device: AskingDevice;
      /** What telemetry knows of it and no check-in says. */
      readonly seen: Pick<ReportedDevice, 'lastReportAt' | 'retiredAt'>;
      readonly unknown: Unknown;
    }
  | { readonly by: 'never-reported' | 'no-answer'; readonly device: undefined; readonly because: string };

/** Asks telemetry for what devices last reported, in place of the check-in that is not there. */
@Injectable()
export class ReportedDevices {
  constructor(private readonly questions: Questions) {}

  /** The device as of an instant (RFC 3339; the present if undefined), of which `nowMs` is the milliseconds. Never throws. */
  async find(deviceId: string, instant: string | undefined, nowMs: number): Promise<Reported> {
    const reply = await this.questions.ask('telemetry', `/v1/devices/${encodeURIComponent(deviceId)}`, instant);
    if (reply.kind === 'silence') return noAnswer(reply.because);
    const { status, body } = reply;
    if (codeOf(body) === 'device-not-found') {
      const because = `nothing was heard of the device ${deviceId}${instant === undefined ? '' : ` by ${instant}`}`;
      return { by: 'never-reported', device: undefined, because };
    }
    if (status !== 200) return noAnswer(`telemetry answered ${String(status)} ${codeOf(body) ?? ''}`.trimEnd());
    if (!reportedDeviceValidator.Check(body)) {
      const faults = schemaFaultsText(reportedDeviceValidator.Errors(body));
      return noAnswer(`what telemetry answered is no device: ${faults}`);
    }
    const { lastReportAt, retiredAt } = body;
    const seen = { lastReportAt, ...(retiredAt !== undefined && { retiredAt }) };
    return { by: 'reports', device: askingDevice(body), seen, unknown: unknownOf(body, nowMs) };
  }
}

/** What the device would say of itself by its last reports. Of a patch of which it reported nothing there is nothing to say. */
function askingDevice({ deviceId, patches, ...reported }: ReportedDevice): AskingDevice {
  const { platform, model, osVersion, osBuild, track, ring } = reported;
  const all = Object.entries(patches);
  return {
    ...{ deviceId, platform, model, osVersion, osBuild, track },
    ...(ring !== undefined && { ring }),
    installed: all.flatMap(([patchId, { state }]) => (state === 'installed' ? [patchId] : [])),
    removed: all.flatMap(([patchId, { state, cause }]) =>
      state === 'rolledBack' && cause === 'user' ? [patchId] : [],
    ),
    failed: all.flatMap(([patchId, { failedInstalls: attempts = 0 }]) => (attempts > 0 ? [{ patchId, attempts }] : [])),
    removeFailed: [],
  };
}

/** What reports leave open: why a patch is gone, and how many removals failed within a day, where enough failed at all. */
function unknownOf({ patches }: ReportedDevice, nowMs: number): Unknown {
  const all = Object.entries(patches);
  return {
    removed: all.flatMap(([patchId, { state, cause }]) => (state === 'rolledBack' && cause === null ? [patchId] : [])),
    removeFailed: all.flatMap(([patchId, { failedRemovals = 0, lastFailureAt }]) => {
      const isRecent = lastFailureAt !== undefined && nowMs - Date.parse(lastFailureAt) < DAY_MS;
      return failedRemovals >= FAILED_REMOVALS_A_DAY_MAX && isRecent ? [patchId] : [];
    }),
  };
}

function codeOf(body: unknown): string | undefined {
  const code = typeof body === 'object' && body !== null && 'code' in body ? body.code : undefined;
  return typeof code === 'string' ? code : undefined;
}

function noAnswer(because: string): Reported {
  return { by: 'no-answer', device: undefined, because };
}
