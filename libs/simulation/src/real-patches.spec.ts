import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { fleetOf2023, fleetOf2026 } from './fleet-lines.ts';
import { realPatch, realPatches } from './real-patches.ts';

const data = fileURLToPath(new URL('../../../../shared/data/', import.meta.url));
const hasData = existsSync(data);
if (!hasData)
  console.warn('real-patches: ../shared/data is not there; the comparison with AppleDB and SOFA is left out');

interface AppleDbEntry {
  readonly build: string;
  readonly deviceMap: readonly string[];
  readonly sources: readonly { readonly prerequisiteBuild: string }[];
}

const entriesOfBuild: Record<string, readonly string[]> = {
  '20E772520a': ['iOS/20x-16.x/20E772520a', 'iPadOS/20x-16.x/20E772520a'],
  '22E772610a': ['macOS/22x-13.x/22E772610a'],
  '20F770750b': ['iOS/20x-16.x/20F770750b', 'iPadOS/20x-16.x/20F770750b'],
  '22F770820b': ['macOS/22x-13.x/22F770820b'],
  '22F770830b': ['macOS/22x-13.x/22F770830b'],
  '20F770750d': ['iOS/20x-16.x/20F770750d', 'iPadOS/20x-16.x/20F770750d'],
  '22F770820d': ['macOS/22x-13.x/22F770820d'],
  '22F770830e': ['macOS/22x-13.x/22F770830e'],
};

describe('writing down the real patches', () => {
  it('names each patch once, with no build and no model of a variant twice', () => {
    expect(new Set(realPatches.map(({ patchId }) => patchId)).size).toBe(9);
    const variants = realPatches.flatMap((patch) => patch.variants);
    expect(new Set(variants.map(({ build }) => build)).size).toBe(variants.length);
    for (const { models } of variants) expect(new Set(models).size).toBe(models.length);
  });

  it('throws for a patch that was never made', () => {
    expect(() => realPatch('ios-16.5.1-b')).toThrow('ios-16.5.1-b');
  });

  it('has models for every model of the simulated fleets that runs a base of a patch', () => {
    for (const [line] of [...fleetOf2023, ...fleetOf2026]) {
      for (const [{ build }] of line.fullReleases) {
        const variants = realPatches
          .filter(({ platform }) => platform === line.platform)
          .flatMap((patch) => patch.variants)
          .filter(({ prerequisiteBuild }) => prerequisiteBuild === build);
        for (const { models } of variants)
          expect(models).toEqual(expect.arrayContaining(line.models.map(([id]) => id)));
      }
    }
  });

  it.runIf(hasData)('agrees with AppleDB on builds, bases and models of 2023', () => {
    const variants = realPatches
      .filter(({ baseVersion }) => !baseVersion.startsWith('26'))
      .flatMap((patch) => patch.variants);
    expect(variants.map(({ build }) => build).sort()).toEqual(Object.keys(entriesOfBuild).sort());
    for (const { build, prerequisiteBuild, models } of variants) {
      const entries = (entriesOfBuild[build] ?? []).map(
        (path) => readJson(`appledb/raw-rsr/${path}.json`) as AppleDbEntry,
      );
      const theirs = entries.flatMap(({ deviceMap }) => deviceMap.map((id) => id.replace(/-20\d\d$/, '')));
      expect([...models].sort()).toEqual([...new Set(theirs)].sort());
      for (const { sources } of entries) {
        expect(new Set(sources.map((source) => source.prerequisiteBuild))).toEqual(new Set([prerequisiteBuild]));
      }
    }
  });

  it.runIf(hasData)('agrees with SOFA on builds, bases and models of 2026', () => {
    for (const platform of ['ios', 'macos']) {
      const feed = readJson(`sofa/v2/${platform}_data_feed.json`) as SofaFeed;
      for (const theirs of feed.BackgroundSecurityImprovements['26']) {
        const [variant] = realPatch(`${platform}-${theirs.Version}-a`).variants;
        expect(variant).toMatchObject({ build: theirs.Build, prerequisiteBuild: theirs.PrerequisiteBuild });
        const ids = theirs.SupportedDevices.map((id) => (platform === 'ios' ? id : feed.Devices[id]?.DeviceID));
        const known = ids.filter((id) => id !== undefined);
        expect([...(variant?.models ?? [])].sort()).toEqual([...new Set(known)].sort());
      }
    }
  });
});

interface SofaFeed {
  readonly BackgroundSecurityImprovements: {
    readonly '26': readonly {
      readonly Version: string;
      readonly Build: string;
      readonly PrerequisiteBuild: string;
      readonly SupportedDevices: readonly string[];
    }[];
  };
  readonly Devices: Readonly<Record<string, { readonly DeviceID?: string }>>;
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(`${data}${path}`, 'utf8'));
}
