import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Compile } from 'typebox/compile';
import { EventHeaders } from './event-headers.ts';
import { eventTypes } from './event-types.ts';
import { currentVersion, upcast, upcasters } from './upcasters.ts';

interface Golden {
  readonly headers: Record<string, string>;
  readonly data: Record<string, unknown>;
}

const golden = join(import.meta.dirname, '../golden');
const names = globSync('*.json', { cwd: golden }).map((file) => file.replace(/\.json$/, ''));
const headers = Compile(EventHeaders);

function read(name: string): Golden {
  return JSON.parse(readFileSync(join(golden, `${name}.json`), 'utf8')) as Golden;
}

describe('keeping a record of every version', () => {
  it('has one of each', () => {
    const wanted = [...eventTypes.all.values()].map(({ type, version }) => `${type}.v${String(version)}`);
    expect(wanted.length).toBeGreaterThan(25);
    expect(names.sort()).toEqual(wanted.sort());
  });

  it.each(names)('has the headers of the contract in %s', (name) => {
    expect(headers.Errors(read(name).headers)).toEqual([]);
  });
});

describe('bringing older events to the current version', () => {
  // Once a pull had no mode, for recalls were not known, and `because` where `reason` is now.
  const table = {
    PatchPulled: [
      ({ because, ...data }: Readonly<Record<string, unknown>>) => ({ ...data, reason: because }),
      (data: Readonly<Record<string, unknown>>) => {
        if (data['reason'] === undefined) throw new Error('no reason');
        return { ...data, mode: 'withdraw', recallEpoch: 1 };
      },
    ],
  };
  const { data } = read('PatchPulled.v1');
  const { mode: _mode, recallEpoch: _epoch, ...withoutMode } = data;
  const { reason, ...rest } = withoutMode;
  const versions = [{ ...rest, because: reason }, withoutMode, { ...withoutMode, mode: 'withdraw', recallEpoch: 1 }];

  it('goes through every version on the way', () => {
    expect(currentVersion('PatchPulled', table)).toBe(3);
    expect(
      versions.map((each, index) => upcast({ type: 'PatchPulled', version: index + 1, data: each }, table)),
    ).toEqual(Array(3).fill(versions[2]));
  });

  it('has upcasters of known types only', () => {
    expect(Object.keys(upcasters).filter((type) => !eventTypes.current.has(type))).toEqual([]);
  });
});
