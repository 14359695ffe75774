import { OwnSigns } from '@sluice/event-feed';
import { type ClockSoundness } from '@sluice/event-sourcing';
import { beforeEach, describe, expect, it } from 'vitest';
import { type StopsInForce } from '../http/stops-in-force.ts';
import { type Followers } from '../replay/followers.ts';
import { ServiceName } from '../settings/service-name.ts';
import { ManualClock } from '../time/clock.ts';
import { ManualTimers } from '../time/timers.ts';
import { type Attention } from './attention.ts';
import { ProcessAttention } from './process-attention.ts';

const START = Date.parse('2026-11-26T08:00:00Z');
const MINUTE = 60_000;

/** A clock that says of itself what a test wants. */
class Doubtful extends ManualClock {
  says: ClockSoundness = { sound: true, aheadMs: 0 };
  override soundness(): ClockSoundness {
    return this.says;
  }
}

let clock: Doubtful;
let timers: ManualTimers;
let signs: OwnSigns;
let inbox: {
  readonly consumer: { readonly name: string; readonly source: string };
  silentMs: number;
  letters: object[];
  doubts: { contradiction: string | undefined; dropped: number };
};
let process: ProcessAttention;

beforeEach(() => {
  [clock, timers, signs] = [new Doubtful(START), new ManualTimers(), new OwnSigns()];
  const consumer = { name: 'telemetry-catalog', source: 'catalog' };
  inbox = { consumer, silentMs: 0, letters: [], doubts: { contradiction: undefined, dropped: 0 } };
  const followers = { inboxes: () => [inbox] } as unknown as Followers;
  const stops = { list: () => [] } as unknown as StopsInForce;
  const attention = { add: () => undefined } as unknown as Attention;
  process = new ProcessAttention(attention, followers, stops, clock, signs, timers, new ServiceName('telemetry'));
});

const found = () => process.look(clock.now()).found.map(({ id }) => id);

async function pass(ms: number): Promise<void> {
  timers.advance(ms);
  await clock.advanceTo(clock.now() + ms);
  process.tick(clock.now());
}

describe('noticing what a process lacks', () => {
  it('shows a clock that is not believed from the first look on, and the next jump as another one', async () => {
    const unsound = { sound: false, because: 'jumped', wallMs: 0, differenceMs: 7_200_000 } as const;
    clock.says = unsound;
    expect(process.look(clock.now()).found).toMatchObject([
      { id: 'clock-unsound:telemetry:20261126T080000Z', words: expect.stringContaining('7200 s') as string },
    ]);
    clock.says = { sound: true, aheadMs: 0 };
    await pass(MINUTE);
    expect(found()).toEqual([]);
    clock.says = unsound;
    expect(found()).toEqual(['clock-unsound:telemetry:20261126T080100Z']);
  });

  it('shows a store that cannot write once that lasts', async () => {
    signs.setWritable(false);
    expect(found()).toEqual([]);
    await pass(10_000);
    expect(found()).toEqual(['store-not-writable:telemetry:20261126T080000Z']);
    signs.setWritable(true);
    expect(found()).toEqual([]);
  });

  it('shows a source that is silent for long, not one that was never there yet', async () => {
    inbox.silentMs = Infinity;
    expect(found()).toEqual([]);
    inbox.silentMs = MINUTE + 1;
    await pass(29_000);
    expect(found()).toEqual([]);
    await pass(1_000);
    expect(found()).toEqual(['source-silent:telemetry:catalog:20261126T080000Z']);
  });

  it('shows what contradicts, and what is parked, by the first of it', () => {
    inbox.doubts.contradiction = 'catalog ends at 3, and 5 was applied';
    const event = {
      stream: 'patch-a',
      place: { revision: 3, index: 0 },
      time: '2026-11-26T07:00:00.000Z',
      type: 'PatchPulled',
    };
    inbox.letters = [{ consumer: 'telemetry-catalog', event, reason: 'no such patch' }, { event }];
    expect(process.look(clock.now()).found).toMatchObject([
      { id: 'source-contradicts:telemetry-catalog:20261126T080000Z', severity: 'critical' },
      {
        id: 'events-parked:telemetry-catalog:patch-a:3:0',
        since: '2026-11-26T07:00:00.000Z',
        words: '2 events are parked at telemetry-catalog, the first of them PatchPulled of patch-a: no such patch',
        command: 'sluice dlq retry telemetry-catalog/patch-a/3/0',
      },
    ]);
  });

  it('shows forged records until an hour has passed without another one', async () => {
    inbox.doubts.dropped = 1;
    expect(found()).toEqual(['forged-records:telemetry-catalog:20261126T080000Z']);
    await pass(59 * MINUTE);
    inbox.doubts.dropped = 2;
    await pass(MINUTE);
    expect(found()).toEqual(['forged-records:telemetry-catalog:20261126T080000Z']);
    await pass(60 * MINUTE);
    expect(found()).toEqual([]);
  });
});
