import { randomUUID } from 'node:crypto';
import { Operation, type ReplayDifference, ReplayJob, ReplayPath, StartReplayBody } from '@sluice/api';
import { Body, Controller, Get, HttpCode, Injectable, Param, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Clock } from '@sluice/event-sourcing';
import { Roles } from '../auth/auth.ts';
import { ProblemError } from '../http/problem.ts';
import { type NamedBy, type ReceiptsFound } from './receipts.ts';

const JOBS_KEPT_MAX = 100;

/** The first place where a live read model is not what the store says. */
export type Difference = Omit<ReplayDifference, 'readModel'>;

/** One read model that can be built again from the store and compared. */
export interface Verification {
  readonly name: string;
  verify(): Promise<Difference | undefined>;
}

/** The receipts of the streams of one service, checked away from the thread that answers requests. */
export interface ReceiptsVerification {
  readonly name: string;
  check(named: readonly NamedBy[], progress: (events: number) => void): Promise<ReceiptsFound>;
}

/** What can be verified here, and the jobs that do. Jobs are forgotten at a restart; they can be run again. */
@Injectable()
export class Verifications {
  private readonly all: Verification[] = [];
  private readonly receipts: ReceiptsVerification[] = [];
  private readonly jobs = new Map<string, ReplayJob>();

  constructor(private readonly clock: Clock) {}

  add(verification: Verification): void {
    this.all.push(verification);
  }

  addReceipts(verification: ReceiptsVerification): void {
    this.receipts.push(verification);
  }

  /** Compares the read models with what the store says. Throws 'replay-running'. */
  start(): ReplayJob {
    return this.begin(this.all.length, (job) => this.compare(job));
  }

  /** Checks the receipts, and that those are there which events of other services name. Throws 'replay-running'. */
  startReceipts(named: readonly NamedBy[]): ReplayJob {
    return this.begin(this.receipts.length, (job) => this.checkReceipts(job, named));
  }

  find(id: string): ReplayJob {
    const job = this.jobs.get(id);
    if (job === undefined) throw new ProblemError('replay-not-found', id);
    return job;
  }

  private begin(outOf: number, work: (job: ReplayJob) => Promise<ReplayJob>): ReplayJob {
    if ([...this.jobs.values()].some(({ status }) => status === 'running')) throw new ProblemError('replay-running');
    const startedAt = this.clock.nowText();
    const job: ReplayJob = { id: randomUUID(), status: 'running', startedAt, done: [], outOf, differences: [] };
    this.keep(job);
    void this.run(job, work);
    return job;
  }

  private async run(job: ReplayJob, work: (job: ReplayJob) => Promise<ReplayJob>): Promise<void> {
    try {
      this.keep({ ...(await work(job)), status: 'done' });
    } catch (error) {
      const last = this.find(job.id);
      this.keep({ ...last, status: 'failed', error: error instanceof Error ? error.message : String(error) });
    }
  }

  private async compare(job: ReplayJob): Promise<ReplayJob> {
    for (const verification of this.all) {
      const { name } = verification;
      const difference = await verification.verify();
      const found = difference === undefined ? [] : [{ readModel: name, ...difference }];
      this.keep((job = { ...job, done: [...job.done, name], differences: [...job.differences, ...found] }));
    }
    return { ...job, matches: job.differences.length === 0 };
  }

  private async checkReceipts(job: ReplayJob, named: readonly NamedBy[]): Promise<ReplayJob> {
    let before = 0;
    for (const verification of this.receipts) {
      const { name } = verification;
      const progress = (events: number) => this.keep({ ...job, events: before + events });
      const found = await verification.check(named, progress);
      before += found.events;
      const receipts = [...(job.receipts ?? []), { name, ...found }];
      this.keep((job = { ...job, done: [...job.done, name], receipts, events: before }));
    }
    return { ...job, matches: (job.receipts ?? []).every(({ differing }) => differing === 0) };
  }

  private keep(job: ReplayJob): void {
    this.jobs.set(job.id, job);
    const oldest = this.jobs.keys().next().value;
    if (this.jobs.size > JOBS_KEPT_MAX && oldest !== undefined) this.jobs.delete(oldest);
  }
}

/** The first difference between two JSON values, named by a JSON Pointer; undefined when they are equal. */
export function firstDifference(live: unknown, replayed: unknown, where = ''): Difference | undefined {
  if (Object.is(live, replayed)) return undefined;
  if (!isContainer(live) || !isContainer(replayed) || Array.isArray(live) !== Array.isArray(replayed)) {
    return { where: where || '/', live, replayed };
  }
  for (const key of new Set([...Object.keys(live), ...Object.keys(replayed)])) {
    const difference = firstDifference(live[key], replayed[key], `${where}/${key}`);
    if (difference !== undefined) return difference;
  }
  return undefined;
}

function isContainer(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

@ApiTags('operations')
@Controller('v1/replays')
export class ReplaysController {
  constructor(private readonly verifications: Verifications) {}

  @Post()
  @HttpCode(202)
  @Roles('operator')
  @Operation({
    id: 'startReplay',
    summary: 'Fold everything again from the store and compare with the live read models, or check all receipts',
    description:
      'With `receipts` each event is checked against its receipt, each receipt that an event names as its cause is looked for, and each verdict of a gate is computed again by its counts.',
    answers: { 202: ReplayJob },
    problems: ['replay-running'],
  })
  start(@Body() { receipts, named = [] }: StartReplayBody): ReplayJob {
    return receipts === true ? this.verifications.startReceipts(named) : this.verifications.start();
  }

  @Get(':id')
  @Roles('viewer', 'operator')
  @Operation({
    id: 'showReplay',
    summary: 'How far a replay has come, and what it found',
    answers: { 200: ReplayJob },
    problems: ['replay-not-found'],
  })
  find(@Param() { id }: ReplayPath): ReplayJob {
    return this.verifications.find(id);
  }
}
