/** All bodies that are not yet parsed share this many bytes. */
const BYTES_MAX = 64 * 1024 * 1024;

/**
 * What the bodies of requests under way may hold at once, all routes together: a body takes what it announces, or what
 * has come where it announces nothing, and gives it back once it is parsed, refused or gone.
 */
export class BodyBudget {
  private claimedBytes = 0;

  constructor(private readonly bytesMax = BYTES_MAX) {}

  /** False where it does not fit: the caller answers 503 `overloaded` with Retry-After, and gives nothing back. */
  claim(bytes: number): boolean {
    if (this.claimedBytes + bytes > this.bytesMax) return false;
    this.claimedBytes += bytes;
    return true;
  }

  giveBack(bytes: number): void {
    this.claimedBytes -= bytes;
  }

  get heldBytes(): number {
    return this.claimedBytes;
  }

  /** What one body takes bit by bit and gives back at once. */
  share(): BodyShare {
    return new BodyShare(this);
  }
}

export class BodyShare {
  private bytes = 0;

  constructor(private readonly budget: BodyBudget) {}

  claim(bytes: number): boolean {
    const isClaimed = this.budget.claim(bytes);
    if (isClaimed) this.bytes += bytes;
    return isClaimed;
  }

  /** May be called again: what was given back is not given back twice. */
  giveBack(): void {
    this.budget.giveBack(this.bytes);
    this.bytes = 0;
  }
}
