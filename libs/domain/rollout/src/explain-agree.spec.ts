import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decide } from './decide.ts';
import { type Explanation, explain } from './explain.ts';
import { RULES } from './explain-rules.ts';
import { askedIn, changed, PATCHES, type World, worldOf } from './explain-worlds.fixture.ts';

/** More for a measurement: EXPLAIN_PAIRS=100000 EXPLAIN_CHANGES=1000. */
const PAIRS = Number(process.env['EXPLAIN_PAIRS'] ?? 2_000);
const CHANGES = Number(process.env['EXPLAIN_CHANGES'] ?? 1_000);
const TIMEOUT_MS = 600_000;

const worlds = fc.noBias(fc.integer()).map(worldOf);
const asked = fc.tuple(worlds, fc.constantFrom(undefined, ...PATCHES)).map(([world, subject]) => ({
  ...world,
  ...(subject !== undefined && { subject }),
}));

function explainIn(world: World): Explanation {
  return explain(askedIn(world), world.subject);
}

function decideIn(world: World) {
  const { device, policy, nowMs, bucketOf } = askedIn(world);
  return decide(device, policy, nowMs, bucketOf);
}

/** What changes when the answer does. */
function answerOf({ directive, reason }: Explanation) {
  return [directive?.directive, directive?.patchId, reason];
}

describe('explaining what is decided', () => {
  it(`agrees with the decision on ${String(PAIRS)} devices and policies`, { timeout: TIMEOUT_MS }, () => {
    const reasons = new Map<string, number>();
    const agrees = fc.property(asked, (world) => {
      const { directive, reason, rules, decidedBy } = explainIn(world);
      expect(directive).toEqual(decideIn(world));
      if (world.subject === undefined) expect(reason).toBe(directive?.reason);
      expect(rules.map(({ rule }) => rule)).toEqual(RULES);
      const place = rules.findIndex(({ rule }) => rule === decidedBy);
      expect(rules.map(({ outcome }) => outcome)).toEqual(
        RULES.map((_, index) => (index < place ? 'passed' : index === place ? 'decided' : 'not-reached')),
      );
      reasons.set(reason ?? '', (reasons.get(reason ?? '') ?? 0) + 1);
    });
    fc.assert(agrees, { numRuns: PAIRS });
    process.stdout.write(`${String(PAIRS)} pairs agree: ${JSON.stringify(Object.fromEntries(reasons))}\n`);
    expect(reasons.size).toBeGreaterThan(12);
  });

  it(`names what changes the answer, on ${String(CHANGES)} devices and policies`, { timeout: TIMEOUT_MS }, () => {
    const fields = new Map<string, number>();
    const isChangeable = (world: World) => explainIn(world).changes.length > 0;
    const changes = fc.property(asked.filter(isChangeable), (world) => {
      const before = explainIn(world);
      const after = explainIn(before.changes.reduce(changed, world));
      expect(answerOf(after), JSON.stringify(before.changes)).not.toEqual(answerOf(before));
      for (const { field } of before.changes) fields.set(field, (fields.get(field) ?? 0) + 1);
    });
    fc.assert(changes, { numRuns: CHANGES });
    process.stdout.write(`${String(CHANGES)} answers change: ${JSON.stringify(Object.fromEntries(fields))}\n`);
    expect(fields.size).toBeGreaterThan(10);
  });

  it(
    'says that nothing changes it only of what was pulled, and of patches of other platforms',
    { timeout: TIMEOUT_MS },
    () => {
      const seldom = fc.property(asked, (world) => {
        const { changes, reason } = explainIn(world);
        if (changes.length > 0) return;
        expect(world.subject).toBeDefined();
        expect(['pulled', 'no-patch', 'folded-in']).toContain(reason);
      });
      fc.assert(seldom, { numRuns: PAIRS });
    },
  );
});
