import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { installRow, minuteMs } from '../examples.ts';
import { neededOutcomes } from './going-on.ts';
import { addHarm, armOf, type HarmEvent, harmFound, type LotCounts, lotCounts, lotEvidence, noHarm } from './harm.ts';
import { alternativesTo, logRateEvidence, type RateCounts } from './rates.ts';
import { SliceTrials } from './trials.ts';

const file = fileURLToPath(new URL('../../../../../../shared/vectors/gates.json', import.meta.url));
const hasVectors = existsSync(file);
if (!hasVectors) console.warn('gates: ../shared/vectors is not there; the comparison with the reference is left out');

/** Computed by a reference that was written apart from this. */
interface Vectors {
  readonly alternatives: readonly { readonly p0: number; readonly alternatives: readonly number[] }[];
  readonly installs: readonly (RateCounts & { readonly p0: number; readonly logE: number })[];
  readonly harm: readonly (HarmEvent & { readonly arm: string; readonly periods: number; readonly logE: number })[];
  readonly need: readonly { readonly p0: number; readonly awakeFirstExposed: number; readonly need: number }[];
  readonly resume: readonly {
    readonly before: RateCounts;
    readonly band: 'passed' | 'in progress' | 'later';
    readonly after: RateCounts;
  }[];
}

const vectors = hasVectors ? (JSON.parse(readFileSync(file, 'utf8')) as Vectors) : undefined;
const DIGITS = 9;

describe.runIf(hasVectors)('agreeing with the reference of the gates', () => {
  const { alternatives, installs, harm, need, resume } = vectors ?? none();

  it('looks for the same rates', () => {
    expect(alternatives.length).toBeGreaterThan(0);
    for (const { p0, alternatives: theirs } of alternatives) {
      const ours = alternativesTo(p0);
      expect(ours).toHaveLength(theirs.length);
      ours.forEach((rate, index) => expect(rate).toBeCloseTo(theirs[index] ?? NaN, DIGITS));
    }
  });

  it('finds the same evidence against a rate', () => {
    expect(installs.length).toBeGreaterThan(0);
    for (const { n, x, p0, logE } of installs) expect(logRateEvidence({ n, x }, p0)).toBeCloseTo(logE, DIGITS);
  });

  // The vectors are one history: each has the evidence of all events so far.
  it('finds the same evidence of harm, event by event, and looking once', () => {
    expect(harm.length).toBeGreaterThan(0);
    const everSince = noHarm();
    for (const [index, event] of harm.entries()) {
      const { arm, periods: onsets, logE } = event;
      expect(armOf(event).replace('-', ' ')).toBe(arm);
      addHarm(everSince, event);
      expect(harmFound([everSince], onsets).logE).toBeCloseTo(logE, DIGITS);
      const anew = noHarm();
      for (const before of harm.slice(0, index + 1)) addHarm(anew, before);
      expect(harmFound([anew], onsets).logE).toBeCloseTo(logE, DIGITS);
      // Also from nothing but what is stored of it.
      const stored = JSON.parse(JSON.stringify(lotCounts([anew], onsets))) as LotCounts;
      expect(lotEvidence(stored)?.logE).toBeCloseTo(logE, DIGITS);
    }
  });

  it('needs as many outcomes, and keeps the same after a resume', () => {
    for (const { p0, awakeFirstExposed, need: theirs } of need)
      expect(neededOutcomes(p0, awakeFirstExposed)).toBe(theirs);
    expect(resume.length).toBeGreaterThan(0);
    for (const { before, band, after } of resume) {
      // The resume comes three hours after the cohort's: the second band is in progress.
      const resumedMs = minuteMs(180);
      const { slice } = installRow();
      const trials = new SliceTrials(slice, -Infinity);
      const index = ['passed', 'in progress', 'later'].indexOf(band);
      trials.add(installRow({ started: before.n, failed: before.x, band: index }), resumedMs);
      expect(trials.counts(resumedMs).bands[index]).toEqual(before);
      trials.restart(resumedMs);
      expect(trials.counts(resumedMs).bands[index]).toEqual(after);
    }
  });
});

describe('pooling slices', () => {
  it('comes to the evidence of all their events together', () => {
    const event = (minute: number, place: number): HarmEvent => ({ minute, place, shareBegin: 0.2, shareEnd: 0.2 });
    const events = [event(10, 5), event(100, 900_000), event(250, 7), event(700, 8), event(701, 300_000)];
    const [one, other, all] = [noHarm(), noHarm(), noHarm()];
    events.forEach((each, index) => {
      addHarm(index % 2 === 0 ? one : other, each);
      addHarm(all, each);
    });
    expect(harmFound([one, other], 5).logE).toBeCloseTo(harmFound([all], 5).logE, 12);
    expect(harmFound([], 5).logE).toBeCloseTo(Math.log(5 / 6), 12);
  });
});

describe('looking often', () => {
  const harmEvent = fc.record({
    minute: fc.integer({ min: 0, max: 3000 }),
    place: fc.integer({ min: 0, max: 999_999 }),
    shareBegin: fc.constantFrom(0.2, 0.3),
    shareEnd: fc.constantFrom(0.3, 0.5),
  });
  const steps = fc.array(
    fc.record({
      event: harmEvent,
      of: fc.integer({ min: 0, max: 2 }),
      later: fc.constantFrom(0, 0, 1, 2, 12),
      isLookedAt: fc.boolean(),
    }),
  );

  it('finds the very evidence of harm that one look finds, also where events come late', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const looked = [noHarm(), noHarm(), noHarm()] as const;
        const pools = [looked, looked.slice(0, 2), looked.slice(0, 1), looked.slice(1)];
        let onsets = 1;
        for (const [index, { event, of, later, isLookedAt }] of all.entries()) {
          addHarm(looked[of] ?? looked[0], event);
          onsets += later;
          if (!isLookedAt) continue;
          const anew = looked.map(() => noHarm());
          for (const before of all.slice(0, index + 1)) addHarm(anew[before.of] ?? noHarm(), before.event);
          const poolsAnew = [anew, anew.slice(0, 2), anew.slice(0, 1), anew.slice(1)];
          const found = pools.map((pool) => harmFound(pool, onsets).logE);
          expect(found).toEqual(poolsAnew.map((pool) => harmFound(pool, onsets).logE));
        }
      }),
      { numRuns: 60 },
    );
  });
});

function none(): Vectors {
  return { alternatives: [], installs: [], harm: [], need: [], resume: [] };
}
