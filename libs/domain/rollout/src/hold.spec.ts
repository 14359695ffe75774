import { fold } from '@sluice/event-sourcing';
import { scenarios } from '@sluice/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { minute, outcomeOf } from './examples.ts';
import { type HoldCommand, holdDecider, type HoldEvent } from './hold.ts';

const { given } = scenarios(holdDecider);
const holdId = 'h1';
const at = minute(90);
const terms = { slice: { model: ['iPhone18,1'] }, reason: 'it smokes', owner: 'ann', expiresAt: minute(60) };

const placed: HoldEvent = { type: 'HoldPlaced', holdId, ...terms, at: minute(0) };
const lifted: HoldEvent = { type: 'HoldLifted', holdId, reason: 'fixed', at: minute(30) };
const expired: HoldEvent = { type: 'HoldExpired', holdId, at: minute(60) };

const commands = {
  place: { type: 'PlaceHold', holdId, terms: { ...terms, expiresAt: minute(120), reason: 'another' }, at },
  lift: { type: 'LiftHold', holdId, reason: 'fixed', at },
  expire: { type: 'ExpireHold', holdId, at },
} satisfies Record<string, HoldCommand>;

const rows: [string, readonly HoldEvent[], Record<keyof typeof commands, string>][] = [
  ['absent', [], { place: 'HoldPlaced', lift: 'hold-not-found', expire: 'hold-not-found' }],
  ['active', [placed], { place: 'hold-exists', lift: 'HoldLifted', expire: 'HoldExpired' }],
  ['lifted', [placed, lifted], { place: 'hold-exists', lift: '-', expire: '-' }],
  ['expired', [placed, expired], { place: 'hold-exists', lift: 'hold-not-active', expire: '-' }],
];

describe.each(rows)('commanding a hold that is %s', (_, history, row) => {
  it.each(Object.entries(row))('answers "%s" with %s', (command, expected) => {
    expect(outcomeOf(holdDecider, commands[command as keyof typeof commands], history)).toBe(expected);
  });
});

describe('placing a hold', () => {
  it('changes nothing when the same request is sent again', () => {
    given(placed)
      .when({ type: 'PlaceHold', holdId, terms, at: minute(10) })
      .thenNothing();
  });

  it('is refused when it would have expired already', () => {
    given()
      .when({ type: 'PlaceHold', holdId, terms, at: minute(60) })
      .thenRejected('expiry-in-past');
  });
});

describe('expiring a hold', () => {
  it('does nothing before its time', () => {
    given(placed)
      .when({ type: 'ExpireHold', holdId, at: minute(59) })
      .thenNothing();
  });
});

describe('evolving a hold', () => {
  it('never throws, whatever the order of events', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(placed, lifted, expired)), (history) => {
        expect(() => fold(holdDecider, history)).not.toThrow();
      }),
    );
  });
});
