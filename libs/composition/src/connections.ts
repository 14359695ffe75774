import { HttpFeed } from '@sluice/event-feed-http';
import { type Connections, type Surroundings } from '@sluice/platform';
import { connectKafka } from './kafka-connections.ts';

/** How a service that runs apart hears others: over Kafka where brokers are named, else over HTTP. */
export function connect(surroundings: Surroundings): Connections {
  const { settings, tokens, log } = surroundings;
  const owner = new HttpFeed({
    addresses: {
      catalog: settings.catalogUrl,
      orchestrator: settings.orchestratorUrl,
      telemetry: settings.telemetryUrl,
    },
    token: () => tokens.peerToken(),
    onDisconnect: (source, reason) => {
      log.warn({ source, reason: String(reason) }, 'feed lost, connecting again');
    },
  });
  if (settings.kafka === '' && settings.store === 'embedded-shared') {
    log.warn('without --kafka nothing shares the work between processes on one store: start one of each service only');
  }
  return settings.kafka === '' ? { feed: owner } : connectKafka(surroundings, owner);
}
