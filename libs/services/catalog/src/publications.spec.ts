import { type AccessEvent as PublicAccessEvent, type CatalogEvent } from '@sluice/contracts/events';
import { type AccessEvent, type PatchEvent } from '@sluice/domain-catalog';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { catalogPublications } from './publications.ts';

type Frozen<Value> = Value extends readonly (infer Item)[]
  ? readonly Frozen<Item>[]
  : Value extends object
    ? { readonly [Key in keyof Value]: Frozen<Value[Key]> }
    : Value;

describe('publishing events', () => {
  it('has the public shape in the domain already', () => {
    expectTypeOf<PatchEvent>().toExtend<Frozen<CatalogEvent>>();
    expectTypeOf<Frozen<CatalogEvent>>().toExtend<PatchEvent>();
    expectTypeOf<AccessEvent>().toExtend<Frozen<PublicAccessEvent>>();
    expectTypeOf<Frozen<PublicAccessEvent>>().toExtend<AccessEvent>();
    expect(catalogPublications()).toMatchObject([
      { source: 'catalog', topic: 'catalog', streams: ['patch-'] },
      { source: 'catalog', topic: 'access', streams: ['access'] },
    ]);
  });
});
