/** Trials of one node in one test, and how many of them failed. */
export interface RateCounts {
  readonly n: number;
  readonly x: number;
}

/** The alternatives, as multiples of the tolerated rate and as rates; each with the same weight. */
const MULTIPLES = [1.25, 1.5, 2, 3, 5, 10, 20, 50] as const;
const RATES = [0.5, 0.9] as const;
/** Rates nearer to each other than this, relative to them, are the same one. */
const SAME_RATE = 1e-9;

/** The rates that a test looks for beyond the tolerated one, ascending: those in (p0, 1), each once (design §3.4). */
export function alternativesTo(p0: number): readonly number[] {
  const rates = [...MULTIPLES.map((multiple) => multiple * p0), ...RATES]
    .filter((rate) => rate > p0 * (1 + SAME_RATE) && rate < 1 - SAME_RATE)
    .sort((left, right) => left - right);
  return rates.filter((rate, index) => index === 0 || rate > (rates[index - 1] ?? 0) * (1 + SAME_RATE));
}

/** What one failure, and one success, adds to the logarithm of the likelihood ratio of each alternative. */
interface Steps {
  readonly failure: readonly number[];
  readonly success: readonly number[];
}

/** Plans tolerate few different rates; all nodes of a rollout ask for the same one. */
const STEPS_KEPT = 100;
const stepsKept = new Map<number, Steps>();

function stepsFor(p0: number): Steps {
  const known = stepsKept.get(p0);
  if (known !== undefined) return known;
  const alternatives = alternativesTo(p0);
  const steps = {
    failure: alternatives.map((rate) => Math.log(rate / p0)),
    success: alternatives.map((rate) => Math.log((1 - rate) / (1 - p0))),
  };
  if (stepsKept.size >= STEPS_KEPT) stepsKept.clear();
  stepsKept.set(p0, steps);
  return steps;
}

/**
 * The natural logarithm of the evidence E against "each trial fails with a chance of at most p0" (in (0, 0.9)). Valid
 * however often one looks: where that is so, E ever reaches 1/α with a chance of at most α. A trial counts from its start,
 * and as a success until it fails.
 */
export function logRateEvidence({ n, x }: RateCounts, p0: number): number {
  const { failure, success } = stepsFor(p0);
  // Failures of trials from before the counting began have no trial here.
  const successes = Math.max(0, n - x);
  return logMean(failure.map((step, index) => x * step + successes * (success[index] ?? 0)));
}

/**
 * The same where the failure rate may rise in any period: only trials from that period on are counted.
 * That of period k, counted from 1, has 1/(k(k+1)) of the chance; a period that is no longer given has none.
 */
export function lateRateEvidence(
  periods: readonly (RateCounts & { readonly k: number })[],
  p0: number,
): RateCounts & { readonly logE: number } {
  const found: { n: number; x: number; log: number }[] = [];
  let [n, x] = [0, 0];
  for (const period of periods.toSorted((left, right) => right.k - left.k)) {
    [n, x] = [n + period.n, x + period.x];
    found.push({ n, x, log: logRateEvidence({ n, x }, p0) - Math.log(period.k * (period.k + 1)) });
  }
  const [strongest = { n: 0, x: 0 }] = found.toSorted((left, right) => right.log - left.log);
  return { n: strongest.n, x: strongest.x, logE: logSum(found.map(({ log }) => log)) };
}

/** Trials that began in the k-th period since the counting did. */
interface PeriodOfTrials {
  readonly k: number;
  readonly trials: number;
  readonly failures: number;
}

/**
 * What the evidence of a rate is made of: of all trials alike, its own numbers; of those that began late, the trials of each
 * period that is kept.
 */
export type RateNumbers =
  { readonly by: 'rate' } | { readonly by: 'periods'; readonly periods: readonly PeriodOfTrials[] };

/** The logarithm of the mean of what these are the logarithms of, which may leave the range of numbers. */
export function logMean(logs: readonly number[]): number {
  return logSum(logs) - Math.log(logs.length);
}

/** The logarithm of the sum of what these are the logarithms of; −∞ for none. */
export function logSum(logs: readonly number[]): number {
  let largest = -Infinity;
  for (const log of logs) if (log > largest) largest = log;
  if (largest === -Infinity) return -Infinity;
  let sum = 0;
  for (const log of logs) sum += Math.exp(log - largest);
  return largest + Math.log(sum);
}

/** The same for two, bit by bit. */
export function logSumOfTwo(one: number, other: number): number {
  const larger = one > other ? one : other;
  const smaller = one > other ? other : one;
  return larger === -Infinity ? -Infinity : larger + Math.log(1 + Math.exp(smaller - larger));
}
