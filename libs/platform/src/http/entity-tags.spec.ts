import { describe, expect, it } from 'vitest';
import { versionsIn } from './entity-tags.ts';

describe('reading If-Match', () => {
  it.each([
    ['the ETag of an answer', '"3"', [3]],
    ['a list', '"3", "5","12"', [3, 5, 12]],
    ['a weak tag, which never matches', 'W/"3"', []],
    ['a weak tag in a list', 'W/"3", "4"', [4]],
    ['a tag that no answer has', '"abc"', []],
    ['an empty tag', '""', []],
    ['a star, which asks only that it is there', '*', undefined],
    ['nothing', undefined, undefined],
  ])('takes %s', (_, header, versions) => {
    expect(versionsIn(header)).toEqual(versions);
  });

  it.each(['3', '"3', '3"', '"3" "4"', '"3",', ', "3"', '*, "3"', 'w/"3"', '"3\u00e9"', '', '"1",'.repeat(70) + '"1"'])(
    'refuses %s',
    (header) => {
      expect(() => versionsIn(header)).toThrow(expect.objectContaining({ code: 'invalid-request' }));
    },
  );
});
