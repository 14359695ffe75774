/**
 * Failure codes of the network and of the package's server. They say nothing of the patch: they are no attempts, a device
 * inside the exposure goes on trying, and where many fail so the rollout waits (design §3.4).
 */
export const infrastructureCodes = ['no-network', 'download-timeout', 'download-failed', 'server-unavailable'] as const;

const codes: ReadonlySet<string> = new Set(infrastructureCodes);

export function isInfrastructure(failureCode: string | undefined): boolean {
  return failureCode !== undefined && codes.has(failureCode);
}
