/** Restarts of a counting that buckets have not come to yet. `What`: what is counted anew; undefined for all of it. */
export class Restarts<What = undefined> {
  private waiting: { readonly atMs: number; readonly what?: What }[] = [];
  private readonly known = new Set<string>();

  /** False when it was heard of before: then it counts no second time. */
  add(at: string, what?: What): boolean {
    const name = JSON.stringify([at, what]);
    if (this.known.has(name)) return false;
    this.known.add(name);
    const more = { atMs: Date.parse(at), ...(what !== undefined && { what }) };
    this.waiting = [...this.waiting, more].sort((left, right) => left.atMs - right.atMs);
    return true;
  }

  /** Takes those that are due before a bucket that ends then, in order. */
  *through(toMs: number): Generator<{ readonly atMs: number; readonly what?: What }> {
    for (let [next] = this.waiting; next !== undefined && next.atMs < toMs; [next] = this.waiting) {
      this.waiting = this.waiting.slice(1);
      yield next;
    }
  }
}
