import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  contentFaults,
  type KnownPatch,
  type Patch,
  patchDecider,
  type PatchEvent,
  supersessions,
} from '@sluice/domain-catalog';
import { compareLetters, compareVersionTexts, type Platform } from '@sluice/domain-cohorts';
import { decide, emptyPolicy, foldPolicy, type PolicyEvent } from '@sluice/domain-rollout';
import { fold } from '@sluice/event-sourcing';
import { describe, expect, it } from 'vitest';

const data = fileURLToPath(new URL('../../../../shared/data/', import.meta.url));
const hasData = existsSync(data);
if (!hasData)
  console.warn('every-real-patch: ../shared/data is not there; the publication of all real patches is left out');

const AT = '2026-03-17T10:00:00.000Z';
const SHOWN_VERSION = /^(?<base>[\d.]+) \((?<letter>[a-z]+)\)$/;

/** A Rapid Security Response as AppleDB has it: a package for each source, each for some models. */
interface AppleDbEntry {
  readonly osStr: string;
  readonly version: string;
  readonly build: string;
  readonly sources?: readonly {
    readonly prerequisiteBuild: string;
    readonly deviceMap: readonly string[];
    readonly links: readonly { readonly url: string }[];
    readonly hashes: { readonly 'sha2-256': string };
    readonly size: number;
  }[];
}

type Publication = Extract<PatchEvent, { type: 'PatchPublished' }>;
type Variant = Publication['variants'][number];
type Artifact = NonNullable<Variant['artifacts']>[number];

/** All that were made since 2022 and name a base; of several entries of one version and letter, one patch. */
function everyRealPatch(): Publication[] {
  const patches = new Map<string, Publication>();
  const add = (platform: Platform, version: string, variant: Variant) => {
    const { base = '', letter = 'a' } = SHOWN_VERSION.exec(version)?.groups ?? {};
    const patchId = `${platform}-${base}-${letter}`;
    const others = patches.get(patchId)?.variants ?? [];
    const same = others.find(({ build }) => build === variant.build);
    const merged: Variant = {
      ...variant,
      models: [...(same?.models ?? []), ...variant.models],
      artifacts: [...(same?.artifacts ?? []), ...(variant.artifacts ?? [])],
    };
    const variants = [...others.filter((each) => each !== same), merged];
    const patch = { patchId, platform, baseVersion: base, letter, variants, cves: [] };
    patches.set(patchId, { type: 'PatchPublished', at: AT, ...patch });
  };
  for (const entry of rapidResponses()) {
    const { osStr, version, build, sources = [] } = entry;
    const [first] = sources;
    if (first === undefined) continue;
    const artifacts = artifactsOf(entry);
    const models = artifacts.flatMap((artifact) => artifact.models);
    const platform = osStr === 'macOS' ? 'macos' : 'ios';
    add(platform, version, { build, prerequisiteBuild: first.prerequisiteBuild, models, artifacts });
  }
  for (const platform of ['ios', 'macos'] as const) {
    for (const { Version, Build, PrerequisiteBuild, SupportedDevices } of improvements(platform)) {
      const models = [...new Set(SupportedDevices)];
      add(platform, `${Version} (a)`, { build: Build, prerequisiteBuild: PrerequisiteBuild, models });
    }
  }
  return [...patches.values()];
}

/** AppleDB names two packages for some models; the first one counts. */
function artifactsOf({ sources = [] }: AppleDbEntry): Artifact[] {
  const served = new Set<string>();
  return sources.flatMap(({ deviceMap, links, hashes, size }) => {
    const models = deviceMap.map((name) => name.replace(/-20\d\d$/, '')).filter((model) => !served.has(model));
    for (const model of models) served.add(model);
    const unique = [...new Set(models)];
    return unique.length === 0
      ? []
      : [{ models: unique, url: links[0]?.url ?? '', sha256: hashes['sha2-256'], sizeBytes: size }];
  });
}

function rapidResponses(): AppleDbEntry[] {
  const files = readdirSync(`${data}appledb/raw-rsr`, { recursive: true, encoding: 'utf8' });
  return files
    .filter((file) => file.endsWith('.json'))
    .sort()
    .map((file) => JSON.parse(readFileSync(`${data}appledb/raw-rsr/${file}`, 'utf8')) as AppleDbEntry);
}

function improvements(platform: string) {
  const feed = JSON.parse(readFileSync(`${data}sofa/v2/${platform}_data_feed.json`, 'utf8')) as {
    BackgroundSecurityImprovements: Record<
      string,
      { Version: string; Build: string; PrerequisiteBuild: string; SupportedDevices: string[] }[]
    >;
  };
  return Object.values(feed.BackgroundSecurityImprovements).flat();
}

/** The catalog after all were published in this order, and what supersedes what. */
function publishAll(publications: readonly Publication[]): Map<string, KnownPatch> {
  const catalog = new Map<string, KnownPatch>();
  for (const { type: _, at, patchId, ...content } of publications) {
    const events = patchDecider.decide({ type: 'PublishPatch', patchId, content, at }, { status: 'absent' });
    catalog.set(patchId, known(fold(patchDecider, events)));
    for (const { patchId: lower, by } of supersessions(
      [...catalog.values()].filter((each) => isBeside(each, content)),
    )) {
      const patch = known(catalog.get(lower) ?? { status: 'absent' });
      const superseded = patchDecider.decide({ type: 'SupersedePatch', patchId: lower, by, at }, patch);
      catalog.set(lower, known(superseded.reduce(patchDecider.evolve, patch)));
    }
  }
  return catalog;
}

