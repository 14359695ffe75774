import { setTimeout as sleep } from 'node:timers/promises';
import { type FastifyInstance, type FastifyReply } from 'fastify';

/** Items that are encoded in one go, which takes less than a millisecond, and how long the thread is left to others after that. */
export const ITEMS_AT_ONCE = 50;
const PAUSE_MS = 1;

/** Of all long lists that are under way, one does a slice in a turn of the thread: what else waits is done in between. */
export class ListTurns {
  private turn: Promise<unknown> = Promise.resolve();

  next(): Promise<unknown> {
    this.turn = this.turn.then(() => sleep(PAUSE_MS));
    return this.turn;
  }
}

interface LongList {
  readonly items: readonly unknown[];
}

/**
 * Has pages of many items encoded slice by slice, so that a pull does not wait behind them. To be called before routes are
 * there. What is short, and what is text already, goes its usual way.
 */
export function encodeInSlices(instance: FastifyInstance, turns: ListTurns): void {
  instance.addHook('preSerialization', (_request, reply: FastifyReply, payload: unknown, done) => {
    if (!isLongList(payload)) {
      done(null, payload);
      return;
    }
    toText(payload, turns).then(
      (text) => {
        if (!reply.hasHeader('content-type')) void reply.type('application/json; charset=utf-8');
        void reply.serializer((encoded: unknown) => String(encoded));
        done(null, text);
      },
      (error: unknown) => done(error instanceof Error ? error : new Error(String(error))),
    );
  });
}

function isLongList(payload: unknown): payload is LongList {
  const items = typeof payload === 'object' && payload !== null && 'items' in payload ? payload.items : undefined;
  return Array.isArray(items) && items.length > ITEMS_AT_ONCE;
}

async function toText({ items, ...rest }: LongList, turns: ListTurns): Promise<string> {
  const parts: string[] = [];
  for (let from = 0; from < items.length; from += ITEMS_AT_ONCE) {
    await turns.next();
    parts.push(JSON.stringify(items.slice(from, from + ITEMS_AT_ONCE)).slice(1, -1));
  }
  const others = JSON.stringify(rest).slice(1);
  return `{"items":[${parts.join()}]${others === '}' ? others : `,${others}`}`;
}
