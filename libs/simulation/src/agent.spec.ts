import { type Directive } from '@sluice/contracts/device-protocol';
import { toTimeText } from '@sluice/event-sourcing';
import { describe, expect, it } from 'vitest';
import { obey, perform } from './agent.ts';
import { type AgentContext, checkInOf, type Outcome, type TimedAct } from './device-reports.ts';
import { type Device, makeFleet } from './fleet.ts';
import { fleetOf2026 } from './fleet-lines.ts';
import { Random } from './random.ts';

const NOW = Date.parse('2026-03-17T17:00:00.000Z');
const HOUR = 3_600_000;
const PATCH = 'ios-26.3.1-a';
const builds: Record<string, string> = { [PATCH]: '23D771330a', 'ios-26.3.1-c': '23D771330c' };

describe('obeying an install', () => {
  it('reports the start, and the success 30 to 90 minutes later, with the build of the patch', () => {
    const device = automatic();
    const started = run(device, obey(device, directive('install'), NOW, context()));
    expect(kinds(started)).toEqual(['install-started']);
    const [finish] = started.acts;
    const startedAt = Date.parse(started.reports[0]?.occurredAt ?? '');
    expect((finish?.at ?? 0) - startedAt).toBeGreaterThanOrEqual(HOUR / 2);
    expect((finish?.at ?? 0) - startedAt).toBeLessThanOrEqual(HOUR * 1.5);
    const finished = run(device, started.acts);
    expect(finished.reports).toMatchObject([
      { kind: 'installed', patchId: PATCH, rolloutId: 'r1', osBuild: '23D771330a' },
    ]);
    expect(checkInOf(device)).toMatchObject({ osBuild: '23D771330a', osVersion: '26.3.1', installed: [PATCH] });
  });

  it('does nothing but ask again once the lease has run out', () => {
    const device = automatic();
    const [start] = obey(device, directive('install'), NOW, context());
    const late = perform(device, act(start), NOW + HOUR + 1, context());
    expect(late).toEqual({ reports: [], acts: [], asks: true });
    expect(device).toMatchObject({ held: undefined, doing: undefined });
  });

  it('acts until the very end of the lease', () => {
    const device = automatic();
    const [start] = obey(device, directive('install'), NOW, context());
    expect(kinds(perform(device, act(start), NOW + HOUR, context()))).toEqual(['install-started']);
  });

  it('drops the directive when a later answer says otherwise', () => {
    const device = automatic();
    const [start] = obey(device, directive('install'), NOW, context());
    expect(obey(device, directive('none'), NOW + 1000, context())).toEqual([]);
    expect(perform(device, act(start), NOW + 2000, context())).toEqual({ reports: [], acts: [] });
  });

  it('does not check in while it is at it', () => {
    const device = automatic();
    run(device, obey(device, directive('install'), NOW, context()));
    expect(perform(device, { kind: 'check-in' }, NOW + HOUR, context()).asks).toBeUndefined();
  });

  it('counts failed attempts and tells them at the next check-in', () => {
    const device = automatic();
    const failing = context({ failureRate: 1 });
    for (const attempts of [1, 2, 3]) {
      const started = run(device, obey(device, directive('install'), NOW, failing), failing);
      const failed = run(device, started.acts, failing);
      expect(failed.reports).toMatchObject([
        { kind: 'install-failed', osBuild: '23D8133', failureCode: 'verification-failed' },
      ]);
      expect(checkInOf(device).failed).toEqual([{ patchId: PATCH, attempts }]);
    }
    expect(device.held).toBeUndefined();
  });

  it('lets the recalled patch fall before its replacement goes on, and tells it as earlier', () => {
    const device = holding(PATCH);
    const replacement = { ...directive('install', 'recalled'), patchId: 'ios-26.3.1-c' };
    const started = run(device, obey(device, replacement, NOW, context()));
    const { reports } = run(device, started.acts);
    expect(reports).toMatchObject([
      { kind: 'rolled-back', patchId: PATCH, cause: 'recall', osBuild: '23D8133' },
      { kind: 'installed', patchId: 'ios-26.3.1-c', osBuild: '23D771330c' },
    ]);
    expect(Date.parse(reports[0]?.occurredAt ?? '')).toBeLessThan(Date.parse(reports[1]?.occurredAt ?? ''));
    expect(checkInOf(device).installed).toEqual(['ios-26.3.1-c']);
  });
});

describe('obeying a removal', () => {
  it('goes back to the base with a restart and reports it', () => {
    const device = holding(PATCH);
    const restarting = run(device, obey(device, directive('remove', 'recalled'), NOW, context()));
    expect(restarting.reports).toMatchObject([{ kind: 'remove-started', patchId: PATCH, osBuild: '23D771330a' }]);
    const removed = run(device, restarting.acts);
    expect(removed.reports).toMatchObject([
      { kind: 'rolled-back', patchId: PATCH, cause: 'recall', osBuild: '23D8133' },
    ]);
    expect(checkInOf(device)).toMatchObject({ installed: [], osBuild: '23D8133' });
    expect(checkInOf(device).removed).toBeUndefined();
  });

  it('does not act on a lease that has run out', () => {
    const device = holding(PATCH);
    const [start] = obey(device, directive('remove', 'recalled'), NOW, context());
    expect(perform(device, act(start), NOW + HOUR + 1, context()).asks).toBe(true);
    expect(device.held).toBe(PATCH);
  });
});

