import { healthBucketSetting as health } from '@sluice/contracts/health-bucket-setting';
import { APPROVALS_MAX } from '@sluice/domain-rollout';
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
  approvalsRequired: setting.integer(
    'approvals-required',
    0,
    0,
    APPROVALS_MAX,
    'How many people have to approve a rollout for a large audience, whatever its plan says.',
  ),
  approvalsAbovePercent: setting.integer(
    'approvals-above-percent',
    0,
    0,
    100,
    'An audience is large above this share of the known devices, or while that is unknown (percent).',
  ),
  healthBucketSeconds: setting.integer(health.flag, health.fallback, health.least, health.most, health.description),
} as const satisfies SettingRules;
