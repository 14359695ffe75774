import { type Choices } from './random.ts';

/**
 * How an agent differs from what it should do. They stand for kinds of fault that real agents have; how often each occurs is
 * made up.
 */
export const habits = [
  /** Says that a patch is installed before it restarts into it. */
  'tells-early',
  /** Loses some of its reports. */
  'loses-reports',
  /** Falls back to the base some time after an install, and says so. */
  'falls-back',
  /** The same without a word. */
  'falls-back-silently',
  /** The same, and goes on listing the patch. */
  'lists-what-is-gone',
  /** Its clock begins at 1970 for some hours. */
  'steps-its-clock',
  /** Is wiped once, and enrols again. */
  'is-wiped',
  /** Two machines that have one id. */
  'is-two',
  /** Was enrolled with the patch on it. */
  'came-with-it',
  /** Never manages to remove a patch. */
  'refuses-removal',
] as const;
export type Habit = (typeof habits)[number];

/** About a sixth of the fleet has one of them, and one in a hundred refuses removals. */
export const staleAgents: Choices<Habit | undefined> = [
  [undefined, 83.5],
  ['tells-early', 4],
  ['loses-reports', 3],
  ['falls-back', 0.5],
  ['falls-back-silently', 2],
  ['lists-what-is-gone', 1],
  ['steps-its-clock', 1.5],
  ['is-wiped', 1.5],
  ['is-two', 0.5],
  ['came-with-it', 1.5],
  ['refuses-removal', 1],
];
