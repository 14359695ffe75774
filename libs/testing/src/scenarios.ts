import { type Decider, type DomainEvent, fold, Rejection } from '@sluice/event-sourcing';
import { expect } from 'vitest';

/** What a scenario may expect of the command. Events are compared strictly: a field set to undefined would not survive the store. */
export interface Outcome<Event> {
  thenEvents(...expected: readonly Event[]): void;
  thenNothing(): void;
  thenRejected(code: string): void;
}

/** `const { given } = scenarios(decider)`, then `given(...history).when(command).thenEvents(...)`. */
export function scenarios<State, Command, Event extends DomainEvent>(
  decider: Decider<State, Command, Event>,
): { given(...history: readonly Event[]): { when(command: Command): Outcome<Event> } } {
  return {
    given: (...history) => ({
      when: (command) => outcome(() => decider.decide(command, fold(decider, history))),
    }),
  };
}

function outcome<Event>(decide: () => readonly Event[]): Outcome<Event> {
  return {
    thenEvents: (...expected) => expect(decide()).toStrictEqual(expected),
    thenNothing: () => expect(decide()).toStrictEqual([]),
    thenRejected: (code) => expect(rejectionOf(decide)).toBe(code),
  };
}

/** The code of the rejection; any other error is a fault and passes through. */
function rejectionOf(decide: () => unknown): string {
  try {
    return `not rejected: ${JSON.stringify(decide())}`;
  } catch (error) {
    if (error instanceof Rejection) return error.code;
    throw error;
  }
}
