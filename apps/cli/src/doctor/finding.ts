/** What a check looked at, in the order in which the findings are shown. */
export type Subject = 'installation' | 'data' | 'disk' | 'port' | 'tls' | 'clock' | 'token' | 'sources';

export type Verdict = 'ok' | 'warning' | 'fault';

/** One line of `sluice doctor`. */
export interface Finding {
  readonly about: Subject;
  readonly verdict: Verdict;
  readonly says: string;
  /** What to do about it, in one line: a command where there is one. */
  readonly mend?: string;
}

export function ok(about: Subject, says: string): Finding {
  return { about, verdict: 'ok', says };
}

export function warning(about: Subject, says: string, mend: string): Finding {
  return { about, verdict: 'warning', says, mend };
}

export function fault(about: Subject, says: string, mend: string): Finding {
  return { about, verdict: 'fault', says, mend };
}
