import { type PatchView, type Platform, type PublishPatchBody } from '@sluice/api-client';

/** What `POST /v1/patches` takes, with the CVEs that the patch closes. */
export type CatalogPatch = Pick<PatchView, keyof PublishPatchBody>;

// Which models a full release runs on, by first number of the identifier. AppleDB tells some MacBookPro15,x apart by year;
// devices do not, so the year is left out here.
const phones2023 = [
  ...models('iPhone10', '1-6'),
  ...models('iPhone11', '2 4 6 8'),
  ...models('iPhone12', '1 3 5 8'),
  ...models('iPhone13', '1-4'),
  ...models('iPhone14', '2-8'),
  ...models('iPhone15', '2-3'),
];
const pads2023 = [
  ...models('iPad6', '3-4 7-8 11-12'),
  ...models('iPad7', '1-6 11-12'),
  ...models('iPad8', '1-12'),
  ...models('iPad11', '1-4 6-7'),
  ...models('iPad12', '1-2'),
  ...models('iPad13', '1-2 4-11 16-19'),
  ...models('iPad14', '1-6'),
];
const macs2023 = [
  ...models('iMac18', '1-3'),
  ...models('iMac19', '1-2'),
  ...models('iMac20', '1-2'),
  ...models('iMac21', '1-2'),
  ...models('iMacPro1', '1'),
  ...models('Mac13', '1-2'),
  ...models('Mac14', '2-3 5-7 9-10 12'),
  ...models('MacBook10', '1'),
  ...models('MacBookAir8', '1-2'),
  ...models('MacBookAir9', '1'),
  ...models('MacBookAir10', '1'),
  ...models('MacBookPro14', '1-3'),
  ...models('MacBookPro15', '1-4'),
  ...models('MacBookPro16', '1-4'),
  ...models('MacBookPro17', '1'),
  ...models('MacBookPro18', '1-4'),
  ...models('Macmini8', '1'),
  ...models('Macmini9', '1'),
  ...models('MacPro7', '1'),
  'MacPro7,1-Rack',
  'VirtualMac2,1',
];
// Released in June 2023 with a build of 13.4.1 of their own.
const macsOfJune2023 = ['Mac14,8', 'Mac14,8-Rack', ...models('Mac14', '13-15')];
const phones2026 = [
  ...models('iPhone12', '1 3 5 8'),
  ...models('iPhone13', '1-4'),
  ...models('iPhone14', '2-8'),
  ...models('iPhone15', '2-5'),
  ...models('iPhone16', '1-2'),
  ...models('iPhone17', '1-5'),
  ...models('iPhone18', '1-5'),
];
const pads2026 = [
  ...models('iPad8', '1-12'),
  ...models('iPad11', '1-4 6-7'),
  ...models('iPad12', '1-2'),
  ...models('iPad13', '1-2 4-11 16-19'),
  ...models('iPad14', '1-6 8-11'),
  ...models('iPad15', '3-8'),
  ...models('iPad16', '1-6 8-11'),
  ...models('iPad17', '1-4'),
];
const macs2026 = [
  ...models('iMac21', '1-2'),
  ...models('Mac13', '1-2'),
  ...models('Mac14', '2-3 5-10 12-15'),
  ...models('Mac15', '3-14'),
  ...models('Mac16', '1-3 5-13'),
  ...models('Mac17', '2-4 6-9'),
  ...models('MacBookAir10', '1'),
  ...models('MacBookPro15', '1 3'),
  ...models('MacBookPro16', '2-3'),
  ...models('MacBookPro17', '1'),
  ...models('MacBookPro18', '1-4'),
  ...models('Macmini9', '1'),
  ...models('MacPro7', '1'),
  'MacPro7,1-Rack',
  'VirtualMac2,1',
];

const webKitOfMay2023 = [
  { id: 'CVE-2023-28204', exploited: true },
  { id: 'CVE-2023-32373', exploited: true },
];
const webKitOfJuly2023 = [{ id: 'CVE-2023-37450', exploited: true }];
const webKitOfMarch2026 = [{ id: 'CVE-2026-20643', exploited: false }];
const notesOfMarch2026 = 'https://support.apple.com/en-us/126604';

