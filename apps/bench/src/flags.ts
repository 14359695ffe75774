import { SettingsError } from '@sluice/platform';

/** The number that a flag was given, undefined when it was not given. Throws SettingsError on anything but a whole number from 1 on. */
export function wholeNumber(flag: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const number = Number(value);
  if (!Number.isSafeInteger(number) || number < 1) throw new SettingsError(`--${flag} takes a whole number from 1 on`);
  return number;
}
