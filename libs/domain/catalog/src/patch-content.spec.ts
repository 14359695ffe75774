import { describe, expect, it } from 'vitest';
import {
  addToContent,
  compareContent,
  contentFaults,
  isSameBase,
  isSameContent,
  type PatchContent,
  type Variant,
} from './patch-content.ts';

const sha256 = 'a'.repeat(64);
const variant: Variant = { build: '2a', prerequisiteBuild: '1', models: ['Mac1,1', 'Mac1,2'] };
const content: PatchContent = { platform: 'macos', baseVersion: '26.3', letter: 'a', variants: [variant], cves: [] };

describe('finding faults in a content', () => {
  it('finds none where each model of a base has one variant', () => {
    const variants = [
      variant,
      { build: '2b', prerequisiteBuild: '1', models: ['Mac1,3'] },
      { ...variant, build: '2c', prerequisiteBuild: '0' },
    ];
    expect(contentFaults({ variants, cves: [{ id: 'CVE-2026-1234', exploited: true }] })).toEqual([]);
  });

  it('names every fault with its place', () => {
    const variants = [
      { build: '1', prerequisiteBuild: '1', models: ['Mac1,1', 'Mac1,1'] },
      { build: '1', prerequisiteBuild: '0', models: ['Mac1,2'] },
      { build: '2', prerequisiteBuild: '0', models: ['Mac1,3', 'Mac1,2'] },
    ];
    const cves = [
      { id: 'CVE-2026-1234', exploited: false },
      { id: 'CVE-2026-1234', exploited: true },
    ];
    expect(contentFaults({ variants, cves }).map(({ path, code }) => `${path} ${code}`)).toEqual([
      '/variants/0/build same-as-prerequisite',
      '/variants/0/models/1 duplicate',
      '/variants/1/build duplicate',
      '/variants/2/models/1 duplicate',
      '/cves/1/id duplicate',
    ]);
  });
});

it('takes no build of the patch itself for a base', () => {
  const variants = [variant, { build: '3a', prerequisiteBuild: variant.build, models: ['Mac1,3'] }];
  expect(contentFaults({ variants, cves: [] })).toMatchObject([
    { path: '/variants/1/prerequisiteBuild', code: 'prerequisite-is-patch' },
  ]);
});

describe('comparing contents', () => {
  it('finds nothing where the wanted one leaves out what the present one has', () => {
    const artifact = { url: 'https://example.org/2a', sha256, sizeBytes: 1 };
    const present: PatchContent = {
      ...content,
      variants: [{ ...variant, artifact }],
      cves: [{ id: 'CVE-2026-1234', exploited: true }],
      releaseNotesUrl: 'https://example.org/notes',
    };
    expect(compareContent(present, content)).toEqual({ addition: undefined, conflicts: [] });
  });

  it('adds models and an artifact to a variant that is there, and keeps what it has', () => {
    const artifact = { url: 'https://example.org/2a', sha256, sizeBytes: 1 };
    const models = [...variant.models, 'Mac1,9'];
    const more = compareContent(content, { ...content, variants: [{ ...variant, models }] });
    expect(more).toEqual({ addition: { variants: [{ ...variant, models: ['Mac1,9'] }], cves: [] }, conflicts: [] });
    const packed = { ...content, variants: [{ ...variant, artifact }] };
    const { addition, conflicts } = compareContent(content, packed);
    expect([addition, conflicts]).toEqual([{ variants: [{ ...variant, artifact }], cves: [] }, []]);
    const both = [more.addition, addition].reduce<PatchContent>(
      (had, each) => (each === undefined ? had : addToContent(had, each)),
      content,
    );
    expect(both.variants).toEqual([{ ...variant, models, artifact }]);
    expect(compareContent(both, packed)).toMatchObject({
      conflicts: ['variant 2a: models differ (new: none; gone: Mac1,9)'],
    });
    const other = { ...packed.variants[0], models, artifact: { ...artifact, sizeBytes: 2 } } as Variant;
    expect(compareContent(both, { ...content, variants: [other] }).conflicts).toEqual([
      'variant 2a: the artifact differs',
    ]);
  });

  it('adds variants, CVEs and notes', () => {
    const added: Variant = { build: '2b', prerequisiteBuild: '1', models: ['Mac1,3'] };
    const cves = [{ id: 'CVE-2026-1234', exploited: false }];
    const releaseNotesUrl = 'https://example.org/notes';
    const wanted = { ...content, variants: [variant, added], cves, releaseNotesUrl };
    expect(compareContent(content, wanted)).toEqual({
      addition: { variants: [added], cves, releaseNotesUrl },
      conflicts: [],
    });
  });

  it('reports each contradiction in words', () => {
    const present = {
      ...content,
      releaseNotesUrl: 'https://example.org/notes',
      variants: [{ ...variant, artifact: { url: 'https://y', sha256, sizeBytes: 1 } }],
    };
    const wanted: PatchContent = {
      ...content,
      letter: 'b',
      releaseNotesUrl: 'https://example.org/other',
      variants: [
        {
          build: '2a',
          prerequisiteBuild: '0',
          models: ['Mac1,1'],
          artifact: { url: 'https://x', sha256, sizeBytes: 1 },
        },
      ],
    };
    expect(compareContent(present, wanted).conflicts).toEqual([
      'letter is a, not b',
      'releaseNotesUrl is https://example.org/notes, not https://example.org/other',
      'variant 2a: prerequisiteBuild is 1, not 0',
      'variant 2a: models differ (new: none; gone: Mac1,2)',
      'variant 2a: the artifact differs',
    ]);
  });

  it('takes a new variant for a model that has one as a contradiction', () => {
    const added: Variant = { build: '2b', prerequisiteBuild: '1', models: ['Mac1,2'] };
    expect(compareContent(content, { ...content, variants: [added] }).conflicts).toEqual(['Mac1,2 on 1 gets 2a too']);
  });
});