/**
 * Every removable patch that Apple published to the public in 2023 and 2026, in order of publication.
 * Builds and models of 2023: AppleDB (MIT); of 2026: SOFA (Apache-2.0), board ids mapped through its device table.
 * Exploited as CISA's catalog has it. Apple names the CVEs of the first ones in the notes of 16.5 and 13.4 (HT213757, HT213758).
 */
export const realPatches: readonly CatalogPatch[] = [
  patch('ios', '16.4.1', 'a', [['20E772520a', '20E252', [...phones2023, ...pads2023]]], webKitOfMay2023),
  patch('macos', '13.3.1', 'a', [['22E772610a', '22E261', macs2023]], webKitOfMay2023),
  patch(
    'ios',
    '16.5.1',
    'a',
    [['20F770750b', '20F75', [...phones2023, ...pads2023]]],
    webKitOfJuly2023,
    'https://support.apple.com/HT213823#rsra',
  ),
  patch(
    'macos',
    '13.4.1',
    'a',
    [
      ['22F770820b', '22F82', macs2023],
      ['22F770830b', '22F2083', macsOfJune2023],
    ],
    webKitOfJuly2023,
    'https://support.apple.com/HT213825#rsra',
  ),
  patch(
    'ios',
    '16.5.1',
    'c',
    [['20F770750d', '20F75', [...phones2023, ...pads2023]]],
    webKitOfJuly2023,
    'https://support.apple.com/HT213823#rsrc',
  ),
  patch(
    'macos',
    '13.4.1',
    'c',
    [
      ['22F770820d', '22F82', macs2023],
      ['22F770830e', '22F2083', macsOfJune2023],
    ],
    webKitOfJuly2023,
    'https://support.apple.com/HT213825#rsrc',
  ),
  patch(
    'ios',
    '26.3.1',
    'a',
    [['23D771330a', '23D8133', [...phones2026, ...pads2026]]],
    webKitOfMarch2026,
    notesOfMarch2026,
  ),
  patch('macos', '26.3.1', 'a', [['25D771280a', '25D2128', macs2026]], webKitOfMarch2026, notesOfMarch2026),
  patch('macos', '26.3.2', 'a', [['25D771400a', '25D2140', ['Mac17,5']]], webKitOfMarch2026, notesOfMarch2026),
];

/** The real patch with this id. Throws when there is none: ids are written by hand, in code only. */
export function realPatch(patchId: string): CatalogPatch {
  const found = realPatches.find((each) => each.patchId === patchId);
  if (found === undefined) throw new Error(`there is no real patch ${patchId}`);
  return found;
}

/** What people call the patch: `iOS 16.5.1 (a)`. */
export function patchTitle({
  platform,
  baseVersion,
  letter,
}: Pick<CatalogPatch, 'platform' | 'baseVersion' | 'letter'>) {
  const names = { ios: 'iOS', macos: 'macOS', visionos: 'visionOS', tvos: 'tvOS', watchos: 'watchOS' };
  return `${names[platform]} ${baseVersion} (${letter})`;
}

function patch(
  platform: Platform,
  baseVersion: string,
  letter: string,
  variants: readonly (readonly [build: string, prerequisiteBuild: string, models: readonly string[]])[],
  cves: CatalogPatch['cves'],
  releaseNotesUrl?: string,
): CatalogPatch {
  return {
    patchId: `${platform}-${baseVersion}-${letter}`,
    platform,
    baseVersion,
    letter,
    variants: variants.map(([build, prerequisiteBuild, list]) => ({ build, prerequisiteBuild, models: [...list] })),
    cves,
    ...(releaseNotesUrl !== undefined && { releaseNotesUrl }),
  };
}

/** `models('iPhone14', '2-3 7')` is iPhone14,2 · iPhone14,3 · iPhone14,7. */
function models(stem: string, numbers: string): string[] {
  return numbers.split(' ').flatMap((range) => {
    const [first, last = first] = range.split('-').map(Number);
    if (first === undefined || last === undefined) return [];
    return Array.from({ length: last - first + 1 }, (_, index) => `${stem},${String(first + index)}`);
  });
}
