import { randomUUID } from 'node:crypto';
import { Operation, type ReplayDifference, ReplayJob, ReplayPath, StartReplayBody } from '@sluice/api';
import { Body, Controller, Get, HttpCode, Injectable, Param, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Clock } from '@sluice/event-sourcing';
import { Roles } from '../auth/auth.ts';
import { ProblemError } from '../http/problem.ts';

const JOBS_KEPT_MAX = 100;

/** The first place where a live read model is not what the store says. */
export type Difference = Omit<ReplayDifference, 'readModel'>;

/** One read model that can be built again from the store and compared. */
export interface Verification {
  readonly name: string;
  verify(): Promise<Difference | undefined>;
}

/** What can be verified here, and the jobs that do. Jobs are forgotten at a restart; they can be run again. */
@Injectable()
export class Verifications {
  private readonly all: Verification[] = [];
  private readonly jobs = new Map<string, ReplayJob>();

  constructor(private readonly clock: Clock) {}

  add(verification: Verification): void {
    this.all.push(verification);
  }

  start(): ReplayJob {
    if ([...this.jobs.values()].some(({ status }) => status === 'running')) throw new ProblemError('replay-running');
    const job: ReplayJob = {
      id: randomUUID(),
      status: 'running',
      startedAt: this.clock.nowText(),
      done: [],
      outOf: this.all.length,
      differences: [],
    };
    this.keep(job);
    void this.run(job);
    return job;
  }

  find(id: string): ReplayJob {
    const job = this.jobs.get(id);
    if (job === undefined) throw new ProblemError('replay-not-found', id);
    return job;
  }

  private async run(job: ReplayJob): Promise<void> {
    try {
      for (const verification of this.all) {
        const { name } = verification;
        const difference = await verification.verify();
        const differences =
          difference === undefined ? job.differences : [...job.differences, { readModel: name, ...difference }];
        this.keep((job = { ...job, done: [...job.done, name], differences }));
      }
      this.keep({ ...job, status: 'done', matches: job.differences.length === 0 });
    } catch (error) {
      this.keep({ ...job, status: 'failed', error: error instanceof Error ? error.message : String(error) });
    }
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
    summary: 'Fold everything again from the store and compare with the live read models',
    answers: { 202: ReplayJob },
    problems: ['replay-running'],
  })
  start(@Body() _body: StartReplayBody): ReplayJob {
    return this.verifications.start();
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
