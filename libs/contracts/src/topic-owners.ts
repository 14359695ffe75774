/** The service whose events are in a topic. */
export const topicOwners = {
  catalog: 'catalog',
  rollouts: 'orchestrator',
  fleet: 'telemetry',
  health: 'telemetry',
  access: 'catalog',
} as const;

export type Topic = keyof typeof topicOwners;
export type ServiceName = (typeof topicOwners)[Topic];
