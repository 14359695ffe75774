import { type AuditEntry } from '@sluice/api';
import { type Clock } from '@sluice/event-sourcing';
import { type FastifyRequest } from 'fastify';
import { callerOf } from '../auth/auth.ts';
import { type Caller } from '../auth/caller.ts';
import { type Companion } from '../replay/followers.ts';
import { problemCodeOf } from '../http/problem.ts';
import { isReading, patternOf } from '../http/route-rules.ts';
import { type Timers } from '../time/timers.ts';
import { bounded } from '../observe/traces.ts';
import { AuditLog, type NewEntry, type Wanted } from './audit-log.ts';

const OK = 'ok';
const COUNT_EVERY_MS = 60_000;
/** Refusals of one token with one code that are written one by one within a minute; more are counted. */
const REFUSALS_MAX = 60;
/** Kinds of refusals that are told apart within a minute. */
const KINDS_MAX = 1_000;
const STRANGER = 'unknown';

/** Where the id of what is created stands in the body. */
const ID_FIELDS = ['patchId', 'rolloutId', 'holdId', 'name'] as const;

interface Refusals {
  readonly first: NewEntry;
  /** All of them, and those that were not written one by one. */
  seen: number;
  counted: number;
}

/**
 * Who commanded what, and what came of it. No answer waits for more than a note in memory. What changes something is in the
 * events, too, with its actor and correlation id; what was refused is here alone, and from where a command came.
 */
export class Audit implements Companion {
  readonly name = 'audit';
  private readonly log: AuditLog;
  /** Refusals of the present minute, by actor and code. */
  private readonly refusals = new Map<string, Refusals>();
  /** An answer that fails on its way out is followed by another one. */
  private readonly noted = new WeakSet<FastifyRequest>();
  private callOff: (() => void) | undefined;

  /** `folder`: where it is kept; in memory if not given. */
  constructor(
    folder: string | undefined,
    private readonly clock: Clock,
    private readonly timers: Timers,
  ) {
    this.log = new AuditLog(folder, timers);
  }

  /** To be called with every answer. */
  note(request: FastifyRequest): void {
    const { url } = request.routeOptions;
    if (url === undefined || isReading(request) || this.noted.has(request)) return;
    this.noted.add(request);
    const caller = callerOf(request);
    const entry = this.entryOf(request, caller);
    // Of what a peer hands on and is taken, the instance that was asked first has noted who asked.
    if (caller?.has('peer') === true && !caller.isAdmin && entry.code === OK) return;
    if (entry.code === OK) this.log.add(entry);
    else this.refuse(entry, caller === undefined ? 0 : REFUSALS_MAX);
  }

  read(wanted: Wanted): Promise<AuditEntry[]> {
    return this.log.read(wanted);
  }

  get lost(): number {
    return this.log.lost;
  }

  start(): void {
    this.callOff = this.timers.after(COUNT_EVERY_MS, () => {
      this.count();
      this.start();
    });
  }

  async stop(): Promise<void> {
    this.callOff?.();
    this.count();
    await this.log.stop();
  }

  /** Commands are taken all the same. */
  notReady(): string | undefined {
    return undefined;
  }

  trouble(): string | undefined {
    return this.log.trouble;
  }

  private refuse(entry: NewEntry, writtenMax: number): void {
    const kind = `${entry.actor} ${entry.tokenId ?? ''} ${entry.code}`;
    let refusals = this.refusals.get(kind);
    if (refusals === undefined) {
      if (this.refusals.size >= KINDS_MAX) this.count();
      this.refusals.set(kind, (refusals = { first: entry, seen: 0, counted: 0 }));
    }
    refusals.seen += 1;
    if (refusals.seen <= writtenMax) this.log.add(entry);
    else refusals.counted += 1;
  }

  /** What was not written one by one, as one entry a kind. */
  private count(): void {
    for (const { first, counted } of this.refusals.values()) {
      if (counted === 0) continue;
      const { actor, tokenId, roles, from, code } = first;
      const named = tokenId !== undefined && { tokenId };
      this.log.add({ at: this.clock.nowText(), actor, ...named, roles, from, operation: '*', code, count: counted });
    }
    this.refusals.clear();
  }

  private entryOf(request: FastifyRequest, caller: Caller | undefined): NewEntry {
    const { tokenId } = caller?.token ?? {};
    const [target, reason] = [targetOf(request), reasonOf(request.body)];
    return {
      at: this.clock.nowText(),
      actor: caller?.name ?? STRANGER,
      ...(tokenId !== undefined && { tokenId }),
      roles: [...(caller?.roles ?? [])],
      from: bounded(request.ip),
      operation: `${request.method} ${patternOf(request)}`,
      ...(target !== undefined && { target }),
      ...(reason !== undefined && { reason }),
      code: problemCodeOf(request) ?? OK,
      correlationId: bounded(request.id),
    };
  }
}

/** The ids of the path, or that of what the body is about. */
function targetOf({ params, body }: FastifyRequest): string | undefined {
  const ids = Object.values((params ?? {}) as Readonly<Record<string, unknown>>).map(String);
  if (ids.length > 0) return bounded(ids.join(' '));
  const fields = isRecord(body) ? ID_FIELDS.map((field) => body[field]) : [];
  const id = fields.find((field) => typeof field === 'string');
  return typeof id === 'string' ? bounded(id) : undefined;
}

function reasonOf(body: unknown): string | undefined {
  if (!isRecord(body)) return undefined;
  const { reason, force, evidenceSeen, breakGlass } = body;
  const said = [reason, isRecord(force) ? force['reason'] : undefined, evidenceSeen];
  const text = said.find((each) => typeof each === 'string');
  // That one person decided alone comes before any other reason.
  const alone = isRecord(breakGlass) ? [`broke the glass: ${String(breakGlass['reason'])}`] : [];
  const all = [...alone, ...(typeof text === 'string' ? [text] : [])];
  return all.length > 0 ? bounded(all.join('; ')) : undefined;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Buffer.isBuffer(value);
}
