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
  | { readonly type: 'ClaimKey'; readonly request: string }
  | { readonly type: 'ReleaseKey'; readonly request: string }
  | { readonly type: 'KeepAnswer'; readonly request: string; readonly answer: KeptAnswer };

type KeyEvent =
  | { readonly type: 'KeyClaimed'; readonly request: string }
  | { readonly type: 'KeyReleased' }
  | { readonly type: 'AnswerKept'; readonly request: string; readonly answer: KeptAnswer };

/** What a key stands for. `claimed`: its request is under way, or its answer was lost. */
export type UsedKey =
  | { readonly status: 'free' }
  | { readonly status: 'claimed'; readonly request: string }
  | { readonly status: 'answered'; readonly request: string; readonly answer: KeptAnswer };

/** A key is of no use for another request; what was refused has not used it. */
export const keyDecider: Decider<UsedKey, KeyCommand, KeyEvent> = {
  initialState: { status: 'free' },
  decide(command, key) {
    switch (command.type) {
      case 'ClaimKey':
        if (key.status === 'free') return [{ type: 'KeyClaimed', request: command.request }];
        return key.request === command.request ? [] : reject('key-reused');
      case 'ReleaseKey':
        return key.status === 'claimed' && key.request === command.request ? [{ type: 'KeyReleased' }] : [];
      case 'KeepAnswer': {
        const { request, answer } = command;
        if (key.status === 'answered' || (key.status === 'claimed' && key.request !== request)) return [];
        return [{ type: 'AnswerKept', request, answer }];
      }
    }
  },
  evolve(key, event) {
    switch (event.type) {
      case 'KeyClaimed':
        return { status: 'claimed', request: event.request };
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
 * instances and after a restart. A key is claimed before its command is carried out, and its answer is kept afterwards.
 * All throw StoreUnavailable.
 */
export class UsedKeys {
  constructor(private readonly store: EventStore) {}

  async find(key: string): Promise<UsedKey> {
    return (await load(this.store, keyDecider, streamOf(key))).state;
  }

  /** What the key stands for, and whether this call has claimed it. Throws Rejection: key-reused. */
  async claim(key: string, request: string, context: CommandContext): Promise<{ used: UsedKey; isClaimed: boolean }> {
    const { state, events } = await this.change(key, { type: 'ClaimKey', request }, context);
    return { used: state, isClaimed: events.length > 0 };
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
