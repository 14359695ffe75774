import { type GateVerdict } from '@sluice/domain-rollout';

/** One made-up rollout. Times are minutes; rates are shares of the installs. */
export interface GateWorld {
  readonly devices: number;
  /** One slice a model, each as large as the others. */
  readonly slices: number;
  /** Of the failures, as the plan has it. */
  readonly tolerated: number;
  readonly failureRate: (slice: number) => number;
  /** From the start of an install to its failure, at random between the two. */
  readonly failsAfter: readonly [number, number];
  /** What agents tell: the start at once; nothing of it; start and outcome together. `as-it-comes` is how failures were counted once. */
  readonly agents?: 'start' | 'no-start' | 'together' | 'as-it-comes';
  /** Installs of which nothing is heard again. */
  readonly lostRate?: (slice: number) => number;
  /** Of those that went well: taken off by the user, between the two after it. */
  readonly removed?: { readonly rate: number; readonly after: readonly [number, number] };
  /** Somebody resumes after a false alarm. */
  readonly resumedAt?: number;
  /** Somebody gives up the rollout after a false alarm, and starts another one of the patch. */
  readonly secondAt?: number;
  readonly rampMinutes?: number;
  /** After so many hours an install that is fine makes room for others. */
  readonly maturityHours?: number;
}

export interface GateOutcome {
  /** How it stood first; `go` when it never did. */
  readonly stood: GateVerdict['says'];
  /** Devices that had begun by then, and the share of all that was exposed. */
  readonly startedThen: number;
  readonly exposedThen: number;
  /** What it came to, and the slices on hold in the end. */
  readonly ended: GateVerdict['says'];
  readonly held: readonly number[];
  /** The slice that spoke most against the patch when it waited last; -1 where none did. */
  readonly suspected: number;
  readonly largestLogSum: number;
}
