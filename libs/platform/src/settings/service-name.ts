import { type Publication } from '@sluice/event-feed';

/** What a process is called: after its service, `sluice` where it is all of them. */
export class ServiceName {
  constructor(readonly service: string) {}

  static of(publications: readonly Pick<Publication, 'source'>[]): ServiceName {
    const sources = new Set(publications.map(({ source }) => source));
    return new ServiceName(sources.size === 1 ? [...sources].join() : 'sluice');
  }
}