function isBeside(
  { content }: KnownPatch,
  other: { readonly platform: string; readonly baseVersion: string },
): boolean {
  return content.platform === other.platform && content.baseVersion === other.baseVersion;
}

function known(patch: Patch): KnownPatch {
  if (patch.status === 'absent') throw new Error('the patch was not published');
  return patch;
}

describe.runIf(hasData)('publishing every real removable patch since 2022', () => {
  const publications = everyRealPatch();

  it('finds them, and no fault in them', () => {
    expect(publications.map(({ patchId }) => patchId).sort()).toEqual(
      [
        ...['ios-16.2-a', 'ios-16.2-b', 'ios-16.4-a', 'ios-16.4-b', 'ios-16.4.1-a', 'ios-16.5.1-a', 'ios-16.5.1-c'],
        ...['macos-13.2-a', 'macos-13.2-b', 'macos-13.3-a', 'macos-13.3-b', 'macos-13.3.1-a'],
        ...['macos-13.4.1-a', 'macos-13.4.1-c', 'ios-26.3.1-a', 'macos-26.3.1-a', 'macos-26.3.2-a'],
      ].sort(),
    );
    for (const content of publications) expect(contentFaults(content)).toEqual([]);
  });

  it('supersedes each by the last letter of its version, in whatever order they come', () => {
    const expected = Object.fromEntries(
      publications.map(({ patchId, platform, baseVersion, letter }) => {
        const letters = publications.filter((each) => each.platform === platform && each.baseVersion === baseVersion);
        const last =
          letters
            .map((each) => each.letter)
            .sort(compareLetters)
            .at(-1) ?? letter;
        return [patchId, last === letter ? undefined : `${platform}-${baseVersion}-${last}`];
      }),
    );
    expect(expected['ios-16.5.1-a']).toBe('ios-16.5.1-c');
    expect(Object.values(expected).filter((by) => by !== undefined)).toHaveLength(6);
    for (const order of [publications, publications.toReversed()]) {
      const found = [...publishAll(order)].map(([patchId, patch]) => [
        patchId,
        patch.status === 'superseded' ? patch.supersededBy : undefined,
      ]);
      expect(Object.fromEntries(found)).toEqual(expected);
    }
  });

  it('orders them by base version, then by letter', () => {
    const ofIos = publications.filter(({ platform }) => platform === 'ios');
    const sorted = ofIos.toSorted(
      (left, right) =>
        compareVersionTexts(left.baseVersion, right.baseVersion) || compareLetters(left.letter, right.letter),
    );
    const names = sorted.map(({ patchId }) => patchId.replace('ios-', ''));
    expect(names).toEqual(['16.2-a', '16.2-b', '16.4-a', '16.4-b', '16.4.1-a', '16.5.1-a', '16.5.1-c', '26.3.1-a']);
  });

  it('brings each model the package of its own, where one build has 25 and more', () => {
    const phones = rapidResponses().find(({ osStr, build }) => osStr === 'iOS' && build === '20F770750d');
    expect(phones && artifactsOf(phones)).toHaveLength(25);
    const patch = publications.find(({ patchId }) => patchId === 'ios-16.5.1-c');
    const [variant] = patch?.variants ?? [];
    if (patch === undefined || variant === undefined) throw new Error('16.5.1 (c) is not there');
    expect(variant.artifacts?.length).toBeGreaterThan(70);
    const policy = rolledOut(patch).reduce(foldPolicy, emptyPolicy());
    for (const artifact of variant.artifacts ?? []) {
      for (const model of artifact.models) {
        const device = {
          deviceId: 'd-1',
          platform: 'ios',
          model,
          osBuild: '20F75',
          track: 'automatic',
          installed: [],
        } as const;
        const { url, sha256, sizeBytes } = artifact;
        expect(decide(device, policy, Date.parse(AT) + 60_000, () => 0.5)).toMatchObject({
          directive: 'install',
          patchId: 'ios-16.5.1-c',
          artifact: { url, sha256, sizeBytes },
        });
      }
    }
  });
});

/** The patch, and a rollout of it that has reached everybody. */
function rolledOut(patch: Publication): PolicyEvent[] {
  const wave = { name: 'all', ramp: { fromPercent: 100, toPercent: 100, minutes: 0 }, bakeMinutes: 0 };
  const plan = {
    patchId: patch.patchId,
    waves: [wave],
    holdBackPercent: 0,
    gates: { installFailureRateMax: 0.01 },
    salt: 'salt',
  };
  return [
    patch,
    { type: 'RolloutPlanned', rolloutId: 'r1', plan, at: AT },
    { type: 'RolloutStarted', rolloutId: 'r1', patchId: patch.patchId, slices: 1, at: AT },
    { type: 'WaveOpened', rolloutId: 'r1', wave: 1, at: AT },
  ];
}
