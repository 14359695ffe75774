/** The setting that telemetry, which closes the buckets, and the orchestrator, which reads them, have to have alike. */
export const healthBucketSetting = {
  flag: 'health-bucket-seconds',
  fallback: 60,
  least: 1,
  most: 3600,
  description: 'Width of a health bucket (seconds).',
} as const;