describe('deciding about an offer', () => {
  it('installs only after its user has accepted, asking again when the lease is over by then', () => {
    const device = manual();
    const [accept] = obey(device, directive('offer', 'manual-track'), NOW, context());
    expect(accept?.act).toEqual({ kind: 'accept', patchId: PATCH });
    expect(perform(device, act(accept), NOW + 2 * HOUR, context()).asks).toBe(true);
    const again = obey(device, directive('offer', 'manual-track', NOW + 2 * HOUR), NOW + 2 * HOUR, context());
    expect(kinds(run(device, again))).toEqual(['install-started']);
  });

  it('goes ahead at once within the lease', () => {
    const device = manual();
    const [accept] = obey(device, directive('offer', 'manual-track'), NOW, context());
    expect(kinds(perform(device, act(accept), NOW + HOUR / 2, context()))).toEqual(['install-started']);
  });

  it('is made once for each patch', () => {
    const device = manual();
    obey(device, directive('offer', 'manual-track'), NOW, context());
    expect(obey(device, directive('offer', 'manual-track'), NOW, context())).toEqual([]);
  });
});

describe('removing a patch by hand', () => {
  it('is reported, and told at every check-in from then on', () => {
    const device = holding(PATCH);
    const { reports } = perform(device, { kind: 'remove-by-user', patchId: PATCH }, NOW, context());
    expect(reports).toMatchObject([{ kind: 'rolled-back', cause: 'user', osBuild: '23D8133' }]);
    expect(checkInOf(device)).toMatchObject({ installed: [], removed: [PATCH] });
  });
});

describe('reporting the status', () => {
  it('comes back every 24 hours, each time with an id of its own', () => {
    const device = automatic();
    const first = perform(device, { kind: 'status' }, NOW, context());
    const second = run(device, first.acts);
    const at = first.acts[0]?.at ?? 0;
    expect(at).toBeLessThanOrEqual(NOW + 24 * HOUR);
    expect(second.acts).toEqual([{ at: at + 24 * HOUR, act: { kind: 'status' } }]);
    expect([first, second].flatMap(({ reports }) => reports.map(({ reportId }) => reportId))).toEqual([
      `${device.deviceId}:test:1`,
      `${device.deviceId}:test:2`,
    ]);
  });
});

function automatic(): Device {
  const found = fleet().find(({ track, base }) => track === 'automatic' && base === '23D8133');
  if (found === undefined) throw new Error('the fleet has no such device');
  return found;
}

function holding(patchId: string): Device {
  return Object.assign(automatic(), { held: patchId, osBuild: builds[patchId] });
}

function manual(): Device {
  const found = fleet().find(({ track, base }) => track === 'manual' && base === '23D8133');
  if (found === undefined) throw new Error('the fleet has no such device');
  return found;
}

function fleet(): Device[] {
  return makeFleet({ seed: 1, devices: 200, lines: fleetOf2026, ringShare: 0, roamingShare: 0 });
}

function context({ failureRate = 0 } = {}): AgentContext {
  return {
    random: favourable(),
    faultOf: (patchId) => ({ patchId, harms: [{ kind: 'fails', share: failureRate, after: [2, 20] }] }),
    run: 'test',
    buildOf: (patchId) => builds[patchId],
  };
}

/** Whose first number makes an install neither postponed nor refused, a removal succeed, and a user accept. */
function favourable(): Random {
  for (let seed = 1; seed < 100; seed += 1) {
    const first = Random.seeded(seed).fraction();
    if (first > 0.1 && first < 0.3) return Random.seeded(seed);
  }
  throw new Error('no seed will do');
}

function directive(kind: Directive['directive'], reason: Directive['reason'] = 'in-wave', atMs = NOW): Directive {
  return {
    directive: kind,
    reason,
    patchId: PATCH,
    rolloutId: 'r1',
    lease: { expiresAt: toTimeText(atMs + HOUR), recallEpoch: 0 },
    nextCheckInSeconds: 3600,
  };
}

/** Performs the one act when its time has come. */
function run(device: Device, acts: readonly TimedAct[], { ...given }: AgentContext = context()): Outcome {
  const [next] = acts;
  return perform(device, act(next), next?.at ?? 0, given);
}

function act(timed: TimedAct | undefined): TimedAct['act'] {
  if (timed === undefined) throw new Error('nothing is to happen');
  return timed.act;
}

function kinds({ reports }: Outcome): string[] {
  return reports.map(({ kind }) => kind);
}
