import { inWords, tableOf } from '../figure.ts';

/** What became of the events of one drill. */
export interface Counts {
  /** Events that were durable with their owner, or facts that were acknowledged. */
  readonly sent: number;
  /** What the feed brought, over all lives of the consumer, duplicates and all. */
  readonly received: number;
  /** Different events that the read model has. */
  readonly applied: number;
  readonly lost: number;
  /** Applications of an event that was applied before. */
  readonly twice: number;
  /** Applications of an event before one that stands before it in its stream. */
  readonly disordered: number;
  /** Received in the last life of the consumer, and dropped because it was there already. */
  readonly dropped: number;
}

export interface Outcome extends Counts {
  /** What else there is to tell. */
  readonly remarks: readonly string[];
  /** What did not go as promised, besides what the counts say. */
  readonly faults: readonly string[];
}

export interface Drilled extends Outcome {
  readonly name: string;
  readonly what: string;
  readonly seconds: number;
}

/** Nothing lost, nothing twice, and whatever else the drill promises. */
export function isPassed({ sent, lost, twice, disordered, faults }: Drilled): boolean {
  return sent > 0 && lost === 0 && twice === 0 && disordered === 0 && faults.length === 0;
}

/** The drills as a Markdown table. */
export function toDrillTable(drilled: readonly Drilled[]): string {
  const head = ['fault', 'sent', 'received', 'lost', 'applied twice', 'duplicates dropped', 'seconds', 'remarks'];
  const rows = drilled.map(({ what, sent, received, lost, twice, dropped, seconds, remarks, faults }) => [
    what,
    ...[sent, received, lost, twice, dropped, seconds].map(inWords),
    [...faults.map((fault) => `FAULT: ${fault}`), ...remarks].join('; '),
  ]);
  return tableOf(head, rows);
}
