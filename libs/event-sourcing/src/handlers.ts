/**
 * Folds what was stored into what is known, and does nothing else, so that it can be folded again at any time.
 * `apply` is total: it never throws, and what it does not know it passes over. Its effect shows at once.
 */
export interface Projection<Item> {
  readonly kind: 'projection';
  readonly name: string;
  readonly apply: (item: Item) => void;
}

/**
 * From a situation to commands. It looks at how things are, not only at what has just happened: what could not be done in
 * one pass is decided again in the next. The id of each command names its cause, so that the same command sent again
 * changes nothing.
 */
export interface ProcessManager<Situation, Command> {
  readonly kind: 'process';
  readonly name: string;
  readonly decide: (situation: Situation) => readonly Command[];
}

/** Runs one pass at a time. A request during a pass makes one more follow, however many requests there are. */
export class Passes {
  private current: Promise<void> | undefined;
  private next: Promise<void> | undefined;

  constructor(private readonly pass: () => Promise<void>) {}

  /** Resolves when a pass that began after this request has ended. */
  request(): Promise<void> {
    if (this.current === undefined) return this.begin();
    this.next ??= this.current.then(() => {
      this.next = undefined;
      return this.begin();
    });
    return this.next;
  }

  /** Resolves when no pass is under way or wanted. */
  async idle(): Promise<void> {
    while (this.current !== undefined || this.next !== undefined) await (this.next ?? this.current);
  }

  private begin(): Promise<void> {
    const current = this.pass().finally(() => {
      if (this.current === current) this.current = undefined;
    });
    this.current = current;
    return current;
  }
}

/** Does the work for all items, at most so many side by side, in the order of the items. */
export async function sideBySide<Item>(
  items: readonly Item[],
  most: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  let next = 0;
  const worker = async () => {
    for (let item = items[next++]; item !== undefined; item = items[next++]) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(most, items.length) }, worker));
}
