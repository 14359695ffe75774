import {
  type Report,
  reportKinds,
  type ReportKind,
  reportValidator,
  Report as ReportSchema,
} from '@sluice/contracts/device-protocol';
import { type FactKind } from '@sluice/domain-fleet';
import { schemaFaultsText } from '@sluice/platform';

/** Why a report was refused. */
export interface Refusal {
  readonly code: 'unknown-kind' | 'invalid-report' | 'device-forbidden' | 'report-id-used' | 'too-many-profiles';
  readonly detail: string;
}

/** What each kind of report is called as a fact. */
export const factKindOf: Readonly<Record<ReportKind, FactKind>> = {
  status: 'DeviceObserved',
  'install-started': 'InstallStarted',
  installed: 'PatchInstalled',
  'install-failed': 'PatchInstallFailed',
  'rolled-back': 'PatchRolledBack',
  'remove-started': 'PatchRemoveStarted',
  'remove-failed': 'PatchRemoveFailed',
  incident: 'IncidentReported',
};

const knownKinds: ReadonlySet<unknown> = new Set(reportKinds);
const knownFields: ReadonlySet<string> = new Set(Object.keys(ReportSchema.properties));

/** The report itself when it is one that Sluice understands, else why not. */
export function checkReport(value: unknown): Report | Refusal {
  if (!reportValidator.Check(value)) return refusalOf(value);
  if (value.kind !== 'status' && value.kind !== 'incident' && value.patchId === undefined) {
    return { code: 'invalid-report', detail: `/patchId: a report of kind ${value.kind} names its patch` };
  }
  if (value.kind === 'rolled-back' && value.cause === undefined) {
    return { code: 'invalid-report', detail: '/cause: a report of kind rolled-back names its cause' };
  }
  return value;
}

export function isRefusal(checked: Report | Refusal): checked is Refusal {
  return 'code' in checked && 'detail' in checked && !('reportId' in checked);
}

/** How many fields a report has that Sluice does not know: agents are newer than servers. */
export function countUnknownFields(report: Report): number {
  let unknown = 0;
  for (const field in report) if (!knownFields.has(field)) unknown += 1;
  return unknown;
}

function refusalOf(value: unknown): Refusal {
  const kind = typeof value === 'object' && value !== null && 'kind' in value ? value.kind : undefined;
  if (typeof kind === 'string' && !knownKinds.has(kind)) {
    return {
      code: 'unknown-kind',
      detail: `${JSON.stringify(kind.slice(0, 64))} is none of ${reportKinds.join(', ')}`,
    };
  }
  const detail = schemaFaultsText(reportValidator.Errors(value));
  return { code: 'invalid-report', detail: detail || 'not a report' };
}
