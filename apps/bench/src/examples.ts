/** What is published, rolled out, asked and reported while measuring. */

export const BASE_BUILD = '23D8133';
export const PATCHED_BUILD = '23D771330a';
export const MODELS = ['iPhone18,1', 'iPhone17,1', 'iPad16,3'];
/** What all device ids begin with: the token is bound to it. */
export const DEVICE_PREFIX = 'device-';

export const PATCH = {
  patchId: 'ios-26.3.1-a',
  platform: 'ios',
  baseVersion: '26.3.1',
  letter: 'a',
  variants: [
    {
      build: PATCHED_BUILD,
      prerequisiteBuild: BASE_BUILD,
      models: MODELS,
      artifact: { url: 'https://patches.example/ios-26.3.1-a', sha256: 'a'.repeat(64), sizeBytes: 58_720_256 },
    },
  ],
} as const;

/** One wave that every device is inside of: the longest way through `decide`, with the bucket. */
export const PLAN = {
  rolloutId: 'r1',
  patchId: PATCH.patchId,
  holdBackPercent: 0,
  waves: [{ name: 'all', ramp: { fromPercent: 100, toPercent: 100, minutes: 0 }, bakeMinutes: 10_000 }],
  gates: { installFailureRateMax: 0.01 },
};

/** The body of the n-th check-in. */
export function checkInBody(n: number): string {
  const deviceId = `${DEVICE_PREFIX}${String(n % 100_000)}`;
  return `{"deviceId":"${deviceId}","platform":"ios","model":"iPhone18,1","osVersion":"26.3.1","osBuild":"${BASE_BUILD}","installed":[],"track":"automatic","region":"eu","utcOffsetMinutes":60}`;
}

/** So many devices take turns in reporting. */
export const REPORTING_DEVICES = 100_000;
/** What a device reports, one after the other. */
const story = [
  { kind: 'status', osBuild: BASE_BUILD, patch: '' },
  { kind: 'install-started', osBuild: BASE_BUILD, patch: `,"patchId":"${PATCH.patchId}"` },
  { kind: 'installed', osBuild: PATCHED_BUILD, patch: `,"patchId":"${PATCH.patchId}"` },
  { kind: 'status', osBuild: PATCHED_BUILD, patch: '' },
] as const;

/** A body with `count` reports from the n-th on, no two of them the same. */
export function reportsBody(n: number, count: number, nowMs: number): string {
  const reports = Array.from({ length: count }, (_, index) => reportText(n + index, nowMs));
  return `{"reports":[${reports.join(',')}]}`;
}

function reportText(n: number, nowMs: number): string {
  const lap = Math.floor(n / REPORTING_DEVICES);
  const { kind, osBuild, patch } = story[lap % story.length] ?? story[0];
  const device = n % REPORTING_DEVICES;
  const occurredAt = new Date(nowMs - 60_000 + (n % 60_000)).toISOString();
  const reportId = `01JDF${String(n).padStart(21, '0')}`;
  const model = MODELS[device % MODELS.length] ?? '';
  return `{"reportId":"${reportId}","deviceId":"${DEVICE_PREFIX}${String(device)}","kind":"${kind}"${patch},"occurredAt":"${occurredAt}","platform":"ios","model":"${model}","osVersion":"26.3.1","osBuild":"${osBuild}","track":"automatic"}`;
}
