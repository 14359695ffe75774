import { type FactSketch, NOON } from './facts.fixture.ts';

const said = { patchId: 'ios-26.3.1-a', rolloutId: 'r1' };

/** One fact of each kind that version 1 knew, with everything that a fact can have. */
export const goldenFacts: readonly FactSketch[] = [
  { device: 'd-1' },
  { device: 'd-2', kind: 'InstallStarted', said },
  {
    device: 'd-2',
    withId: false,
    kind: 'PatchInstalled',
    occurredAt: NOON + 5,
    said: { ...said, osBuild: '23D771330a', ring: 'beta', region: 'eu' },
  },
  {
    device: 'd-3',
    kind: 'PatchInstallFailed',
    occurredAt: 0,
    receivedAt: NOON + 9,
    said: { ...said, failureCode: 'E1', detail: 'no room' },
  },
  { device: 'd-3', kind: 'PatchRolledBack', said: { ...said, cause: 'failure' } },
  { device: 'd-3', kind: 'PatchRemoveFailed', said: { ...said, signal: 'crash' } },
  {
    device: 'd-4',
    kind: 'IncidentReported',
    clockAhead: true,
    occurredAt: NOON + 600_000,
    receivedAt: NOON,
    said: { signal: 'boot-failure' },
  },
  { device: 'd-4', kind: 'DeviceRetired' },
];

/** The facts as each version of the packed form has them, in base64; that of version 2 has the contents 1, 2, 3, …. */
export const goldenCommits = {
  1: 'AQAAAAgAAAAAAKDV1iB6QgEAAABcAAAADwAAABwAAABiAAAAh6E3g3MUCzUpqiJI44QI3M4Mijo6YZ5s0DfPAbrxvRXODIo6OmGebNA3zwG68b0VfZ8dpanyMRtDxHiuyWIign2fHaWp8jEbQ8R4rsliIoJ9nx2lqfIxG0PEeK7JYiKCXGoYXBD3RPpiUX1ngGdXo1xqGFwQ90T6YlF9Z4BnV6Oey2YDg2Vdigluo/kWPQR2ERr52o8I8PjlqvcACjFBlMnNjeJaNNutrdb+pnEz31siq6vTgGl94jl8cUnpXRCHICIDJDUmZyEAAAEAAAAA/wAAAAAAAAD//wAAAAAA////AAAAAAD//wAAAP8AAH8AAAAA/wAATwAAAAD/AAASAAAAAP8AAAAAAAAFCQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAGlvcx9pUGhvbmUxOCwxHzI2LjMuMR8yM0Q4MTMzH2F1dG9tYXRpYx8fCmlvcx9pUGhvbmUxOCwxHzI2LjMuMR8yM0Q3NzEzMzBhH2F1dG9tYXRpYx9iZXRhH2V1aW9zLTI2LjMuMS1hH3IxA2QtMQNkLTIDZC0zA2QtMwNkLTMDZC00A2QtNFtbMyx7ImZhaWx1cmVDb2RlIjoiRTEiLCJkZXRhaWwiOiJubyByb29tIn1dLFs1LHsic2lnbmFsIjoiY3Jhc2gifV0sWzYseyJzaWduYWwiOiJib290LWZhaWx1cmUifV1d',
  2: 'AgAAAAgAAAAAAKDV1iB6QgEAAABcAAAADwAAABwAAABiAAAAh6E3g3MUCzUpqiJI44QI3M4Mijo6YZ5s0DfPAbrxvRXODIo6OmGebNA3zwG68b0VfZ8dpanyMRtDxHiuyWIign2fHaWp8jEbQ8R4rsliIoJ9nx2lqfIxG0PEeK7JYiKCXGoYXBD3RPpiUX1ngGdXo1xqGFwQ90T6YlF9Z4BnV6Oey2YDg2Vdigluo/kWPQR2ERr52o8I8PjlqvcACjFBlMnNjeJaNNutrdb+pnEz31siq6vTgGl94jl8cUnpXRCHAQIDBAUGBwgAAAAAAAAAAEBCA0RlRsdBAAABAAAAAP8AAAAAAAAA//8AAAAAAP///wAAAAAA//8AAAD/AAB/AAAAAP8AAE8AAAAA/wAAEgAAAAD/AAAAAAAABQkAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABpb3MfaVBob25lMTgsMR8yNi4zLjEfMjNEODEzMx9hdXRvbWF0aWMfHwppb3MfaVBob25lMTgsMR8yNi4zLjEfMjNENzcxMzMwYR9hdXRvbWF0aWMfYmV0YR9ldWlvcy0yNi4zLjEtYR9yMQNkLTEDZC0yA2QtMwNkLTMDZC0zA2QtNANkLTRbWzMseyJmYWlsdXJlQ29kZSI6IkUxIiwiZGV0YWlsIjoibm8gcm9vbSJ9XSxbNSx7InNpZ25hbCI6ImNyYXNoIn1dLFs2LHsic2lnbmFsIjoiYm9vdC1mYWlsdXJlIn1dXQ==',
};
