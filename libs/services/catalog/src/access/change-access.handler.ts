import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { type AccessCommand, type AccessEvent, decideAccess, type KnownTokens } from '@sluice/domain-catalog';
import { BEGINNING, type CommandContext, EventStore, RevisionConflict } from '@sluice/event-sourcing';
import { ACCESS_STREAM, AccessFollower, type AccessTable, ProblemError } from '@sluice/platform';

/** Other instances that write at the same time; more often than that is an error worth seeing. */
const CONFLICT_ATTEMPTS_MAX = 8;
const WAITING_MAX = 1_000;

/** A command on the tokens. Answers with the events that came of it, once they count in this process. */
export class ChangeAccess extends Command<readonly AccessEvent[]> {
  constructor(
    readonly command: AccessCommand,
    readonly context: CommandContext,
  ) {
    super();
  }
}

/**
 * Decides on the tokens in memory, at the revision that they were folded to: to read the stream for each of 20,000 tokens
 * would take hours. The expected revision keeps names unique; that commands of one process wait for each other only saves
 * attempts.
 */
@CommandHandler(ChangeAccess)
export class ChangeAccessHandler implements ICommandHandler<ChangeAccess> {
  private last: Promise<unknown> = Promise.resolve();
  private waiting = 0;

  constructor(
    private readonly store: EventStore,
    private readonly access: AccessFollower,
  ) {}

  async execute(change: ChangeAccess): Promise<readonly AccessEvent[]> {
    if (this.waiting >= WAITING_MAX) throw new ProblemError('overloaded', 'too many changes of tokens wait');
    this.waiting += 1;
    const done = this.last.then(() => this.change(change));
    this.last = done.catch(() => undefined);
    try {
      return await done;
    } finally {
      this.waiting -= 1;
    }
  }

  private async change({ command, context }: ChangeAccess): Promise<readonly AccessEvent[]> {
    const { commitId, keyed: _, ...metadata } = context;
    let actual: number | undefined;
    for (let attempt = 1; ; attempt += 1) {
      const { table, revision } = await this.access.known(attempt === 1 ? BEGINNING : await this.store.head());
      const events = decideAccess(command, knownTokens(table));
      if (events.length === 0) return events;
      // What a later version wrote has a revision too, though nothing of it is in the table.
      const expected = actual ?? revision ?? 'no-stream';
      try {
        const body = { kind: 'events', events } as const;
        const { position } = await this.store.append({ stream: ACCESS_STREAM, expected, commitId, metadata, body });
        await this.access.known(position);
        return events;
      } catch (error) {
        if (!(error instanceof RevisionConflict) || attempt === CONFLICT_ATTEMPTS_MAX) throw error;
        if (typeof error.actual === 'number') ({ actual } = error);
      }
    }
  }
}

function knownTokens(table: AccessTable): KnownTokens {
  return {
    has: (tokenId) => table.find(tokenId) !== undefined,
    holderOf: (name, atMs) => table.named(name).find((entry) => entry.isGood(() => atMs))?.token.tokenId,
  };
}
