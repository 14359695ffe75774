/** All bodies that are not yet parsed share this many bytes. */
const BYTES_MAX = 64 * 1024 * 1024;

/**
 * What the bodies of requests under way may hold at once, all routes together: a body takes what it announces, or what
 * has come where it announces nothing, and gives it back once it is parsed, refused or gone.
 */
export class BodyBudget {
  private takenBytes = 0;

  constructor(private readonly bytesMax = BYTES_MAX) {}

  /** False where it does not fit: the caller answers 503 `overloaded` with Retry-After, and gives nothing back. */
  take(bytes: number): boolean {
    if (this.takenBytes + bytes > this.bytesMax) return false;
    this.takenBytes += bytes;
    return true;
  }

  giveBack(bytes: number): void {
    this.takenBytes -= bytes;
  }
}
