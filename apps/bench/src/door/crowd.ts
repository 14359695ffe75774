import { connect, type Socket } from 'node:net';
import { startCrowdProcess } from '../crowd-process.ts';
import { postHead } from './request-head.ts';

/** Makes this program a crowd at the door of a server until it is told to stop, or the program that started it is gone. */
export const CROWD_FLAG = '--crowd';

const MIB = 1024 * 1024;
const TRICKLE_EVERY_MS = 1_000;
const PIECE = Buffer.alloc(64 * 1024, ' ');

/** How each member of a crowd sends its body: a byte a second, or as fast as it is read. */
interface Way {
  readonly connections: number;
  readonly path: string;
  readonly bodyBytes: number;
  readonly isTrickled: boolean;
}

export const crowds = {
  trickled: { connections: 1_000, path: '/v1/patches', bodyBytes: 2 * MIB, isTrickled: true },
  posts: { connections: 36, path: '/v1/patches', bodyBytes: 2 * MIB, isTrickled: false },
  imports: { connections: 4, path: '/v1/imports?format=sofa-v2', bodyBytes: 32 * MIB, isTrickled: false },
} as const satisfies Record<string, Way>;

export type CrowdName = keyof typeof crowds;

interface Role {
  readonly name: CrowdName;
  readonly port: number;
  /** Undefined: nobody knows the crowd. */
  readonly token?: string;
}

export interface CrowdTally {
  readonly connected: number;
  /** Answers by status. */
  readonly answers: Readonly<Record<string, number>>;
  /** Connections that ended before an answer. */
  readonly cut: number;
}

/** A crowd in a process of its own. Resolves once every member was connected. */
export function startCrowd(role: Role): Promise<{ stop(): Promise<CrowdTally> }> {
  return startCrowdProcess(CROWD_FLAG, role);
}

/** The other end. Each member comes back as soon as its connection is closed. */
export async function playCrowd(roleText: string): Promise<void> {
  const role = JSON.parse(roleText) as Role;
  const { connections } = crowds[role.name];
  const tally = { connected: 0, answers: {} as Record<string, number>, cut: 0 };
  let isOver = false;
  const come = (): void => {
    if (isOver) return;
    const socket = member(role, tally);
    socket.once('close', come);
  };
  process.on('disconnect', () => process.exit(0));
  process.on('message', () => {
    isOver = true;
    process.send?.(tally);
  });
  for (let n = 0; n < connections; n += 1) come();
  while (tally.connected < connections) await new Promise((resolve) => setTimeout(resolve, 10));
  process.send?.('there');
}

function member(
  { name, port, token }: Role,
  tally: { connected: number; answers: Record<string, number>; cut: number },
): Socket {
  const { path, bodyBytes, isTrickled } = crowds[name] as Way;
  const socket = connect(port, '127.0.0.1');
  let [sentBytes, isAnswered] = [0, false];
  const send = () => {
    while (sentBytes < bodyBytes) {
      sentBytes += PIECE.length;
      if (!socket.write(PIECE)) return;
    }
  };
  let trickle: NodeJS.Timeout | undefined;
  socket.once('connect', () => {
    tally.connected += 1;
    socket.write(postHead({ path, bodyBytes, token }));
    if (isTrickled) trickle = setInterval(() => socket.write(' '), TRICKLE_EVERY_MS);
    else send();
  });
  if (!isTrickled) socket.on('drain', send);
  socket.on('data', (data) => {
    if (isAnswered) return;
    isAnswered = true;
    const status = data.toString('latin1').split(' ')[1] ?? 'nothing';
    tally.answers[status] = (tally.answers[status] ?? 0) + 1;
  });
  socket.on('error', () => undefined);
  socket.once('close', () => {
    clearInterval(trickle);
    if (!isAnswered) tally.cut += 1;
  });
  return socket;
}
