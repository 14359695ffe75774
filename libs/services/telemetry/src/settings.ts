import { healthBucketSetting as health } from '@sluice/contracts/health-bucket-setting';
import { setting, type SettingRules } from '@sluice/platform';

/** What telemetry can be told. */
export const telemetrySettings = {
  healthBucketSeconds: setting.integer(health.flag, health.fallback, health.least, health.most, health.description),
  reportingDeadlineMinutes: setting.integer(
    'reporting-deadline-minutes',
    240,
    1,
    10_080,
    'After this time an outcome without a reported start counts as a trial (minutes).',
  ),
  longOfflineHours: setting.integer(
    'long-offline-hours',
    72,
    1,
    8760,
    'Silence after which a holder of a recalled patch is counted apart (hours).',
  ),
  peerHosts: setting.text(
    'peer-hosts',
    '127.0.0.0/8,::1,localhost',
    'Hosts of other instances that a token may be sent to: names, *.names, CIDRs, with commas between.',
  ),
} as const satisfies SettingRules;
