import { familyOf } from './model.ts';
import { describe, expect, it } from 'vitest';
import { compileAudience, includes } from './audience.ts';

describe('finding the family of a model', () => {
  it.each([
    ['iPhone18,1', 'iPhone'],
    ['iPad16,3', 'iPad'],
    ['iPod9,1', 'iPod'],
    ['MacBookPro18,3', 'Mac'],
    ['Mac16,1', 'Mac'],
    ['MacPro7,1-Rack', 'Mac'],
    ['Macmini9,1', 'Mac'],
    ['iMac21,1', 'Mac'],
    ['iMacPro1,1', 'Mac'],
    ['VirtualMac2,1', 'Mac'],
    ['AppleTV14,1', 'AppleTV'],
    ['Watch7,5', 'Watch'],
    ['RealityDevice14,1', 'Vision'],
    ['toaster', 'toaster'],
  ])('takes %s for %s', (model, family) => {
    expect(familyOf(model)).toBe(family);
  });
});

describe('belonging to an audience', () => {
  const device = { family: 'iPhone', model: 'iPhone18,1', base: '23D8133' };

  it.each([
    [{}, true],
    [{ family: ['iPad', 'iPhone'] }, true],
    [{ family: ['iPad'] }, false],
    [{ model: ['iPhone18,1'] }, true],
    [{ family: ['iPhone'], model: ['iPhone17,1'] }, false],
    [{ base: ['23D8133'] }, true],
    [{ base: ['23E200'] }, false],
  ])('an iPhone18,1 on 23D8133 belongs to %j: %s', (audience, expected) => {
    expect(includes(compileAudience(audience), device)).toBe(expected);
  });
});
