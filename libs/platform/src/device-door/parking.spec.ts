import { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { type DeviceKind } from './exchange.ts';
import { Parking } from './parking.ts';

const READ_MS = 4;

function situation() {
  let [nowMs, nextTurn] = [0, [] as (() => void)[]];
  const turns = { isBehind: false, lateMs: 0, delayMs: () => turns.lateMs };
  const parking = new Parking(
    turns,
    () => nowMs,
    (call) => nextTurn.push(call),
  );
  return {
    parking,
    turns,
    pass: (ms: number) => void (nowMs += ms),
    /** A request comes that takes so long. */
    come: (socket: Socket, ms: number, kind: DeviceKind = 'check-ins') => {
      nowMs += ms;
      parking.came(socket, kind);
    },
    turn: () => {
      const calls = nextTurn;
      nextTurn = [];
      for (const call of calls) call();
    },
  };
}

const socketsOf = (count: number) => Array.from({ length: count }, () => new Socket());
const parkedOf = (sockets: readonly Socket[]) => sockets.map((socket) => socket.isPaused());

/** Each of the sockets has a request that takes a millisecond, and all but the first few are parked for it. */
function crowded(count: number) {
  const its = situation();
  const sockets = socketsOf(count);
  for (const socket of sockets) its.come(socket, 1);
  return { ...its, sockets };
}

describe('bounding what a turn reads', () => {
  it('reads all while a turn has time for them', () => {
    const { parking, come, turn } = situation();
    const sockets = socketsOf(3);
    for (let turns = 0; turns < 5; turns += 1) {
      for (const socket of sockets) come(socket, 1);
      turn();
    }
    expect([parkedOf(sockets), parking.size]).toEqual([[false, false, false], 0]);
  });

  it('parks all that are not idle once the turn has had its part', () => {
    const { parking, sockets } = crowded(READ_MS);
    expect(parkedOf(sockets)).toEqual(sockets.map(() => false));
    parking.came(sockets[0] as Socket, 'check-ins');
    expect(parkedOf(sockets)).toEqual(sockets.map(() => false));
    const more = crowded(READ_MS + 1);
    expect(parkedOf(more.sockets)).toEqual(more.sockets.map(() => true));
  });

  it('lets go as many as turns have time for, the longest parked first', () => {
    const { sockets, turn, parking } = crowded(20);
    const free = () => sockets.filter((socket) => !socket.isPaused()).length;
    turn();
    // Half of the eight to begin with, because the turn took too long.
    expect([free(), parkedOf(sockets.slice(0, 4))]).toEqual([4, [false, false, false, false]]);
    turn();
    expect([free(), parking.size]).toEqual([12, 8]);
    turn();
    expect([free(), parking.size]).toEqual([20, 0]);
  });

  it('parks again what it has let go, once it was read, as long as others wait', () => {
    const { sockets, turn, come } = crowded(20);
    const [first, second] = sockets as [Socket, Socket];
    turn();
    come(first, 0);
    expect([first.isPaused(), second.isPaused()]).toEqual([true, false]);
  });

  it('lets those go first that were let go and not read, for want of time', () => {
    const { sockets, turn, come } = crowded(20);
    const [first, second, third, fourth, fifth] = sockets as [Socket, Socket, Socket, Socket, Socket];
    turn();
    come(first, 0);
    come(second, READ_MS);
    expect(parkedOf(sockets)).toEqual(sockets.map(() => true));
    turn();
    expect(parkedOf([first, second, third, fourth, fifth])).toEqual([true, true, false, false, true]);
  });

  it('lets nothing go while what was read is not answered', () => {
    const { sockets, turn, turns } = crowded(20);
    turns.isBehind = true;
    turn();
    expect(parkedOf(sockets)).toEqual(sockets.map(() => true));
    turns.isBehind = false;
    turn();
    expect(parkedOf(sockets)).toContain(false);
  });

  it('lets them go where answers take long, so that they can be turned away', () => {
    const { sockets, turn, turns } = crowded(20);
    Object.assign(turns, { isBehind: true, lateMs: 300 });
    turn();
    expect(parkedOf(sockets)).toContain(false);
  });

  it('lets connections of reports go before those of check-ins, and one of those all the same', () => {
    const { turn, come } = situation();
    const [checkIns, reports] = [socketsOf(10), socketsOf(10)];
    for (const socket of checkIns) come(socket, 1, 'check-ins');
    for (const socket of reports) come(socket, 1, 'reports');
    turn();
    const free = (sockets: readonly Socket[]) => sockets.filter((socket) => !socket.isPaused()).length;
    expect([free(reports), free(checkIns)]).toEqual([3, 1]);
  });

  it('leaves idle connections alone', () => {
    const { come, turn, pass } = situation();
    const [idle, ...others] = socketsOf(READ_MS + 2) as [Socket, ...Socket[]];
    come(idle, 0);
    for (let passes = 0; passes < 3; passes += 1) {
      turn();
      pass(5_000);
      come(others[0] as Socket, 0);
    }
    turn();
    for (const socket of others) come(socket, 1);
    expect([idle.isPaused(), ...parkedOf(others)]).toEqual([false, ...others.map(() => true)]);
  });

  it('keeps what is parked parked, whoever would read it', async () => {
    const { sockets } = crowded(READ_MS + 1);
    const [socket] = sockets as [Socket];
    const resumed = new Promise((resolve) => socket.once('resume', resolve));
    socket.resume();
    await resumed;
    expect(socket.isPaused()).toBe(true);
  });

  it('forgets a connection that is closed', async () => {
    const { parking, sockets } = crowded(READ_MS + 1);
    const [socket] = sockets as [Socket];
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.destroy();
    await closed;
    expect(parking.size).toBe(READ_MS);
  });

  it('lets all go at the end, and does not touch what comes over no network', () => {
    const { parking, sockets, come } = crowded(50);
    const injected = { pause: () => expect.unreachable() } as unknown as Socket;
    come(injected, READ_MS);
    parking.open();
    expect([parkedOf(sockets), parking.size]).toEqual([sockets.map(() => false), 0]);
  });
});

describe('shedding what waited for long', () => {
  it('turns every second check-in away that waited for more than two seconds, and no report', () => {
    const { sockets, parking, turn, pass } = crowded(20);
    pass(2_001);
    turn();
    const [first, second, third] = sockets as [Socket, Socket, Socket];
    expect([first, second, third].map((socket) => parking.isToShed(socket, 'check-ins'))).toEqual([true, false, true]);
    expect([first, second, third].map((socket) => parking.isToShed(socket, 'reports'))).toEqual([false, false, false]);
    // What says nothing for so long had nothing to say before, either.
    pass(1_001);
    expect(parking.isToShed(first, 'check-ins')).toBe(false);
  });

  it('turns nothing away that waited for less', () => {
    const { sockets, parking, turn, pass } = crowded(20);
    pass(1_900);
    turn();
    expect(parking.isToShed(sockets[0] as Socket, 'check-ins')).toBe(false);
  });
});
