import { HttpFeed } from '@sluice/event-feed-http';
import { type Connections, readFeedToken, type Surroundings } from '@sluice/platform';

/** How a service that runs apart hears others: over HTTP. */
export function connect({ settings, log }: Surroundings): Connections {
  const feed = new HttpFeed({
    addresses: { catalog: settings.catalogUrl, telemetry: settings.telemetryUrl },
    token: () => readFeedToken(settings),
    onDisconnect: (source, reason) => {
      log.warn({ source, reason: String(reason) }, 'feed lost, connecting again');
    },
  });
  return { feed };
}
