import { describe, expect, it } from 'vitest';
import { feedEvent } from './scripted-feed.fixture.ts';
import { SkippedLinks } from './skipped-links.ts';

const at = (revision: number) => ({ revision, index: 0 });
const linked = (revision: number, previous?: number) =>
  feedEvent('s', revision, 0, previous === undefined ? undefined : at(previous)).event;

describe('closing the chain over skipped events', () => {
  it('leaves events alone that follow none', () => {
    const event = linked(1, 0);
    expect(new SkippedLinks().link(event)).toBe(event);
  });

  it('links an event to the last one that was not skipped', () => {
    const links = new SkippedLinks();
    links.skip(linked(1, 0));
    links.skip(linked(2, 1));
    expect(links.link(linked(3, 2)).previous).toEqual(at(0));
    expect(links.link(linked(4, 3)).previous).toEqual(at(3));
    expect(links.link({ ...linked(3, 2), stream: 'another' }).previous).toEqual(at(2));
  });

  it('makes an event the first of its stream when all before it were skipped', () => {
    const links = new SkippedLinks();
    links.skip(linked(0));
    expect(links.link(linked(1, 0))).not.toHaveProperty('previous');
  });
});