describe('telling the base of a patch', () => {
  it('is the same for the same platform and version, however written', () => {
    expect(isSameBase(content, { ...content, baseVersion: '26.3.0' })).toBe(true);
    expect(isSameBase(content, { ...content, baseVersion: '26.3.1' })).toBe(false);
    expect(isSameBase(content, { ...content, platform: 'ios' })).toBe(false);
  });
});

describe('having a package for each model', () => {
  const package1 = { url: 'https://example.com/1', sha256, sizeBytes: 1 };
  const package2 = { url: 'https://example.com/2', sha256, sizeBytes: 2 };
  const content = (...variants: Variant[]): PatchContent => ({
    platform: 'macos',
    baseVersion: '1',
    letter: 'a',
    variants,
    cves: [],
  });
  const packaged: Variant = {
    ...variant,
    artifacts: [
      { models: ['Mac1,1'], ...package1 },
      { models: ['Mac1,2'], ...package2 },
    ],
  };

  it('is the same whatever the order', () => {
    const turned = { ...packaged, artifacts: packaged.artifacts?.toReversed() ?? [] };
    expect(isSameContent(content(packaged), content(turned))).toBe(true);
    expect(isSameContent(content(packaged), content(variant))).toBe(false);
  });

  it('adds packages for models that had none, and for new ones, and nothing else', () => {
    const present = content({ ...variant, artifacts: [{ models: ['Mac1,1'], ...package1 }] });
    const wanted = content({ ...packaged, models: [...variant.models, 'Mac1,3'] });
    const { addition, conflicts } = compareContent(present, wanted);
    expect(conflicts).toEqual([]);
    expect(addition?.variants).toEqual([
      { ...variant, models: ['Mac1,2', 'Mac1,3'], artifacts: [{ models: ['Mac1,2'], ...package2 }] },
    ]);
    expect(isSameContent(addToContent(present, addition ?? wanted), wanted)).toBe(true);
    expect(compareContent(wanted, present).addition).toBeUndefined();
  });

  it('takes another package for a model for a conflict', () => {
    const other = { ...variant, artifacts: [{ models: ['Mac1,2'], ...package1 }] };
    expect(compareContent(content(packaged), content(other)).conflicts).toEqual([
      'variant 2a: the artifact differs for Mac1,2',
    ]);
    const forAll = content({ ...variant, artifact: package1 });
    expect(compareContent(forAll, content(packaged)).conflicts).toEqual([
      'variant 2a: the artifact differs for Mac1,2',
    ]);
    // One for all serves those that have none of their own.
    expect(compareContent(content(packaged), forAll)).toEqual({ addition: undefined, conflicts: [] });
    const some = content({ ...variant, artifacts: [{ models: ['Mac1,1'], ...package2 }] });
    expect(compareContent(some, forAll)).toMatchObject({
      addition: { variants: [{ models: ['Mac1,2'], artifact: package1 }] },
      conflicts: [],
    });
  });

  it('refuses a package for a model that the variant is not for, and two for one', () => {
    const faulty = {
      ...variant,
      artifacts: [
        { models: ['Mac1,1', 'Mac9,9'], ...package1 },
        { models: ['Mac1,1'], ...package2 },
      ],
    };
    expect(contentFaults(content(faulty))).toMatchObject([
      { path: '/variants/0/artifacts/0/models/1', code: 'unknown-model' },
      { path: '/variants/0/artifacts/1/models/0', code: 'duplicate' },
    ]);
  });
});
