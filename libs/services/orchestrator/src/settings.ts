import { healthBucketSetting as health } from '@sluice/contracts/health-bucket-setting';
import { setting, type SettingRules } from '@sluice/platform';

/** What the orchestrator can be told. */
export const orchestratorSettings = {
  policyStaleSeconds: setting.integer(
    'policy-stale-seconds',
    30,
    1,
    3600,
    'Silence of the catalog after which nothing is offered (seconds, wall time).',
  ),
  blindOffersMinutes: setting.integer(
    'blind-offers-minutes',
    60,
    1,
    10_080,
    'Blindness after which nothing is offered any more (minutes, domain time).',
  ),
  healthBucketSeconds: setting.integer(health.flag, health.fallback, health.least, health.most, health.description),
} as const satisfies SettingRules;
