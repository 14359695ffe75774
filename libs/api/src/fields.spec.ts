import { plainToInstance } from 'class-transformer';
import { validateSync } from 'class-validator';
import { describe, expect, it } from 'vitest';
import { Amount, Count, Flag, Id, OneOf, Part, Text, Time } from './fields.ts';

class Ramp {
  @Amount({ min: 0, max: 100, isAbove: true })
  toPercent!: number;
}

class Query {
  @Count({ min: 1, max: 1000, inQuery: true, optional: true })
  limit?: number;

  @Flag({ inQuery: true, optional: true })
  dryRun?: boolean;
}

class Plan {
  @Id()
  patchId!: string;

  @Text({ min: 1, max: 5 })
  name!: string;

  @Count({ min: 1, max: 3, optional: true })
  wave?: number;

  @Time({ optional: true })
  startAt?: string;

  @Flag({ optional: true })
  isQuiet?: boolean;

  @OneOf(['ios', 'macos'], 'Platform', { list: { min: 1, max: 2, unique: true } })
  platform!: string[];

  @Part(() => Ramp, { list: { max: 1 } })
  ramps!: Ramp[];
}

const good = { patchId: 'p-1', name: 'all', platform: ['ios'], ramps: [{ toPercent: 1.5 }] };

function readQuery(query: object) {
  const read = plainToInstance(Query, query);
  return validateSync(read).length > 0 ? 'refused' : { ...read };
}

function faultsOf(changed: object) {
  return validateSync(plainToInstance(Plan, { ...good, ...changed })).map(({ property }) => property);
}

describe('fields', () => {
  it('take what is within their bounds', () => {
    expect(faultsOf({})).toEqual([]);
    expect(faultsOf({ wave: 3, startAt: '2026-11-24T10:00:00Z', isQuiet: false })).toEqual([]);
  });

  it.each([
    ['patchId', 'no blanks'],
    ['patchId', undefined],
    ['name', ''],
    ['name', 'longer'],
    ['name', 1],
    ['wave', 0],
    ['wave', 1.5],
    ['wave', null],
    ['startAt', '2026-02-30T10:00:00Z'],
    ['isQuiet', 'yes'],
    ['platform', 'ios'],
    ['platform', []],
    ['platform', ['ios', 'ios']],
    ['platform', ['bsd']],
    ['ramps', { toPercent: 1 }],
    ['ramps', [{ toPercent: 101 }]],
    ['ramps', [{ toPercent: 0 }]],
    ['ramps', [[]]],
    ['ramps', [{ toPercent: 1 }, { toPercent: 2 }]],
  ])('name %s where it is %j', (property, value) => {
    expect(faultsOf({ [property]: value })).toEqual([property]);
  });
});

describe('fields of queries', () => {
  it('are read from text', () => {
    expect(readQuery({ limit: '20', dryRun: 'true' })).toEqual({ limit: 20, dryRun: true });
    expect(readQuery({ dryRun: 'false' })).toMatchObject({ dryRun: false });
  });

  it.each([{ limit: '0' }, { limit: '1.5' }, { limit: '0x10' }, { limit: '' }, { limit: ['1'] }, { dryRun: 'yes' }])(
    'are refused where they are %j',
    (query) => {
      expect(readQuery(query)).toBe('refused');
    },
  );
});
