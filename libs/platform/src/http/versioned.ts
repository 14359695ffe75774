import { Rejection } from '@sluice/event-sourcing';
import { ProblemError } from './problem.ts';

/** An answer, and the version of what it shows, which goes out as its ETag; undefined where the store does not have it yet. */
export class Versioned<View extends object = object> {
  constructor(
    readonly view: View,
    readonly version: number | undefined,
  ) {}

  get etag(): string | undefined {
    return this.version === undefined ? undefined : `"${String(this.version)}"`;
  }
}

/** Does it; a command that was decided on another version is refused with what there is now, and the ETag of that. */
export async function withCurrent<Result>(act: () => Promise<Result>, current: () => Versioned): Promise<Result> {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof Rejection) || error.code !== 'revision-changed') throw error;
    throw new ProblemError(error.code, error.detail, undefined, current());
  }
}
