/**
 * The age bands of trials, as hours since they began: late failures are compared with trials of their age only, so that
 * the many young ones do not hide them (design §3.4).
 */
export const ageBands = [
  { from: 0, to: 1 },
  { from: 1, to: 6 },
  { from: 6, to: 24 },
  { from: 24, to: 72 },
] as const;

/** A trial lasts so long; what befalls its device later is no failure of it. */
export const TRIAL_HOURS = 72;

/** An outcome of a trial is due by then. */
export const OUTCOME_HOURS = 4;

/** The index of the age band of so many hours; the last one also for those beyond. */
export function bandOf(hours: number): number {
  const band = ageBands.findIndex(({ to }) => hours < to);
  return band === -1 ? ageBands.length - 1 : band;
}
