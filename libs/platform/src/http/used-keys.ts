import {
  type CommandContext,
  type Decider,
  type EventStore,
  handle,
  load,
  reject,
  unknownEvent,
} from '@sluice/event-sourcing';

/** What was answered, as it is given again: `body` is JSON, undefined where the answer has none. */
export interface KeptAnswer {
  readonly status: number;
  readonly etag?: string;
  readonly body?: unknown;
}

/** `request` is a hash of all that makes one request under the key another one. */
type KeyCommand =
  | { readonly type: 'TakeKey'; readonly request: string }
  | { readonly type: 'ReleaseKey'; readonly request: string }
  | { readonly type: 'KeepAnswer'; readonly request: string; readonly answer: KeptAnswer };

type KeyEvent =
  | { readonly type: 'KeyTaken'; readonly request: string }
  | { readonly type: 'KeyReleased' }
  | { readonly type: 'AnswerKept'; readonly request: string; readonly answer: KeptAnswer };

/** What a key stands for. `taken`: its request is under way, or its answer was lost. */
export type UsedKey =
  | { readonly status: 'free' }
  | { readonly status: 'taken'; readonly request: string }
  | { readonly status: 'answered'; readonly request: string; readonly answer: KeptAnswer };

/** A key is of no use for another request; what was refused has not used it. */
export const keyDecider: Decider<UsedKey, KeyCommand, KeyEvent> = {
  initialState: { status: 'free' },
  decide(command, key) {
    switch (command.type) {
      case 'TakeKey':
        if (key.status === 'free') return [{ type: 'KeyTaken', request: command.request }];
        return key.request === command.request ? [] : reject('key-reused');
      case 'ReleaseKey':
        return key.status === 'taken' && key.request === command.request ? [{ type: 'KeyReleased' }] : [];
      case 'KeepAnswer': {
        const { request, answer } = command;
        if (key.status === 'answered' || (key.status === 'taken' && key.request !== request)) return [];
        return [{ type: 'AnswerKept', request, answer }];
      }
    }
  },
  evolve(key, event) {
    switch (event.type) {
      case 'KeyTaken':
        return { status: 'taken', request: event.request };
      case 'KeyReleased':
        return { status: 'free' };
      case 'AnswerKept':
        return { status: 'answered', request: event.request, answer: event.answer };
      default:
        return unknownEvent(key, event);
    }
  },
};

/**
 * What the keys of commands were used for: a stream a key, `key-<hash>`, in the store of the service, so that it holds for all
 * instances and after a restart. A key is taken before its command is carried out, and its answer is kept afterwards.
 * All throw StoreUnavailable.
 */
export class UsedKeys {
  constructor(private readonly store: EventStore) {}

  async find(key: string): Promise<UsedKey> {
    return (await load(this.store, keyDecider, streamOf(key))).state;
  }

  /** What the key stands for, and whether it was taken by this call. Throws Rejection: key-reused. */
  async take(key: string, request: string, context: CommandContext): Promise<{ used: UsedKey; isTaken: boolean }> {
    const { state, events } = await this.change(key, { type: 'TakeKey', request }, context);
    return { used: state, isTaken: events.length > 0 };
  }

  /** What the key stands for then: the answer that was kept first is the one that counts. */
  async keep(key: string, kept: { request: string; answer: KeptAnswer }, context: CommandContext): Promise<UsedKey> {
    return (await this.change(key, { type: 'KeepAnswer', ...kept }, context)).state;
  }

  async release(key: string, request: string, context: CommandContext): Promise<void> {
    await this.change(key, { type: 'ReleaseKey', request }, context);
  }

  private change(key: string, command: KeyCommand, context: CommandContext) {
    return handle(this.store, keyDecider, streamOf(key), command, context);
  }
}

function streamOf(key: string): string {
  return `key-${key}`;
}
