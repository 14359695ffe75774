import { asyncApi, isTopic } from '@sluice/contracts/async-api';
import { type Publication } from '@sluice/event-feed';

/** The AsyncAPI document of the process: the channels of the topics that it publishes, and no others. */
export class AsyncApi {
  private built: object | undefined;

  constructor(
    private readonly publications: readonly Publication[],
    private readonly shards: number,
  ) {}

  document(): object {
    return (this.built ??= asyncApi({
      title: `Sluice: ${[...new Set(this.publications.map(({ source }) => source))].join(', ')}`,
      topics: this.publications.map(({ topic }) => topic).filter(isTopic),
      shards: this.shards,
    }));
  }
}
