import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { listEventTypes } from '@sluice/contracts/event-types';
import { currentVersion } from '@sluice/contracts/upcasters';
import { fromCloudEvent, toCloudEvent } from './cloud-events.ts';

interface Golden {
  readonly key: string;
  readonly headers: Record<string, string>;
  readonly data: Record<string, unknown>;
}

const golden = join(import.meta.dirname, '../../contracts/golden');
const names = globSync('*.json', { cwd: golden }).map((file) => file.replace(/\.json$/, ''));

function read(name: string): Golden {
  return JSON.parse(readFileSync(join(golden, `${name}.json`), 'utf8')) as Golden;
}

describe('reading the records of every version', () => {
  it.each(names)('reads %s as an event of today', (name) => {
    const { key, headers: given, data } = read(name);
    const decoded = fromCloudEvent({ key, headers: given, value: JSON.stringify(data) });
    if (!('event' in decoded)) throw new Error(JSON.stringify(decoded));
    const { type } = decoded.event;
    const again = toCloudEvent(decoded.event, decoded.relayEpoch);
    expect(again.key).toBe(key);
    if (name !== `${type}.v${String(currentVersion(type))}`) return;
    expect(again.headers).toEqual(given);
    expect(decoded.event.data).toEqual(data);
  });
});

describe('reading records of older versions', () => {
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
  const types = listEventTypes(table);
  const { key, headers: third, data } = read('PatchPulled.v1');
  const { mode: _mode, recallEpoch: _epoch, ...withoutMode } = data;
  const { reason, ...rest } = withoutMode;
  const versions = [{ ...rest, because: reason }, withoutMode, { ...withoutMode, mode: 'withdraw', recallEpoch: 1 }];
  const recordOf = (version: number, value: object | undefined) => ({
    key,
    headers: {
      ...third,
      ce_type: `sluice.catalog.PatchPulled.v${String(version)}`,
      ce_dataschema: `urn:sluice:schema:PatchPulled.v${String(version)}`,
    },
    value: JSON.stringify(value),
  });

  it.each([1, 2, 3])('reads records of version %i as those of version 3', (version) => {
    expect(fromCloudEvent(recordOf(version, versions[version - 1]), types)).toMatchObject({
      event: { type: 'PatchPulled', data: versions[2] },
    });
  });

  it('writes the current version, and does not know the next', () => {
    const decoded = fromCloudEvent(recordOf(1, versions[0]), types);
    if (!('event' in decoded)) throw new Error(JSON.stringify(decoded));
    const written = toCloudEvent(decoded.event, 1, types);
    expect(written.headers['ce_type']).toBe('sluice.catalog.PatchPulled.v3');
    expect(written.headers['ce_dataschema']).toBe('urn:sluice:schema:PatchPulled.v3');
    expect(fromCloudEvent(recordOf(4, versions[2]), types)).toMatchObject({
      unknown: { type: 'PatchPulled', version: 4 },
    });
    expect(fromCloudEvent(written)).toMatchObject({ unknown: { type: 'PatchPulled', version: 3 } });
  });

  it('refuses what cannot be brought on, or is not right when it arrives', () => {
    expect(fromCloudEvent(recordOf(2, rest), types)).toMatchObject({
      fault: 'PatchPulled.v2 cannot be brought to the current version: Error: no reason',
    });
    expect(fromCloudEvent(recordOf(2, { ...withoutMode, reason: 5 }), types)).toMatchObject({
      fault: expect.stringContaining('PatchPulled/reason'),
    });
  });
});
