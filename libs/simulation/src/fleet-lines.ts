import { type FullRelease, type Line } from './fleet.ts';
import { type Choices } from './random.ts';

/** A fleet of March 2026, when 26.3.1 (a) came out. About 72 % of it are iPhones and iPads on 26.3.1. */
export const fleetOf2026: Choices<Line> = [
  [
    {
      platform: 'ios',
      models: Object.entries({
        'iPhone18,1': 8,
        'iPhone18,2': 8,
        'iPhone18,3': 9,
        'iPhone17,1': 7,
        'iPhone17,2': 7,
        'iPhone17,3': 7,
        'iPhone17,4': 3,
        'iPhone17,5': 4,
        'iPhone16,1': 6,
        'iPhone16,2': 6,
        'iPhone15,4': 6,
        'iPhone15,3': 5,
        'iPhone14,7': 4,
        'iPhone14,5': 6,
        'iPhone13,2': 4,
        'iPhone12,1': 4,
      }),
      fullReleases: [
        [fullRelease('26.3.1', '23D8133'), 88],
        [fullRelease('26.3', '23D127'), 12],
      ],
    },
    68,
  ],
  [
    {
      platform: 'ios',
      models: Object.entries({
        'iPad16,3': 3,
        'iPad15,7': 4,
        'iPad14,8': 2,
        'iPad13,18': 4,
        'iPad12,1': 4,
        'iPad8,1': 1,
      }),
      fullReleases: [
        [fullRelease('26.3.1', '23D8133'), 86],
        [fullRelease('26.3', '23D127'), 14],
      ],
    },
    14,
  ],
  [
    {
      platform: 'ios',
      models: Object.entries({ 'iPhone11,8': 1 }),
      fullReleases: [[fullRelease('18.7.6', '22H320'), 1]],
    },
    4,
  ],
  [
    {
      platform: 'macos',
      models: Object.entries({
        'Mac14,2': 4,
        'Mac15,12': 4,
        'Mac16,12': 5,
        'Mac16,1': 3,
        'Mac16,10': 2,
        'MacBookAir10,1': 4,
        'Macmini9,1': 1,
      }),
      fullReleases: [
        [fullRelease('26.3.1', '25D2128'), 80],
        [fullRelease('26.3', '25D125'), 12],
        [fullRelease('15.7.4', '24G517'), 8],
      ],
    },
    13,
  ],
  [
    {
      platform: 'macos',
      models: Object.entries({ 'Mac17,5': 1 }),
      fullReleases: [[fullRelease('26.3.2', '25D2140'), 1]],
    },
    1,
  ],
];

/** A fleet of July 2023, when 16.5.1 (a) had to be taken back. About 70 % of it are iPhones and iPads on 16.5.1. */
export const fleetOf2023: Choices<Line> = [
  [
    {
      platform: 'ios',
      models: Object.entries({
        'iPhone15,2': 9,
        'iPhone15,3': 10,
        'iPhone14,7': 6,
        'iPhone14,8': 3,
        'iPhone14,2': 7,
        'iPhone14,3': 8,
        'iPhone14,5': 11,
        'iPhone14,6': 3,
        'iPhone13,1': 3,
        'iPhone13,2': 8,
        'iPhone13,3': 5,
        'iPhone12,1': 9,
        'iPhone12,8': 5,
        'iPhone11,8': 7,
        'iPhone10,4': 3,
      }),
      fullReleases: [
        [fullRelease('16.5.1', '20F75'), 82],
        [fullRelease('16.5', '20F66'), 9],
        [fullRelease('16.4.1', '20E252'), 9],
      ],
    },
    66,
  ],
  [
    {
      platform: 'ios',
      models: Object.entries({
        'iPad14,1': 2,
        'iPad13,18': 3,
        'iPad13,16': 3,
        'iPad12,1': 4,
        'iPad11,6': 2,
        'iPad8,1': 2,
      }),
      fullReleases: [
        [fullRelease('16.5.1', '20F75'), 80],
        [fullRelease('16.4.1', '20E252'), 12],
        [fullRelease('16.5', '20F66'), 8],
      ],
    },
    16,
  ],
  [
    {
      platform: 'ios',
      models: Object.entries({ 'iPhone9,3': 1 }),
      fullReleases: [[fullRelease('15.7.7', '19H357'), 1]],
    },
    3,
  ],
  [
    {
      platform: 'macos',
      models: Object.entries({ 'Mac14,2': 5, 'Mac14,9': 2, 'MacBookAir10,1': 6, 'MacBookPro18,3': 3, 'Macmini9,1': 1 }),
      fullReleases: [
        [fullRelease('13.4.1', '22F82'), 70],
        [fullRelease('13.3.1', '22E261'), 18],
        [fullRelease('12.6.7', '21G651'), 12],
      ],
    },
    14,
  ],
  [
    {
      platform: 'macos',
      models: Object.entries({ 'Mac14,15': 3, 'Mac14,13': 1 }),
      fullReleases: [[fullRelease('13.4.1', '22F2083'), 1]],
    },
    1,
  ],
];

/** A fleet of iPhones and iPads on 26.3.1, as many of each of these models. */
export function evenFleet(models: readonly string[]): Choices<Line> {
  const fullReleases = [[fullRelease('26.3.1', '23D8133'), 1]] as const;
  return [[{ platform: 'ios', models: models.map((model) => [model, 1] as const), fullReleases }, 1]];
}

function fullRelease(version: string, build: string): FullRelease {
  return { version, build };
}
