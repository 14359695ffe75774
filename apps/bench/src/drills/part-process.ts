import { type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { startOwnProcess } from '../own-process.ts';
import { PART_FLAG, type PartMessage, type PartRole, type Question } from './part.ts';

const ANSWER_MS_MAX = 180_000;

/** The parent's side of a part of a drill. */
export class PartProcess {
  /** What the feed of a consumer has brought in this life, as far as it could tell before it was killed. */
  received = 0;

  private constructor(private readonly child: ChildProcess) {
    child.on('message', (message: PartMessage) => {
      if (message.kind === 'tally') this.received = message.received;
    });
  }

  /** Resolves once the part plays its role. */
  static async start(role: PartRole): Promise<PartProcess> {
    const child = startOwnProcess(PART_FLAG, role);
    const part = new PartProcess(child);
    await part.next(({ kind }) => kind === 'started');
    return part;
  }

  async ask<Answer = void>(question: Question): Promise<Answer> {
    const answered = this.next(({ kind }) => kind === 'answer' || kind === 'fault');
    this.child.send(question);
    const message = await answered;
    if (message.kind === 'fault') throw new Error(message.fault);
    return (message.kind === 'answer' ? message.answer : undefined) as Answer;
  }

  get hasEnded(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.child.kill(signal);
  }

  /** Resolves when the process is gone. */
  async kill(): Promise<void> {
    if (this.hasEnded) return;
    const ended = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await ended;
  }

  /** Resolves when the process has ended by itself. */
  async ended(): Promise<void> {
    if (!this.hasEnded) await once(this.child, 'exit');
  }

  private async next(isWanted: (message: PartMessage) => boolean): Promise<PartMessage> {
    const wanted = Promise.withResolvers<PartMessage>();
    const listen = (message: PartMessage) => {
      if (isWanted(message)) wanted.resolve(message);
    };
    const onExit = () => wanted.reject(new Error('a part of the drill ended before it answered'));
    const late = setTimeout(() => wanted.reject(new Error('a part of the drill does not answer')), ANSWER_MS_MAX);
    this.child.on('message', listen).once('exit', onExit);
    try {
      return await wanted.promise;
    } finally {
      clearTimeout(late);
      this.child.off('message', listen).off('exit', onExit);
    }
  }
}
